"""Probes on activations that hold a known amount of what is asked."""

import numpy as np
import pytest

from mer.experiments import probes
from mer.experiments.probes import Probe


def question(seed, *, n_groups=80, clips_each=2, classes=("a", "b"), closed=False):
    """Truth, and activations that hold it in one direction, under noise and the sound of the group."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), clips_each)
    truth = rng.integers(0, len(classes), len(group)) if classes else rng.normal(size=len(group))
    names = tuple(f"g{g}" for g in group)
    made = Probe("q", tuple(("music e", f"c{i}") for i in range(len(group))), truth, tuple(classes), names, closed)
    own = rng.normal(size=(n_groups, 20))[group] + rng.normal(size=(len(group), 20))
    return made, own, rng


def table(own, truth, strength):
    made = own.copy()
    made[:, 0] += strength * truth
    return made


@pytest.mark.parametrize("classes", [("a", "b"), ()], ids=["classes", "number"])
def test_what_is_there_is_found_and_what_is_not_is_not(classes):
    better = {"none": 0, "much": 0}
    for seed in range(25):
        probe, own, rng = question(seed, classes=classes)
        tables = {("net", "input"): own, ("net", "none"): rng.normal(size=own.shape),
                  ("net", "much"): table(own, probe.truth, 6)}
        rows = {row["layer"]: row for row in probes.compared(probe, tables, {}, n_bootstrap=200, seed=seed)}
        for layer in better:
            better[layer] += rows[layer]["over_input_low"] > 0
        assert rows["input"]["over_input"] is None and rows["much"]["over_random"] is None
    assert better["much"] == 25 and better["none"] <= 3


def test_no_group_is_on_both_sides_and_its_own_sound_does_not_help():
    """The label is the same for all clips of a group: who knew the group would know the label."""
    values = []
    for seed in range(8):
        probe, own, rng = question(seed, clips_each=4)
        by_group = rng.integers(0, 2, 80)[np.repeat(np.arange(80), 4)]
        probe = Probe("q", probe.clips, by_group, probe.classes, probe.groups)
        cut = probes.folds(probe, seed=1)
        for known, unseen in cut:
            assert not {probe.groups[i] for i in known} & {probe.groups[i] for i in unseen}
        assert sorted(np.concatenate([unseen for _, unseen in cut])) == list(range(len(by_group)))
        values.append(np.mean(probes.answers(probe, own, cut) == by_group))
    assert np.mean(values) == pytest.approx(0.5, abs=0.05)


def test_speakers_to_be_told_apart_are_in_every_fold():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(6), 10)
    probe = Probe("speaker", tuple(("speech e", str(i)) for i in range(60)), truth, tuple("abcdef"),
                  tuple("abcdef"[i] for i in truth), closed=True)
    values = rng.normal(size=(6, 15))[truth] * 2 + rng.normal(size=(60, 15))
    cut = probes.folds(probe, seed=1)
    assert all(set(truth[known]) == set(range(6)) for known, _ in cut)
    assert np.mean(probes.answers(probe, values, cut) == truth) > 0.9


def test_random_twins_stand_on_the_other_side_with_their_spread():
    probe, own, rng = question(3)
    tables = {("net", "input"): own, ("net", "code"): table(own, probe.truth, 6),
              **{(f"random {k}", layer): rng.normal(size=own.shape) for k in range(3) for layer in ("input", "code")}}
    rows = list(probes.compared(probe, tables, {"net": ["random 0", "random 1", "random 2"]}, n_bootstrap=200, seed=1))
    code = rows[1]
    values = {(row["encoder"], row["layer"]): row["value"] for row in rows}
    assert code["over_random"] == pytest.approx(code["value"] - np.mean([values[f"random {k}", "code"]
                                                                         for k in range(3)]))
    assert code["over_random_low"] > 0 and code["over_random_p"] < 0.01
    assert code["chance"] == pytest.approx(0.5, abs=0.05)
    assert all(row["over_random"] is None for row in rows if row["encoder"] != "net")


def test_units_that_are_all_but_constant_do_not_count():
    probe, own, rng = question(5)
    values = np.c_[table(own, probe.truth, 6), 1 + 1e-7 * rng.normal(size=(len(own), 200))]
    cut = probes.folds(probe, seed=1)
    with_noise, without = (np.mean(probes.answers(probe, each, cut) == probe.truth)
                           for each in (values, values[:, :20]))
    assert with_noise == pytest.approx(without, abs=0.02)
