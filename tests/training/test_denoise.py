"""What a denoiser is compared with, on simulated patches whose best estimates are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from mer.training.pretexts import _linear, denoise

BANDS, FRAMES, SIGMA = 16, 12, 0.8
MEAN = np.linspace(-9, -3, BANDS)


class Field:
    """Patches drawn from a Gaussian field, six a clip and two clips a speaker, with the interface of `patches.Patches`.

    Each cell is the mean of the `reach` x `reach` white cells around it, times a deviation, plus the mean of its band.
    """

    def __init__(self, n, *, reach, seed, deviation=2.0):
        white = np.random.default_rng(seed).standard_normal((n, BANDS + reach - 1, FRAMES + reach - 1))
        around = np.lib.stride_tricks.sliding_window_view(white, (reach, reach), axis=(1, 2))
        cells = deviation * around.mean(axis=(-1, -2)) * reach + MEAN[:, None]
        self.cells = cells[..., None].astype(np.float32)
        self.clip = np.arange(n) // 6
        self.clips = SimpleNamespace(group=np.array([f"speaker {clip // 2}" for clip in np.unique(self.clip)], object))

    def __len__(self):
        return len(self.cells)

    def gather(self, indices):
        return self.cells[indices]


def covariance(reach, deviation=2.0):
    """Between any two cells of a patch, in (band, frame) order."""
    apart = lambda n: np.maximum(1 - abs(np.subtract.outer(np.arange(n), np.arange(n))) / reach, 0)  # noqa: E731
    return deviation**2 * np.kron(apart(BANDS), apart(FRAMES))


def batches(field, seed=0):
    return denoise.Denoising(field, noise_sigma=SIGMA, batch_size=100, seed=seed)


def best_from(cells, cell, field_covariance):
    """Weights and expected squared error of the best estimate of `cell` from the noisy `cells`."""
    seen = field_covariance[np.ix_(cells, cells)] + SIGMA**2 * np.eye(len(cells))
    weights = np.linalg.solve(seen, field_covariance[cells, cell])
    return weights, field_covariance[cell, cell] - weights @ field_covariance[cells, cell]


def around(band, frame, bands, frames):
    """Cells of the patch in a neighborhood, those beyond the edge left out."""
    return [b * FRAMES + f for b in range(band - bands // 2, band + bands // 2 + 1) if 0 <= b < BANDS
            for f in range(frame - frames // 2, frame + frames // 2 + 1) if 0 <= f < FRAMES]


def scored(predict, *, reach=3, train=4000, test=600):
    """`denoise.Task.scores` of a "model" that is a function of the noisy patches."""
    model = SimpleNamespace(predict_on_batch=predict, output_shape=(None, 7))
    module = SimpleNamespace(encoder=lambda model: model)
    task = denoise.Task(SimpleNamespace(noise_sigma=SIGMA, n_bootstrap=500), module)
    return task.scores(model, batches(Field(test, reach=reach, seed=1), seed=1),
                       train=batches(Field(train, reach=reach, seed=2), seed=2))


def whole_patch(reach):
    """The best estimate from all noisy cells of a patch."""
    field = covariance(reach)
    gain = np.linalg.solve(field + SIGMA**2 * np.eye(len(field)), field)

    def predict(noisy):
        centered = (noisy[..., 0] - MEAN[:, None]).reshape(len(noisy), -1)
        return (centered @ gain).reshape(noisy.shape) + MEAN[:, None, None]

    return predict


def wiener(noisy):
    """The best weighing of a noisy cell with the mean of its band."""
    return MEAN[:, None, None] + 4 / (4 + SIGMA**2) * (noisy - MEAN[:, None, None])


@pytest.mark.parametrize(("name", "size"), [("mse_wiener", (1, 1)), ("mse_linear_3_bands", (3, 1)),
                                            ("mse_linear_5x5", (5, 5))])
@pytest.mark.parametrize(("band", "frame"), [(8, 6), (0, 6), (8, 0), (15, 11), (1, 10)])
def test_filters_are_the_best_ones_also_at_the_edges(filters, name, size, band, frame):
    exact, _ = best_from(around(band, frame, *size), band * FRAMES + frame, covariance(3))
    places = _linear._places(FRAMES)
    weights = filters.weights[name][band, places[frame], 1:].reshape(5, 5).copy()
    inside = [(b - band + 2, f - frame + 2) for b, f in
              (divmod(cell, FRAMES) for cell in around(band, frame, *size))]
    np.testing.assert_allclose([weights[place] for place in inside], exact, atol=0.03)
    weights[tuple(np.transpose(inside))] = 0
    np.testing.assert_allclose(weights, 0, atol=1e-6)  # nothing outside the neighborhood, nothing beyond the edge


@pytest.fixture(scope="module")
def filters():
    return _linear.LocalFilters(batches(Field(6000, reach=3, seed=2)))


@pytest.fixture(scope="module")
def of_wiener():
    """Scores of the best weighing of each band."""
    return scored(wiener)


def test_references_have_the_errors_of_their_closed_forms(of_wiener):
    scores = of_wiener
    field = covariance(3)
    assert scores["mse_identity"] == pytest.approx(SIGMA**2, rel=0.02)
    assert scores["mse_training_mean"] == pytest.approx(4, rel=0.04)
    for name, size in _linear.NEIGHBORHOODS.items():
        if size != (0, 0):
            expected = np.mean([best_from(around(*divmod(cell, FRAMES), *size), cell, field)[1]
                                for cell in range(BANDS * FRAMES)])
            assert scores[name] == pytest.approx(expected, rel=0.02)
    assert (scores["code_numbers"], scores["patch_numbers"], scores["mse_code_alone"]) == (7, BANDS * FRAMES, None)


def test_weighing_each_band_alone_is_not_learning(of_wiener):
    scores = of_wiener
    assert scores["mse"] == pytest.approx(scores["mse_wiener"], rel=0.01)  # as good as its own kind of reference
    assert scores["best_linear"] == "mse_linear_5x5"
    assert scores["gain"]["high"] < 0 and not scores["learnt"]


@pytest.mark.parametrize("seed", [5, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (6, 7))])
def test_a_fitted_linear_filter_is_not_learning(seed):
    twin = _linear.LocalFilters(batches(Field(4000, reach=3, seed=seed)))
    scores = scored(lambda noisy: twin(noisy)["mse_linear_5x5"])
    assert abs(scores["gain"]["value"]) < 0.002 and not scores["learnt"]


def test_what_sees_more_than_any_reference_has_learnt():
    scores = scored(whole_patch(6), reach=6)
    assert scores["learnt"] and scores["gain"]["low"] > 0
    assert scores["gain"]["value"] == pytest.approx(scores["mse_linear_5x5"] - scores["mse"])
    assert (scores["gain"]["unit"], scores["gain"]["n_units"]) == ("group", 50)


def test_components_are_a_linear_code():
    rng = np.random.default_rng(0)
    deviation = np.array([6.0, 3.0, 1.0])
    axes = np.linalg.qr(rng.standard_normal((BANDS * FRAMES, 3)))[0].T

    def patches(n):
        field = Field(6, reach=1, seed=0)
        cells = (rng.standard_normal((n, 3)) * deviation) @ axes
        field.cells = cells.reshape(n, BANDS, FRAMES, 1).astype(np.float32) - 5
        return field

    components = _linear.Components(batches(patches(5000)), n=3)
    noisy, clean = batches(patches(400), seed=9)[0]
    expected = np.sum(deviation**2 * SIGMA**2 / (deviation**2 + SIGMA**2)) / (BANDS * FRAMES)
    assert np.square(components.denoise(noisy, SIGMA) - clean).mean() == pytest.approx(expected, rel=0.15)
    fewer = _linear.Components(batches(patches(5000)), n=2)  # what does not fit is lost
    lost = np.square(fewer.denoise(clean, 0) - clean).mean() * BANDS * FRAMES
    assert 0.8 < lost < 1.6


def test_few_patches_are_enough_for_references():
    small = batches(Field(3, reach=3, seed=0))
    assert np.isfinite(_linear.LocalFilters(small)(small[0][0])["mse_linear_5x5"]).all()
    assert _linear.Components(small).n == 3


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 31])
def test_frames_with_the_same_neighbors_share_weights(frames):
    places = _linear._places(frames)
    sees = [(min(frame, 2), min(frames - 1 - frame, 2)) for frame in range(frames)]
    for one in range(frames):
        for two in range(frames):
            assert (places[one] == places[two]) == (sees[one] == sees[two])
