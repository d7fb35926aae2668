"""Augmentations against their definitions."""

import numpy as np
import pytest

from mer.training import augment


def test_gains_are_even_within_their_range(rng):
    gains = augment.gains(rng, 20_000, 0.2)
    assert 0.8 <= gains.min() < 0.802 and 1.198 < gains.max() <= 1.2 and gains.dtype == np.float32
    assert gains.var() == pytest.approx(0.4**2 / 12, rel=0.05)


def test_shares_of_mixup_are_beta_distributed_and_partners_a_permutation(rng):
    partner, share = augment.mixup_shares(rng, 20_000, 0.3)
    assert sorted(partner) == list(range(20_000)) and share.min() >= 0 and share.max() <= 1
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert share.var() == pytest.approx(1 / (4 * (2 * 0.3 + 1)), rel=0.03)  # of Beta(a, a)


def cross_entropy(probabilities, targets):
    return -(targets * np.log(probabilities)).sum(axis=1)


def test_the_loss_of_a_mixture_is_the_mixture_of_the_weighted_losses(rng):
    """Zhang et al. 2018, with a weight for every example; one without a label changes nothing."""
    n, targets = 6, np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 0]]
    weights = np.array([1, 2, 0.5, 1, 0, 3], np.float32)
    targets[4] = 0
    probabilities = rng.dirichlet(np.ones(4), n)
    partner, share = np.array([1, 2, 3, 4, 5, 0]), rng.random(n).astype(np.float32)
    made, weight = augment.mixed_targets(targets, weights, partner, share)
    parts = [weights[at] * cross_entropy(probabilities, targets[at]) for at in (np.arange(n), partner)]
    np.testing.assert_allclose(weight * cross_entropy(probabilities, made), share * parts[0] + (1 - share) * parts[1],
                               rtol=1e-5)
    np.testing.assert_allclose(made[3], targets[3])
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-5)
    alone, none = augment.mixed_targets(targets[[4, 4]], weights[[4, 4]], np.array([1, 0]), share[:2])
    assert not alone.any() and not none.any()


def test_inputs_are_mixed_by_their_shares():
    values = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    made = augment.mixed(values, np.array([2, 0, 1]), np.array([1, 0.25, 0], np.float32))
    np.testing.assert_allclose(made, [values[0], 0.25 * values[1] + 0.75 * values[0], values[1]])


def test_masks_are_those_of_specaugment(rng):
    """Two masks an axis: widths from 0 to the most, each equally likely; what is hidden is the mean of the patch."""
    patches = rng.normal(-6, 2, (3000, 20, 30, 1)).astype(np.float32)
    before = patches.copy()
    made = augment.hide_bands_and_frames(patches, rng, masks=1, bands=4, frames=6)
    np.testing.assert_array_equal(patches, before)
    hidden = made != patches
    np.testing.assert_allclose(made[hidden], np.broadcast_to(patches.mean(axis=(1, 2, 3), keepdims=True),
                                                             made.shape)[hidden], rtol=1e-6)
    for axis, most in ((1, 4), (2, 6)):
        lines = hidden.all(axis=(3 - axis, 3))  # whole bands, or whole frames
        width = lines.sum(axis=1)
        np.testing.assert_allclose(np.bincount(width) / len(width), 1 / (most + 1), atol=0.03)
        assert (np.diff(lines.astype(int), axis=1) == 1).sum(axis=1).max() <= 1, "one mask is in one piece"
        assert lines[:, 0].any() and lines[:, -1].any(), "masks reach both ends"
    bands, frames = hidden.all(axis=(2, 3)), hidden.all(axis=(1, 3))
    np.testing.assert_array_equal(hidden[..., 0], bands[:, :, None] | frames[:, None])
    twice = augment.hide_bands_and_frames(patches, rng, masks=2, bands=4, frames=0) != patches
    assert twice.all(axis=(2, 3)).sum(axis=1).max() > 4


def test_a_mask_wider_than_a_patch_hides_no_more_than_all_of_it(rng):
    made = augment.hide_bands_and_frames(rng.normal(size=(50, 3, 4, 1)), rng, masks=1, bands=99, frames=99)
    assert made.shape == (50, 3, 4, 1) and np.isfinite(made).all()


def test_smoothed_targets_keep_their_sum():
    made = augment.smoothed(np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]), 0.1)
    np.testing.assert_allclose(made, [[0.925, 0.025, 0.025, 0.025], [0, 0, 0, 0]])
