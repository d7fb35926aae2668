"""Hidden tiles: what is hidden stays hidden, and the references that fill it in are the best of their kind."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from test_denoise import BANDS, FRAMES, MEAN, Field, around, covariance

import models
from mer.training.pretexts import _masked, denoise

SHARE, TILE = 0.6, (4, 3)
MODULE = SimpleNamespace(HIDDEN_SHARE=SHARE, TILE=TILE, encoder=lambda model: model)


def masks(field, seed=0, **changes):
    return _masked.Masking(field, **({"hidden_share": SHARE, "tile": TILE, "batch_size": 100, "seed": seed} | changes))


def predicted(seen, hidden, field_covariance):
    """The best linear estimate of the hidden cells of one centered, flat patch from the cells `seen`."""
    of_seen = field_covariance[np.ix_(seen, seen)]
    return field_covariance[np.ix_(hidden, seen)] @ np.linalg.pinv(of_seen)


def test_tiles_are_hidden_whole_and_weigh_alone():
    inputs, clean, weight = masks(Field(400, reach=3, seed=0), batch_size=400)[0]
    hidden = inputs["hidden"][..., 0]
    for band in range(0, BANDS, 4):
        for frame in range(0, FRAMES, 3):
            assert (np.ptp(hidden[:, band:band + 4, frame:frame + 3], axis=(1, 2)) == 0).all()
    assert hidden.mean() == pytest.approx(SHARE, abs=0.02)
    assert (inputs["patch"][inputs["hidden"] > 0] == 0).all()
    visible = inputs["hidden"] == 0
    np.testing.assert_array_equal(inputs["patch"][visible], clean[visible])
    np.testing.assert_allclose(weight, hidden / SHARE)


def test_a_tile_larger_than_what_is_left_is_cut():
    inputs, clean, weight = masks(Field(5, reach=3, seed=0), tile=(7, 5))[0]
    assert inputs["hidden"].shape == clean.shape and weight.shape == clean.shape[:3]


@pytest.fixture(scope="module")
def references():
    return _masked.References(masks(Field(6000, reach=3, seed=2), seed=2))


@pytest.fixture(scope="module")
def twin():
    """References that were fitted on other patches."""
    return remembered(_masked.References(masks(Field(4000, reach=3, seed=7))))


def test_neighbors_fill_in_as_well_as_the_closed_form_says(references):
    inputs, clean, _ = masks(Field(60, reach=3, seed=1), seed=1)[0]
    guess = references(inputs)["mse_linear_5x5"][..., 0] - MEAN[:, None]
    field, centered, compared = covariance(3), clean[..., 0] - MEAN[:, None], 0
    for patch in range(len(clean)):
        hidden = inputs["hidden"][patch, ..., 0].reshape(-1) > 0
        for cell in np.flatnonzero(hidden)[::7]:
            near = [other for other in around(*divmod(cell, FRAMES), 5, 5) if not hidden[other]]
            exact = predicted(near, [cell], field)[0] @ centered[patch].reshape(-1)[near] if near else 0
            assert guess[patch].reshape(-1)[cell] == pytest.approx(exact, abs=0.35)
            compared += bool(near)
    assert compared > 300


def test_a_line_joins_the_nearest_visible_cells():
    centered = np.array([[[2, 0, 0, 8, 0, 0]], [[0, 3, 0, 0, 0, 0]], [[0, 0, 0, 0, 0, 0]]], np.float32)
    hidden = np.array([[[0, 1, 1, 0, 1, 1]], [[1, 0, 1, 1, 1, 1]], [[1, 1, 1, 1, 1, 1]]], bool)
    np.testing.assert_allclose(_masked._interpolated(centered, hidden)[:, 0],
                               [[2, 4, 6, 8, 8, 8], [3, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0]])


def test_the_linear_code_fills_in_what_it_can_know():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((BANDS * FRAMES, 3)))[0].T

    def low_rank(n):
        field = Field(n, reach=1, seed=0)
        cells = (rng.standard_normal((n, 3)) * 9) @ axes + 0.05 * rng.standard_normal((n, BANDS * FRAMES)) - 5
        field.cells = cells.reshape(n, BANDS, FRAMES, 1).astype(np.float32)
        return field

    from mer.training.pretexts import _linear
    data = masks(low_rank(100), seed=1)
    inputs, clean, _ = data[0]
    filled = _linear.Components(masks(low_rank(2000)), n=3).fill(inputs["patch"], inputs["hidden"] > 0)
    hidden = inputs["hidden"] > 0
    assert np.square(filled - clean)[hidden].mean() < 2 * 0.05**2 < np.square(clean + 5)[hidden].mean() / 50


def remembered(references):
    """References that are asked once for each batch: they take seconds, and `scored` has the same patches each time."""
    known = {}

    def ask(inputs):
        batch = inputs["patch"].tobytes()
        if batch not in known:
            known[batch] = references(inputs)
        return known[batch]

    return ask


@pytest.fixture(scope="module")
def scored():
    """Function: "model" that is a function of the inputs -> its scores by `denoise.Task`."""
    task = denoise.Task(SimpleNamespace(n_bootstrap=500, pretrain_batch_patches=100), MODULE)
    train, test = (task.batches(Field(n, reach=3, seed=seed), seed=seed, shuffle=False)
                   for n, seed in ((4000, 2), (300, 1)))
    references = remembered(_masked.References(train))

    def score(predict):
        return task.scores(SimpleNamespace(predict_on_batch=predict, output_shape=(None, 7)), test, train=train)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_masked, "References", lambda batches: references if batches is train else pytest.fail())
        yield score


def test_only_what_beats_every_reference_has_learnt(twin, scored):
    field = covariance(3)

    def best(inputs):
        """The best estimate from all visible cells."""
        filled = np.empty((len(inputs["patch"]), BANDS * FRAMES))
        for row, (patch, gone) in enumerate(zip(inputs["patch"], inputs["hidden"], strict=True)):
            seen = np.flatnonzero(gone.reshape(-1) == 0)
            cells = (patch[..., 0] - MEAN[:, None]).reshape(-1)[seen]
            of_seen = field[np.ix_(seen, seen)] + 1e-6 * np.eye(len(seen))
            filled[row] = field[:, seen] @ np.linalg.solve(of_seen, cells)
        return filled.reshape(inputs["patch"].shape) + MEAN[:, None, None]

    oracle = scored(best)
    assert oracle["learnt"] and oracle["mse_code_alone"] == oracle["mse"]
    assert set(oracle["gain_over"]) == {"mse_training_mean", "mse_interpolated", "mse_linear_5x5", "mse_pca"}
    for name in oracle["gain_over"]:  # each reference, fitted on other patches, as if it were the model
        assert not scored(lambda inputs, name=name: twin(inputs)[name])["learnt"]
    assert oracle["mse_training_mean"] == pytest.approx(4, rel=0.05)


def test_the_score_counts_hidden_cells_alone(scored):
    noisy = scored(lambda inputs: np.where(inputs["hidden"] > 0, MEAN[:, None, None], 1e6).astype(np.float32))
    assert noisy["mse"] == pytest.approx(noisy["mse_training_mean"], rel=1e-3)


def test_the_masked_encoder_never_sees_a_hidden_cell_and_decodes_from_its_code_alone():
    module = models.load("model_masked", pretexts=["denoise"])
    model = module.build((128, 31, 1))
    mean, deviation = np.linspace(-10, -2, 128), np.linspace(0.5, 3, 128)
    module.prepare(model, mean, deviation)
    patch = np.random.default_rng(0).normal(-6, 2, (3, 128, 31, 1)).astype(np.float32)
    hidden = np.zeros_like(patch)
    hidden[:, :64, :16] = 1
    one = model.predict({"patch": patch, "hidden": hidden}, verbose=0)
    two = model.predict({"patch": np.where(hidden > 0, 7, patch), "hidden": hidden}, verbose=0)
    np.testing.assert_array_equal(one, two)
    code = module.encoder(model)
    assert code.output_shape == (None, module.CODE_UNITS) and module.CODE_UNITS < 128 * 31 / 10
    filled = np.where(hidden > 0, mean[:, None, None], patch)
    decoder = keras.Model(model.get_layer("d1").input, model.output)
    np.testing.assert_allclose(decoder.predict(code.predict(filled, verbose=0), verbose=0), one, atol=1e-4)
