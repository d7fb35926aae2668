"""metrics: equal to scikit-learn, and intervals that mean what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from mer.evaluation import intervals, metrics
from mer.tasks import TASKS


@st.composite
def labelled(draw):
    """Truth, prediction and clip of a few items, with classes and clips that may be missing."""
    n, n_classes, n_clips = draw(st.integers(1, 60)), draw(st.integers(2, 5)), draw(st.integers(1, 8))
    columns = [np.array(draw(st.lists(st.integers(0, top - 1), min_size=n, max_size=n)))
               for top in (n_classes, n_classes, n_clips)]
    return *columns, n_classes, n_clips


@settings(deadline=None, max_examples=150)
@given(labelled())
def test_scores_from_confusions_equal_scikit_learn(case):
    truth, predicted, clip, n_classes, n_clips = case
    parts = metrics.clip_confusions(truth, predicted, clip, n_clips=n_clips, n_classes=n_classes)
    found = metrics.scores(parts.sum(axis=0))
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    for average in ("macro", "weighted"):
        expected = precision_recall_fscore_support(
            truth, predicted, labels=np.unique(truth), average=average, zero_division=0)
        for kind, value in zip(("precision", "recall", "f1"), expected[:3], strict=True):
            assert found[f"{kind}_{average}"] == pytest.approx(value, abs=1e-12)


def test_macro_is_the_usual_one_where_every_class_occurs():
    generator = np.random.default_rng(0)
    truth, predicted = np.arange(200) % 4, generator.integers(0, 4, 200)
    usual = precision_recall_fscore_support(truth, predicted, average="macro")
    found = _evaluate(truth, predicted, np.arange(200))
    assert [found["precision_macro"], found["recall_macro"], found["f1_macro"]] == pytest.approx(list(usual[:3]))


def test_clip_confusions_add_up_and_keep_truth_in_rows():
    parts = metrics.clip_confusions(np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([0, 0, 2]),
                                    n_clips=3, n_classes=2)
    assert parts.tolist() == [[[0, 2], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [1, 0]]]


def test_clip_vote_can_differ_from_the_majority_of_patches():
    # two hesitant patches say class 0, one certain patch says class 1
    probabilities = np.array([[0.55, 0.45], [0.55, 0.45], [0.01, 0.99]])
    vote = metrics.clip_vote(probabilities, np.array([0, 0, 0]), n_clips=1)
    assert (probabilities.argmax(axis=1) == 0).sum() == 2
    assert vote.argmax(axis=1).tolist() == [1]
    assert vote[0] == pytest.approx(probabilities.mean(axis=0))


def test_perfect_predictions_score_one_with_an_interval_of_one():
    truth = np.repeat(np.arange(8) % 4, 5)
    found = _evaluate(truth, truth, np.repeat(np.arange(8), 5))
    for name in metrics.SCORES:
        assert found[name] == 1
        assert found["intervals"][name] == (1, 1)


def test_random_predictions_have_intervals_that_reach_chance():
    generator, covered = np.random.default_rng(1), 0
    for seed in range(100):
        truth, predicted = np.arange(400) % 4, generator.integers(0, 4, 400)
        low, high = _evaluate(truth, predicted, np.arange(400) // 10, seed=seed)["intervals"]["accuracy"]
        covered += low <= 0.25 <= high
    assert 85 <= covered <= 100


def test_intervals_over_clips_are_wider_where_patches_agree():
    truth, predicted, clip = _agreeing_patches(np.random.default_rng(2), n_clips=60, n_patches=30)
    by_clip = _width(_evaluate(truth, predicted, clip))
    as_if_independent = _width(_evaluate(truth, predicted, np.arange(len(truth))))
    assert by_clip > 3 * as_if_independent


def test_intervals_over_clips_are_no_wider_where_patches_are_independent():
    generator = np.random.default_rng(3)
    truth, predicted = generator.integers(0, 4, 1800), generator.integers(0, 4, 1800)
    ratio = (_width(_evaluate(truth, predicted, np.arange(1800) // 30))
             / _width(_evaluate(truth, predicted, np.arange(1800))))
    assert 0.75 < ratio < 1.25


def test_intervals_cover_the_truth_and_those_over_patches_do_not():
    over_clips, over_patches = coverage(n_clips=64, repeats=200)
    assert over_clips > 0.88
    assert over_patches < 0.5


def test_the_same_seed_draws_the_same_clips():
    first, second = (metrics.draw_clips(12, n_bootstrap=50, seed=4) for _ in range(2))
    assert (first == second).all()
    assert (first != metrics.draw_clips(12, n_bootstrap=50, seed=5)).any()
    assert (first.sum(axis=1) == 12).all()


def test_one_clip_has_no_interval():
    found = _evaluate(np.zeros(5, int), np.zeros(5, int), np.zeros(5, int))
    assert found["intervals"] == dict.fromkeys(metrics.SCORES)


def test_chance_of_uneven_classes():
    found = metrics.chance(np.array([[60, 0], [20, 20]]), ("A-", "A+"))
    assert found["majority"]["class"] == "A-"
    assert found["majority"]["accuracy"] == pytest.approx(0.6)
    assert found["majority"]["f1_macro"] == pytest.approx(0.5 * 2 * 60 / (60 + 100))
    assert found["uniform"]["accuracy"] == pytest.approx(0.5)
    assert found["uniform"]["recall_macro"] == pytest.approx(0.5)


def test_chance_is_what_simulated_guesses_get():
    generator, support = np.random.default_rng(6), np.array([4000, 8000, 2000, 6000])
    truth = np.repeat(np.arange(4), support)
    guessed = _evaluate(truth, generator.integers(0, 4, len(truth)), np.arange(len(truth)), n_bootstrap=0)
    for name in metrics.SCORES:
        assert guessed["chance"]["uniform"][name] == pytest.approx(guessed[name], abs=0.02)


def test_no_noise_expects_more_than_its_own_answers_shuffled():
    # a noise that says the classes as often as they occur beats both plain guesses in macro F1: the shuffle knows it
    truth = np.repeat([0, 1], [7000, 3000])
    noise = np.random.default_rng(8).permutation(truth)
    found = _evaluate(truth, noise, np.arange(10000) // 100, n_bootstrap=0)
    plain = max(found["chance"][name]["f1_macro"] for name in ("majority", "uniform"))
    assert found["f1_macro"] > plain + 0.005
    assert found["chance"]["shuffled"]["f1_macro"] == pytest.approx(found["f1_macro"], abs=0.02)


def coverage(*, n_clips, repeats):
    """Share of 95 % intervals of the accuracy that hold its true value, over clips and as if over patches.

    Clips differ in how easy they are: the share of a clip's patches that are right is Beta(.6, .6), mean .5.
    """
    generator, hits = np.random.default_rng(7), np.zeros(2)
    for seed in range(repeats):
        truth, predicted, clip = _agreeing_patches(generator, n_clips=n_clips, n_patches=58)
        low, high = _evaluate(truth, predicted, clip, seed=seed)["intervals"]["accuracy"]
        found = (truth == predicted).mean()
        half = 1.96 * np.sqrt(found * (1 - found) / len(truth))
        hits += low <= 0.5 <= high, abs(found - 0.5) <= half
    return tuple(hits / repeats)


def _agreeing_patches(generator, *, n_clips, n_patches):
    clip = np.repeat(np.arange(n_clips), n_patches)
    truth = clip % 4
    right = generator.random(len(clip)) < generator.beta(0.6, 0.6, n_clips)[clip]
    return truth, np.where(right, truth, (truth + generator.integers(1, 4, len(clip))) % 4), clip


def _evaluate(truth, predicted, clip, *, n_bootstrap=400, seed=0):
    resamples = intervals.draw(range(int(clip.max()) + 1), n_bootstrap=n_bootstrap, seed=seed)
    return metrics.evaluate(TASKS[0], truth, predicted, clip, resamples=resamples)


def _width(found):
    low, high = found["intervals"]["accuracy"]
    return high - low


if __name__ == "__main__":  # the table in docs/report.md
    for clips in (8, 16, 32, 64, 128, 270):
        print(clips, *(f"{share:.2f}" for share in coverage(n_clips=clips, repeats=1000)))
