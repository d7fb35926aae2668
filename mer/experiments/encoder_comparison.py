"""compare_encoders.py: what encoders share, what can be read off their layers, and how far release moves them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mer import MerError, corpora, files
from mer.config import Config
from mer.data import datasets, splits
from mer.evaluation import intervals
from mer.experiments import activations, encoder_pictures, encoder_text, probes, questions, similarity
from mer.experiments import encoders as of_encoders
from mer.experiments.activations import INPUT
from mer.experiments.encoders import RANDOM, Encoder
from mer.tasks import TASKS
from mer.weights import provenance

MOST_CLIPS = 1000  # whose similarity is measured: the work grows with their square
SETTINGS = ("seed", "patch_overlap", "n_bootstrap", "precision")  # that the results depend on
PAIRS = ("encoder", "layer", "other", "other_layer", "cka", "low", "high", "plain")
PROBES = ("probe", "encoder", "layer", "units", "clips", "groups", "score", "value", "low", "high", "chance",
          *(f"over_{name}{end}" for name in ("input", "random") for end in ("", "_low", "_high", "_p", "_holm")))
MOVED = ("encoder", "from", "layer", "weights", "distance")

Tables = dict[tuple[str, str], np.ndarray]  # by title of the encoder and layer


def run(cfg: Config, found: Sequence[Encoder], *, music: str) -> list[Path]:
    """Compare encoders on the clips that they can all hear, and write tables, pictures and a summary.

    Parameters
    ----------
    cfg : Config
    found : sequence of Encoder
        From `encoders.wanted`.
    music : str
        Code of the music.

    Returns
    -------
    list of pathlib.Path
        Below `cfg.results_dir` / "encoders"; the summary is the first.

    Raises
    ------
    MerError
        A store of the music is missing, or it has too few artists.
    """
    sets, tables, notes = _heard(cfg, found, music)
    twins = {one.title: [other.title for other in found if other.kind == RANDOM and other.name == one.name]
             for one in found if one.kind != RANDOM}
    pairs, contrasts = _similarities(cfg, found, sets["music", music], {
        which: values["music", music] for which, values in tables.items()}, twins)
    asked, unanswered = questions.of(cfg, sets)
    rows, said = _probed(cfg, found, asked, sets, tables, twins, music)
    moved = [row for one in found for row in _moved(cfg, one, found)]
    folder = cfg.results_dir / "encoders"
    facts = {"music": corpora.get("music", music).NAME, "notes": [*notes, *unanswered, *said],
             "clips": {f"{kind} {code}": len(clips) for (kind, code), clips in sets.items()},
             "probes": [{"name": each.name, "clips": len(each.clips), "groups": len(set(each.groups)),
                         "classes": len(each.classes), "note": each.note} for each in asked],
             "encoders": [{"title": one.title, "kind": one.kind, "model": one.name, "key": one.key,
                           "layers": [layer for title, layer in tables if title == one.title]} for one in found]}
    paths = [folder / name for name in ("summary.txt", "encoders.json", "cka.csv", "probes.csv", "moved.csv")]
    files.write_csv(paths[2], PAIRS, [[row[name] for name in PAIRS] for row in pairs])
    files.write_csv(paths[3], PROBES, [[row.get(name) for name in PROBES] for row in rows])
    files.write_csv(paths[4], MOVED, [[row[name] for name in MOVED] for row in moved])
    about = provenance.describe(cfg, settings={name: cfg.values[name] for name in SETTINGS}, **facts)
    files.write_json(paths[1], {**about, "contrasts": contrasts, "probed": rows, "moved": moved})
    files.write_text(paths[0], encoder_text.composed(facts, found, contrasts, rows, moved))
    pictures = [folder / "cka.png", folder / "probes.png"]
    encoder_pictures.heat_map(pairs, facts["encoders"], pictures[0])
    encoder_pictures.probes(rows, facts["encoders"], pictures[1])
    return [*paths, *pictures]


def _heard(cfg, found, music):
    """Clips that every encoder says something of, by corpus; what each layer says of them; sentences on the rest."""
    named = list(dict.fromkeys(one.reads.of.name for one in found))
    spoken = [set(datasets.present("speech", cfg, name)) for name in named]
    sets, tables, notes = {}, {}, []
    for code in sorted(set.union(*spoken) - set.intersection(*spoken)):
        lacking = [name for name, present in zip(named, spoken, strict=True) if code not in present]
        notes.append(f"speech {code} is left out: it has no store of {' and of '.join(lacking)}, which some of the "
                     "encoders read.")
    listeners = [activations.Listener(cfg, one) for one in found]
    for kind, code in [("music", music), *(("speech", code) for code in sorted(set.intersection(*spoken)))]:
        clips = [datasets.load(kind, code, cfg, of=one.reads.of) for one in found]
        said = [listener.means(each, of=corpora.get(kind, code).NAME)
                for listener, each in zip(listeners, clips, strict=True)]
        notes += [f"{one.title} heard {n} of the clips of {kind} {code} in its pretraining, without labels: its probes "
                  "there are not those of new sound." for one, each in zip(found, clips, strict=True) if (
                      n := len(_pretrained_on(one) & set(each.contents)))]
        rows = activations.shared_rows([each.ids for each in clips],
                                       [np.isfinite(each[INPUT]).all(axis=1) for each in said])
        short = max(map(len, clips)) - len(rows[0])
        if short:
            notes.append(f"{short} clips of {kind} {code} are left out: they are shorter than one patch of some "
                         "encoder, or not in every store.")
        sets[kind, code] = clips[0].take(rows[0])
        for one, layers, kept in zip(found, said, rows, strict=True):
            for layer, values in layers.items():
                tables.setdefault((one.title, layer), {})[kind, code] = values[kept]
    return sets, tables, notes


def _pretrained_on(one):
    """Hashes of the music that an encoder heard; of speech, docs/layers.md says it."""
    return set(one.file.metadata.get("heard_clips") or ()) if one.kind != RANDOM else set()


def _similarities(cfg, found, clips, tables, twins):
    """CKA of every two layers; and of codes, what trained ones share more than random ones."""
    groups = np.array(splits.joined(clips.group, clips.contents))
    kept = _most(groups, cfg.seed)
    if len(set(groups[kept])) < similarity.LEAST_GROUPS:
        raise MerError(f"the clips of {len(set(groups))} artists came, and similarity needs {similarity.LEAST_GROUPS} "
                       "to have an interval: name other music with -m")
    of = similarity.blocks(groups[kept], seed=cfg.seed)
    ready = {which: similarity.Table(values[kept], of) for which, values in tables.items()}
    known, rows = {}, []
    for one, other in itertools.combinations_with_replacement(ready, 2):
        known[one, other] = known[other, one] = measured = similarity.cka(ready[one], ready[other])
        ends = similarity.interval([measured], of)
        rows.append(dict(zip(PAIRS, (*one, *other, *files.rounded(list(ends.values()), 4), round(
            similarity.plain_cka(tables[one][kept], tables[other][kept]), 4)), strict=True)))
    codes = {title: layer for title, layer in ready}  # the last layer of each
    trained = [one for one in found if one.kind != RANDOM]
    contrasts = []
    for one, other in sorted(itertools.combinations(trained, 2), key=lambda pair: pair[0].name != pair[1].name):
        at = (one.title, codes[one.title]), (other.title, codes[other.title])
        contrast = {"one": one.title, "other": other.title, "cka": similarity.interval([known[at]], of)}
        random = [known[(a, codes[a]), (b, codes[b])] for a, b in itertools.product(
            twins[one.title], twins[other.title]) if a != b]
        if random:
            contrast |= {"random": similarity.interval(random, of),
                         "over_random": similarity.interval([known[at]], of, minus=random)}
        contrasts.append(contrast)
    for one in trained:
        at = (one.title, codes[one.title])
        pairs = {"its input": [known[at, (one.title, INPUT)]],
                 "its random twins": [known[at, (twin, codes[twin])] for twin in twins[one.title]]}
        contrasts += [{"one": one.title, "other": name, "cka": similarity.interval(each, of)}
                      for name, each in pairs.items() if each]
    return rows, contrasts


def _most(groups, seed):
    """Rows of at most `MOST_CLIPS` clips, of whole groups that are drawn without replacement."""
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    rank = dict(zip(order, range(len(order)), strict=True))
    place = np.array([rank[group] for group in groups])
    n = np.cumsum(np.bincount(place))
    return np.flatnonzero(place < max(np.searchsorted(n, MOST_CLIPS, side="right"), 1))


def _probed(cfg, found, asked, sets, tables, twins, music):
    """Scores of all probes; p values over mean spectrum and random weights, of codes, corrected over probes (Holm)."""
    rows, notes = [], []
    learnt = [one.title for one in found if one.has_learnt_labels_of(music)]
    if learnt:
        notes.append(f"{' and '.join(learnt)}: no probe of emotion, since the labels of this music were learnt there. "
                     "Name other music with -m for these.")
    place = {(f"{kind} {code}", name): row for (kind, code), clips in sets.items() for row, name in
             enumerate(clips.ids)}
    for probe in asked:
        of_emotion = probe.name in {task.name for task in TASKS}
        kinds = list(dict.fromkeys(corpus for corpus, _ in probe.clips))
        at = [np.array([place[each] for each in probe.clips if each[0] == corpus], int) for corpus in kinds]
        values = {which: np.concatenate([held[tuple(corpus.split(" "))][rows_of] for corpus, rows_of in
                                         zip(kinds, at, strict=True)])
                  for which, held in tables.items() if not (of_emotion and which[0] in learnt)}
        rows += probes.compared(probe, values, twins, n_bootstrap=cfg.n_bootstrap, seed=cfg.seed)
    last = {title: layer for title, layer in tables if title in twins}  # the code of each but random ones
    for enemy in ("input", "random"):
        of_codes = [row for row in rows if row["layer"] == last.get(row["encoder"]) and
                    row[f"over_{enemy}_p"] is not None]
        for row, p in zip(of_codes, intervals.holm([row[f"over_{enemy}_p"] for row in of_codes]), strict=True):
            row[f"over_{enemy}_holm"] = p
    return [files.rounded(row, 4) for row in rows], notes


def _moved(cfg, one, found):
    """How far an encoder came from what its training started with, where that is at hand."""
    starts = [other for other in found if other.kind == RANDOM and other.file.key == one.file.key
              and other.seed == one.file.metadata.get("seed")] if one.kind == of_encoders.TRAINED else [
        of_encoders.before(one, found)]
    for start in filter(None, starts):
        yield from ({"encoder": one.title, "from": start.title, **files.rounded(row, 4)}
                    for row in of_encoders.moved(one.open(cfg), start.open(cfg)))
