"""Linear heads solved at once, on codes whose classes are known."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score

from mer import MerError
from mer.evaluation import calibration
from mer.prediction import verdict
from mer.tasks import PUBLISHED, Task
from mer.training import discriminant

UNITS, PATCHES, CLIPS = 60, 12, 320
OPTIONS = {"patch_seconds": 3.0, "hop_seconds": 1.5, "balanced": True, "seed": 1}
_CENTERS = np.random.default_rng(5).normal(0, 1, (4, UNITS))


def _songs(seed, *, n=CLIPS, shift=0.0):
    """Codes (n * PATCHES, UNITS), clip of each, truth by task, artists of two clips each; artists have a sound."""
    generator = np.random.default_rng(seed)
    quadrant = generator.integers(0, 4, n)
    artist = generator.normal(0, 1.2, (n // 2, UNITS))[np.arange(n) // 2]
    mean = 0.3 * _CENTERS[quadrant] + artist + shift
    codes = np.repeat(mean, PATCHES, axis=0) + generator.normal(0, 1, (n * PATCHES, UNITS))
    truth = {"quadrants": quadrant, "arousal": np.isin(quadrant, (0, 1)) * 1, "valence": np.isin(quadrant, (0, 3)) * 1}
    return codes, np.repeat(np.arange(n), PATCHES), truth, [f"artist {i // 2}" for i in range(n)]


def _answers(heads, codes, clip, task):
    """Probabilities of every clip, as predictions pool them."""
    weights, offsets = heads.place
    slopes, intercepts = heads.answers[task.name]
    patches = softmax((codes @ weights + offsets) @ slopes + intercepts, axis=1)
    return np.stack([task.pooled(patches[clip == one], "log") for one in range(clip.max() + 1)])


@pytest.fixture(scope="module")
def solved():
    codes, clip, truth, groups = _songs(1)
    return discriminant.fit(codes, clip, truth, PUBLISHED, groups, **OPTIONS)


def test_new_artists_are_recognized_and_the_certainty_is_right(solved):
    codes, clip, truth, _ = _songs(2, n=600)
    for task in PUBLISHED:
        answers = _answers(solved, codes, clip, task)
        assert accuracy_score(truth[task.name], answers.argmax(axis=1)) > {4: 0.55, 2: 0.7}[len(task.classes)]
        made = calibration.evaluate(answers, truth[task.name])
        assert made["expected_error"] < 2.2 * made["error_by_chance"], task.name


def test_without_the_temperature_the_certainty_is_wrong(solved):
    codes, clip, truth, _ = _songs(2, n=600)
    task, t = PUBLISHED[0], solved.certainty["temperature"]["quadrants"]
    slopes, intercepts = solved.answers["quadrants"]
    boastful = discriminant.Heads(solved.place, {"quadrants": (slopes * t, intercepts * t)}, {}, 0, 0)
    made = calibration.evaluate(_answers(boastful, codes, clip, task), truth["quadrants"])
    assert made["expected_error"] > 1.7 * made["error_by_chance"]


def test_the_choice_is_the_best_on_clips_that_were_held_out(solved, monkeypatch):
    codes, clip, truth, groups = _songs(1)
    for shrinkage in discriminant.SHRINKAGES:
        monkeypatch.setattr(discriminant, "SHRINKAGES", (shrinkage,))
        alone = discriminant.fit(codes, clip, truth, PUBLISHED, groups, **OPTIONS)
        assert alone.held_out_loss >= solved.held_out_loss - 1e-9


def test_labels_at_random_give_chance_and_no_certainty():
    codes, clip, truth, groups = _songs(3)
    shuffled = {"quadrants": np.random.default_rng(0).permutation(truth["quadrants"])}
    made = discriminant.fit(codes, clip, shuffled, PUBLISHED[:1], groups, **OPTIONS)
    answers = _answers(made, *_songs(4)[:2], PUBLISHED[0])
    assert abs(accuracy_score(_songs(4)[2]["quadrants"], answers.argmax(axis=1)) - 0.25) < 0.08
    assert answers.max(axis=1).mean() < 0.4


def test_new_songs_are_familiar_and_other_sound_is_not(solved):
    known = solved.certainty["familiar"]
    shares = []
    for shift in (0.0, 2.5):
        codes, clip, _, _ = _songs(6, shift=shift * np.random.default_rng(8).normal(0, 1, UNITS))
        weights, offsets = solved.place
        places = [(codes[clip == one] @ weights + offsets).mean(axis=0) for one in range(clip.max() + 1)]
        judged = [verdict.judge(np.array([0.9, 0.1]), [place], [known], seconds=3 + 11 * 1.5) for place in places]
        shares.append(np.mean([one.kind == "unfamiliar" for one in judged]))
    assert shares[0] < 0.12 and shares[1] > 0.95


def test_short_stretches_may_lie_farther(solved):
    known = solved.certainty["familiar"]
    assert known["seconds"] == [3.0, 4.5, 6.0, 9.0, 13.5] and known["distance"] == sorted(known["distance"])[::-1]


def test_units_that_are_all_but_constant_do_not_count(solved):
    """Dead units of a network vary by rounding alone; scaled up to the spread of the others they would be noise."""
    codes, clip, truth, groups = _songs(1)
    dead = (2e-6 + np.random.default_rng(0).normal(0, 2e-10, (len(codes), 200))).astype(np.float32)
    made = discriminant.fit(np.concatenate([codes, dead], axis=1), clip, truth, PUBLISHED, groups, **OPTIONS)
    assert np.abs(made.place[0]).max() < 1000 and made.held_out_loss == pytest.approx(solved.held_out_loss, rel=1e-3)
    assert made.loss == pytest.approx(solved.loss, rel=1e-3)


def test_the_same_input_gives_the_same_heads(solved):
    again = discriminant.fit(*_songs(1)[:3], PUBLISHED, _songs(1)[3], **OPTIONS)
    assert again.certainty == solved.certainty
    assert all((again.answers[name][0] == solved.answers[name][0]).all() for name in solved.answers)


def test_what_cannot_be_solved_is_refused():
    codes, clip, truth, groups = _songs(1, n=20)
    with pytest.raises(MerError, match=r"arousal_value has a range.*--heads published"):
        discriminant.fit(codes, clip, truth, [Task("arousal_value", "arousal", range=(-1, 1))], groups, **OPTIONS)
    lacking = {"quadrants": np.where(truth["quadrants"] == 3, -1, truth["quadrants"])}
    with pytest.raises(MerError, match="every class of quadrants"):
        discriminant.fit(codes, clip, lacking, PUBLISHED[:1], groups, **OPTIONS)
    with pytest.raises(MerError, match="held-out clips"):
        discriminant.fit(codes, clip, truth, PUBLISHED[:1], ["one"] * 20, **OPTIONS)
