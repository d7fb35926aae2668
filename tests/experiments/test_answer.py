"""The answers of a plan and their page: recomputed from predictions.csv by others' programs, and read by a browser."""

import csv
import html.parser
import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT
from made_up_results import made
from scipy import stats
from sklearn.metrics import f1_score

import report
from mer import corpora
from mer.experiments import answer, answer_page, forest, outcomes, paper, references


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Plan, settings, outcomes, answers, and the folder of the page."""
    _, plan, cfg = made(tmp_path_factory.mktemp("answer"))
    done = outcomes.find(plan, cfg)
    found, _ = answer_page.write(plan, done, cfg, n_bootstrap=1000)
    return plan, cfg, done, found, answer_page.folder(plan, cfg)


def rows_of(outcome):
    """Clip, artist, truth and prediction in each task, straight from the file."""
    with open(outcome.folder / "predictions.csv", newline="", encoding="utf-8") as file:
        return sorted((row for row in csv.DictReader(file) if row["level"] == "clip"), key=lambda row: row["clip"])


def macro(rows, task):
    return f1_score([row[f"true_{task}"] for row in rows], [row[f"predicted_{task}"] for row in rows],
                    average="macro")


def sides_of(done, one, other):
    """Rows of the runs of two sides by what they heard, in the order of their seeds."""
    return [[rows_of(outcome) for outcome in done.values() if outcome.cell.facts["heard"] == heard]
            for heard in (one, other)]


def redrawn(sides, task, *, n, seed):
    """Differences of the means over runs where artists are drawn with replacement, and those of each run."""
    rng, every = np.random.default_rng(seed), []
    artist = np.array([row["group"] for row in sides[0][0]])
    places = [np.flatnonzero(artist == name) for name in np.unique(artist)]
    for _ in range(n):
        mine = np.concatenate([places[place] for place in rng.integers(0, len(places), len(places))])
        every.append([[macro([rows[place] for place in mine], task) for rows in side] for side in sides])
    return np.array(every), len(places)


def recomputed(sides, task, *, by_seed):
    """Difference, standard error and degrees of freedom, by the formulas of docs/answer.md, without the project."""
    scores = np.array([[macro(rows, task) for rows in side] for side in sides])
    every, n = redrawn(sides, task, n=100, seed=3)
    few = n / (n - 1)
    variance = (every[:, 0].mean(axis=1) - every[:, 1].mean(axis=1)).var() * few
    uncertain, luck = variance**2 / (n - 1), 0
    units = [(scores[0] - scores[1], every[:, 0] - every[:, 1])] if by_seed else list(
        zip(scores, every.swapaxes(0, 1), strict=True))
    for values, drawn in units:
        between = values.var(ddof=1)
        apart = (drawn - drawn.mean(axis=1, keepdims=True)).var(axis=0).sum() / (len(values) - 1) * few
        luck += (between - apart) / len(values)
        uncertain += (between / len(values))**2 / (len(values) - 1)
    variance += max(luck, -variance / 2)
    return scores[0].mean() - scores[1].mean(), variance**0.5, variance**2 / uncertain


def swapped(sides, task, *, n, seed, by_seed):
    """Differences where whole artists have changed sides."""
    rng, found = np.random.default_rng(seed), []
    artists = sorted({row["group"] for row in sides[0][0]})
    meet = list(zip(*sides, strict=True)) if by_seed else list(itertools.product(*sides))
    for _ in range(n):
        moved = {artist for artist in artists if rng.random() < 0.5}
        found.append(np.mean([np.subtract(*(macro([b if a["group"] in moved else a for a, b in zip(x, y, strict=True)],
                                                  task) for x, y in ((one, other), (other, one))))
                              for one, other in meet]))
    return np.array(found)


@pytest.mark.parametrize("number, other, by_seed", [(0, "random", False), (1, "nothing", True)])
def test_an_independent_recomputation_agrees(ready, number, other, by_seed):
    plan, _, done, found, _ = ready
    mine = next(one for one in found if one.hypothesis == plan.hypotheses[number] and one.task.name == "quadrants")
    sides = sides_of(done, "speech", other)
    difference, error, freedom = recomputed(sides, "quadrants", by_seed=by_seed)
    assert mine.finding.difference == pytest.approx(difference, abs=1e-9)
    assert mine.finding.error == pytest.approx(error, rel=0.25)
    half = stats.t.ppf(0.975, mine.finding.freedom) * mine.finding.error
    assert (mine.finding.low, mine.finding.high) == pytest.approx((difference - half, difference + half))
    assert mine.finding.p == pytest.approx(2 * stats.t.sf(abs(difference) / mine.finding.error, mine.finding.freedom))
    assert np.log(mine.finding.freedom) == pytest.approx(np.log(freedom), abs=0.7)
    swaps = swapped(sides, "quadrants", n=40, seed=5, by_seed=by_seed)
    expected = np.mean(np.abs(swaps) >= abs(difference) - 1e-9)
    assert mine.finding.p_permutation == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 40) if expected else 0.1)


def test_the_family_is_corrected_together_and_power_is_that_of_its_hardest_step(ready):
    *_, found, _ = ready
    p_values = [one.finding.p for one in found]
    assert len(found) == 6 and {one.n_tests for one in found} == {6}
    for rank, place in enumerate(np.argsort(p_values)):
        steps = [min(1, p_values[other] * (6 - step)) for step, other in enumerate(np.argsort(p_values)[:rank + 1])]
        assert found[place].p_holm == pytest.approx(max(steps))
    for one in found:
        freedom = one.finding.freedom
        assert one.detectable == pytest.approx((stats.t.ppf(1 - 0.025 / 6, freedom) + stats.t.ppf(0.8, freedom))
                                               * one.finding.error)
    assert {one.verdict for one in found} == {answer.SHOWN, answer.NOT_SHOWN}


def test_files_hold_what_the_page_says(ready):
    *_, found, folder = ready
    saved = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    with open(folder / "answer.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    page = (folder / "answer.html").read_text(encoding="utf-8")
    assert len(saved["answers"]) == len(table) == 6 and saved["in_short"] in page
    for one, row, line in zip(found, saved["answers"], table, strict=True):
        assert one.text == row["answer"] and float(line["difference"]) == pytest.approx(one.finding.difference)
        assert all(part.strip().replace(">", "&gt;").replace("'", "&#39;") in page for part in one.text.split(".", 1))
    assert all((folder / place / "report.json").exists() for place in saved["cells"].values())
    assert len(saved["cells"]) == 9 and not saved["lacking"]


class Parsed(html.parser.HTMLParser):
    """Addresses, and whether all tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.open, self.heads = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}>"


def test_the_page_begins_with_the_answer_and_needs_no_network(ready):
    folder = ready[-1]
    page = (folder / "answer.html").read_text(encoding="utf-8")
    parsed = Parsed(page)
    assert not parsed.open and "<script" not in page and "://" not in re.sub(r"data:[^\"]*", "", page)
    body = page[page.index("<main>"):]
    assert body.index("The difference is") < body.index("data:image/svg") < body.index("Every cell")
    assert "would have been found 4 times in 5" in body and "Does a &lt;made-up&gt; encoder" in page
    for address in parsed.addresses:
        assert address.startswith(("data:", "#")) or (folder / address).exists(), address
    assert sum(address.endswith("predictions.csv") for address in parsed.addresses) > 9
    assert "weighted F1 over patches, as published" in page and "The most certain mistakes" in page
    assert "Errors per artist" in page and "<audio" not in page


def test_sounds_are_linked_where_they_are(ready, monkeypatch, tmp_path):
    plan, cfg, done, _, folder = ready
    wrong = answer_page.mistakes.found(list(done.values()), cfg)[0].clips[0].clip
    (tmp_path / wrong).write_bytes(b"sound")
    monkeypatch.setattr(answer_page.mistakes.corpora, "locate", lambda corpus, cfg: tmp_path)
    clips = answer_page.mistakes.found(list(done.values()), cfg)[0].clips
    assert [clip.sound for clip in clips] == [tmp_path / wrong] + [None] * (len(clips) - 1)
    page = answer_page.render(plan, done, [], cfg)
    (address,) = re.findall(r'<audio [^>]*src="([^"]*)"', page)
    assert (folder / address.replace("%20", " ")).resolve() == (tmp_path / wrong).resolve()


def test_the_forest_is_the_same_for_the_same_answers(ready):
    *_, found, _ = ready
    assert forest.draw(found) == forest.draw(found) and forest.draw([]) is None


def test_what_is_missing_is_said(tmp_path):
    names = [f"model_scae.speech-e.Feat.-Ext.e.it_{seed}" for seed in (1, 2)]
    _, plan, cfg = made(tmp_path, lacking=names)
    done = outcomes.find(plan, cfg)
    found, _ = answer_page.write(plan, done, cfg, n_bootstrap=50)
    page = (answer_page.folder(plan, cfg) / "answer.html").read_text(encoding="utf-8")
    assert "2 of 9 cells are not finished" in page and all(name in page for name in names)
    assert all("2 of the 6 cells that it asks are not finished." in one.notes for one in found)
    assert any("not the luck of training" in note for note in found[0].notes)


def test_a_plan_without_results_is_open(tmp_path):
    _, plan, cfg = made(tmp_path, n=0)
    found, _ = answer_page.write(plan, outcomes.find(plan, cfg), cfg)
    assert {one.verdict for one in found} == {answer.OPEN} and "No pair of its cells is finished." in found[0].text
    assert "No cell is finished" in (answer_page.folder(plan, cfg) / "answer.html").read_text(encoding="utf-8")


def test_what_limits_an_answer_is_said(ready):
    plan, _, done, _, _ = ready
    shared = outcomes.Outcomes()
    for name, outcome in done.items():
        shared[name] = replace(outcome, run={**outcome.run, "encoder": {"sha256": "one"}})
    assert "share one encoder" in " ".join(answer.answers(plan, shared, n_bootstrap=50, n_permutations=9)[0].notes)
    for name, outcome in shared.items():
        heard = {"heard": "music"} if outcome.cell.facts["heard"] == "speech" else {}
        cell = replace(outcome.cell, facts={**outcome.cell.facts, **heard})
        shared[name] = replace(outcome, cell=cell, run=done[name].run)
    asked = replace(plan, hypotheses=(replace(plan.hypotheses[0], one={"heard": "music"}),))
    notes = " ".join(answer.answers(asked, shared, n_bootstrap=50, n_permutations=9)[0].notes)
    assert "CAUTION: model_scae heard the test clips" in notes and "share one" not in notes


def test_the_script_writes_the_page(ready, monkeypatch, capsys):
    _, cfg, *_, folder = ready
    for name in ("models", "models_trans", "results"):
        monkeypatch.setenv(f"MER_PATH_TO_{name.upper()}", str(cfg.values[f"path_to_{name}"]))
    (folder / "answer.html").unlink()
    report.main(["--plan", str(cfg.results_dir.parent / "small.toml")])
    said = capsys.readouterr().out
    assert "made > drawn: It helps" in said and "  Quadrants: " in said and "The difference is +" in said
    assert (folder / "answer.html").exists() and str(folder / "answer.html") in said


def test_what_goes_into_a_paper_comes_from_the_files(ready):
    plan, cfg, done, found, _ = ready
    tex, bib = (path.read_text(encoding="utf-8") for path in paper.write(plan, done, found, cfg, n_bootstrap=1000))
    assert re.sub(r"(?<!\\)%.*", "", tex).count("{") == re.sub(r"(?<!\\)%.*", "", tex).count("}")
    assert r"made \textgreater{} drawn & quadrants & $" in tex and f"{found[0].finding.difference:+.3f}" in tex
    methods = tex[:tex.index(r"\begin{table}")]
    assert "was tested on 96 clips of 24 artists" in methods and "drawn 1000 times" in methods
    assert "p values of 6 tests" in methods and "each of its cells has 3 runs" in methods
    cited = {key for keys in re.findall(r"\\cite\{([^}]*)\}", tex) for key in keys.split(",")}
    assert cited <= set(re.findall(r"^@\w+\{(\w+),", bib, re.MULTILINE)) and {"panda2020", "vincent2008"} <= cited
    one = next(iter(done.values()))
    other = replace(one, report={**one.report, "test": {**one.report["test"], "clips": 97, "digest": "other"}})
    assert "97 clips" in paper.methods(plan, outcomes.Outcomes() | {"a": other}, found, n_bootstrap=1)


def test_everything_that_can_be_used_can_be_cited():
    known = [(module.NAME, references.keys_of("", module.CITATION)) for module in corpora._modules().values()
             if not module.PARTS]
    known += [(path.stem, references.keys_of(path.stem)) for path in (ROOT / "models").glob("model_*.py")
              if path.stem != "model_cnn"]
    assert [name for name, keys in known if not keys] == []
    assert all(len(keys) == 1 for _, keys in known[:-len(list((ROOT / "models").glob("model_*.py"))) + 1])
    assert len({entry.key for entry in references.entries()}) == len(references.entries())
