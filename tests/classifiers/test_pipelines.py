"""Classifiers on features: they learn what is there, and nothing of what they are tested on."""

import numpy as np
import pytest

from mer import MerError, classifiers
from mer.classifiers import parts, pipelines
from mer.classifiers.pipelines import Training


def training(*, seed=0, n_groups=24, width=12, told=6.0, n_classes=4):
    """Two clips of three parts a group; a group has one class, which every other feature tells."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), 6)
    classes = group % n_classes
    centers = rng.normal(size=(n_classes, width)) * told * (np.arange(width) % 2)
    values = (centers[classes] + rng.normal(size=(len(group), width))).astype(np.float32)
    return Training(values, classes, np.repeat(np.arange(2 * n_groups), 3), group, n_classes, seed=1)


@pytest.mark.parametrize("name", classifiers.CLASSIFIERS)
def test_every_classifier_learns_and_gives_probabilities(name):
    data, new = training(), training()
    fitted, chosen = pipelines.fit(name, data)
    made = pipelines.probabilities(fitted, new.values + 0.1, 4)
    assert made.shape == (len(new.clip), 4) and made.min() >= 0 and np.allclose(made.sum(axis=1), 1)
    least = 0.6 if name == "linear_svc" else 0.9  # C of .025 is very little for so few clips
    assert pipelines.clip_scores(new.classes, made, new.clip)["clip_f1_macro"] > least
    assert set(chosen) == ({"C", "gamma", "clip_f1_macro"} if name == "svm" else set())
    outside = np.full((2, 12), 1e6, np.float32) * [[1], [-1]]
    assert np.isfinite(pipelines.probabilities(fitted, outside, 4)).all()
    scaled = fitted["scale"].transform(outside)
    assert name == "svm" or (scaled.min() == 0 and scaled.max() == 1), "outside of training"
    assert pipelines.probabilities(fitted, new.values[:0], 4).shape == (0, 4)


def test_a_class_without_training_parts_has_probability_0():
    data = training()
    fitted, _ = pipelines.fit("rbf_svc", data.take(np.flatnonzero(data.classes != 2)))
    made = pipelines.probabilities(fitted, data.values, 4)
    assert (made[:, 2] == 0).all() and np.allclose(made.sum(axis=1), 1)


def test_folds_keep_clips_and_groups_whole():
    data = training(n_groups=40)
    folds = data.folds(10)
    assert len(folds) == 10 and sorted(np.concatenate([held for _, held in folds])) == list(range(len(data.clip)))
    for known, held in folds:
        for of in (data.group, data.clip):
            assert not set(of[known]) & set(of[held])
        assert set(data.classes[known]) == {0, 1, 2, 3}
    assert len(training(n_groups=12).folds(10)) == 3, "no more folds than a class has groups"


@pytest.fixture
def fitted_on(monkeypatch):
    """The rows that any scaler or choice of features was fitted on: a set a fit; column 0 of the values is the row."""
    from sklearn.feature_selection import SelectKBest
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    seen = []

    def noting(kind):
        fit = kind.fit

        def noted(self, values, *args, **kwargs):
            if np.ptp(values[:, 0]) > 1:  # not yet scaled
                seen.append(frozenset(values[:, 0].round().astype(int)))
            return fit(self, values, *args, **kwargs)
        monkeypatch.setattr(kind, "fit", noted)
    for kind in (MinMaxScaler, StandardScaler, SelectKBest):
        noting(kind)
    return seen


@pytest.mark.parametrize("of", ["comparison", "svm"])
def test_every_fold_fits_its_scaler_on_its_own_parts(fitted_on, of):
    data = training()
    data.values[:, 0] = np.arange(len(data.values))
    if of == "comparison":
        pipelines.compare(data, n_folds=4, names=("knn", "rbf_svc"))
        folds = data.folds(4) * 2
    else:
        pipelines.tune(classifiers.get("svm"), data)
        folds = data.folds(data.svm_folds)
    assert sorted(map(sorted, fitted_on)) == sorted(sorted(known) for known, _ in folds)


def test_labels_that_are_shuffled_in_training_leave_chance():
    data, new = training(n_groups=60, told=2.0), training(n_groups=60, told=2.0)
    truth = pipelines.probabilities(pipelines.fit("rbf_svc", data)[0], new.values, 4)
    assert pipelines.clip_scores(new.classes, truth, new.clip)["clip_f1_macro"] > 0.9
    rng = np.random.default_rng(0)
    order, artist = rng.permutation(60), 5 * rng.normal(size=(60, 12))  # values tell the artist, who tells no class
    shuffled = Training(artist[data.group] + data.values, order[data.group] % 4, data.clip, data.group, 4, 1)
    for row in pipelines.compare(shuffled, n_folds=5, names=("knn", "nb", "rbf_svc")):
        assert row["clip_f1_macro"] < 0.42, row


def test_the_comparison_is_sorted_and_counts_clips():
    rows = pipelines.compare(training(told=1.0), n_folds=3, names=("knn", "nb", "forest"))
    assert [row["clip_f1_macro"] for row in rows] == sorted((row["clip_f1_macro"] for row in rows), reverse=True)
    assert {row["title"] for row in rows} == {"3-NN", "naive Bayes", "random forest"}
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6], [0.2, 0.8]])  # two clips of two parts; the first is right
    scores = pipelines.clip_scores(np.array([0, 0, 0, 0]), outputs, np.array([5, 5, 9, 9]))
    assert scores == {"clip_f1_macro": 0.333333, "clip_accuracy": 0.5, "part_f1_weighted": 0.4}


def test_too_few_clips_are_said():
    data = training()
    with pytest.raises(MerError, match="one class only"):
        pipelines.fit("nb", data.take(np.flatnonzero(data.classes == 1)))
    with pytest.raises(MerError, match="too few groups"):
        data.take(np.flatnonzero(data.group < 4)).folds(5)
    with pytest.raises(MerError, match="classifier 'xgboost' came, but one of knn"):
        pipelines.fit("xgboost", data)


@pytest.mark.parametrize(("n_rows", "target", "expected"), [
    (30, 7.5, [0, 8, 15, 22, 30]), (12, 7.5, [0, 6, 12]), (3, 7.5, [0, 3]), (1, 7.5, [0, 1]), (30, 3600, [0, 30]),
    (4, 1.0, [0, 1, 2, 3, 4]), (3, 0.1, [0, 1, 2, 3])])
def test_parts_cover_the_clip(n_rows, target, expected):
    assert parts.bounds(n_rows, target) == expected


def test_names_of_models():
    names = classifiers.Models(("model_cnn",))
    assert "model_cnn" in names and "mlp_is13" in names and "best_compare" in names and "linear_svc_is13" in names
    assert "model_cnm" not in names and "mlp" not in names and list(names) == ["model_cnn"]
