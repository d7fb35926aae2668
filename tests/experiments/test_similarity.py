"""Similarity of layers on simulated clips whose similarity is known."""

import itertools

import numpy as np
import pytest

from mer.experiments import similarity

P, Q, SHARED = 12, 16, 3
_WORLD = np.random.default_rng(99)
ONE, OTHER = _WORLD.normal(size=(SHARED, P)), _WORLD.normal(size=(SHARED, Q))
NOISE_ONE, NOISE_OTHER = np.geomspace(1, 0.2, P), np.geomspace(1, 0.1, Q)
SIZES = [1] * 30 + [2] * 15 + [4] * 5  # clips of each artist


def clips(seed, *, strength, sizes=SIZES, alike=0.6):
    """Two layers that share three causes; clips of an artist are alike in the causes and in the rest."""
    rng, group = np.random.default_rng(seed), np.repeat(np.arange(len(sizes)), sizes)

    def drawn(width):
        return alike**0.5 * rng.normal(size=(len(sizes), width))[group] + (1 - alike) ** 0.5 * rng.normal(
            size=(len(group), width))
    causes = strength * drawn(SHARED)
    return causes @ ONE + drawn(P) * NOISE_ONE, causes @ OTHER + drawn(Q) * NOISE_OTHER, [str(g) for g in group]


def true_cka(strength):
    """Of infinitely many clips: the covariances are known (equation 1 of Kornblith et al.)."""
    one = strength**2 * ONE.T @ ONE + np.diag(NOISE_ONE**2)
    other = strength**2 * OTHER.T @ OTHER + np.diag(NOISE_OTHER**2)
    return np.linalg.norm(strength**2 * ONE.T @ OTHER) ** 2 / np.linalg.norm(one) / np.linalg.norm(other)


def measured(one, other, groups, **options):
    of = similarity.blocks(groups, seed=0, **options)
    return similarity.cka(similarity.Table(one, of), similarity.Table(other, of)), of


def test_hsic_is_the_mean_over_pairs_triples_and_quadruples_of_different_groups(rng):
    one, other, groups = rng.normal(size=(9, 2)), rng.normal(size=(9, 3)), list("aabcdefgg")
    found, of = measured(one, other, groups)
    tables = [each - each.mean(axis=0) for each in (one, other)]
    k, l = (each @ each.T / np.square(each).sum() for each in tables)  # noqa: E741

    def apart(n, kept):
        return [each for each in itertools.permutations(kept, n) if len({groups[i] for i in each}) == n]

    def slow(kept, k, l):  # noqa: E741
        return (np.mean([k[i, j] * l[i, j] for i, j in apart(2, kept)])
                + np.mean([k[i, j] * l[u, v] for i, j, u, v in apart(4, kept)])
                - 2 * np.mean([k[i, j] * l[i, v] for i, j, v in apart(3, kept)]))
    for which in (None, 0, 3):
        kept = [i for i in range(9) if which is None or of.block[of.group[i]] != which]
        wanted = slow(kept, k, l) / np.sqrt(slow(kept, k, k) * slow(kept, l, l))
        assert (found.value if which is None else found.without[which]) == pytest.approx(wanted, rel=1e-9)


def test_one_clip_a_group_is_the_estimate_of_song_et_al(rng):
    one, other = rng.normal(size=(20, 4)), rng.normal(size=(20, 5))
    other[:, 0] += one[:, 0]

    def hsic(a, b):  # their equation 5
        k, l = (each @ each.T for each in (a, b))  # noqa: E741
        n, ones = len(k), np.ones(len(k))
        for each in (k, l):
            np.fill_diagonal(each, 0)
        return (np.trace(k @ l) + ones @ k @ ones * (ones @ l @ ones) / (n - 1) / (n - 2)
                - 2 / (n - 2) * ones @ k @ l @ ones) / n / (n - 3)
    found, _ = measured(one, other, [str(i) for i in range(20)])
    assert found.value == pytest.approx(hsic(one, other) / np.sqrt(hsic(one, one) * hsic(other, other)), rel=1e-9)


def test_a_layer_is_like_itself_rotated_scaled_and_moved(rng):
    one = rng.normal(size=(40, 6))
    turned = 3 * one @ np.linalg.qr(rng.normal(size=(6, 6)))[0] + 5
    found, of = measured(one, turned, [str(i // 2) for i in range(40)])
    assert found.value == pytest.approx(1)
    assert similarity.interval([found], of)["low"] == pytest.approx(1)
    assert similarity.plain_cka(one, turned) == pytest.approx(1)


def test_independent_layers_have_nothing_in_common_though_artists_sound_alike():
    values, plain = [], []
    for seed in range(60):
        one, other, groups = clips(seed, strength=0.0)
        values.append(measured(one, other, groups)[0].value)
        plain.append(similarity.plain_cka(one, other))
    assert abs(np.mean(values)) < 3 * np.std(values) / 60**0.5
    assert np.mean(plain) > 0.05, "the plain one is biased"
    apart = [measured(*clips(seed, strength=0.0)[:2], [str(i) for i in range(80)])[0].value for seed in range(60)]
    assert np.mean(apart) > 5 * np.std(apart) / 60**0.5, "clips of an artist, taken for independent, look alike twice"


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_the_interval_holds_the_true_value_and_that_of_a_bootstrap_does_not(strength):
    n, held, held_by_bootstrap, truth = 120, 0, 0, true_cka(strength)
    for seed in range(n):
        one, other, groups = clips(seed, strength=strength)
        found, of = measured(one, other, groups)
        ends = similarity.interval([found], of)
        held += ends["low"] <= truth <= ends["high"]
        if seed < 30:
            held_by_bootstrap += _bootstrap_holds(one, other, groups, truth, seed)
    assert 0.9 <= held / n <= 0.995
    assert held_by_bootstrap / 30 < 0.8 or strength > 0.5


def _bootstrap_holds(one, other, groups, truth, seed):
    """Percentiles of the same estimate over groups that are drawn with replacement, copies as clips of their own."""
    rng, group, values = np.random.default_rng(seed), np.asarray(groups), []
    names = np.unique(group)
    for _ in range(40):
        rows = [np.flatnonzero(group == name) for name in rng.choice(names, len(names))]
        drawn = [str(place) for place, each in enumerate(rows) for _ in each]
        kept = np.concatenate(rows)
        values.append(measured(one[kept], other[kept], drawn, most=2)[0].value)
    low, high = np.percentile(values, [2.5, 97.5])
    return low <= truth <= high


def test_a_true_difference_is_found_and_none_is_not():
    found = {"equal": 0, "apart": 0}
    for seed in range(40):
        one, other, groups = clips(seed, strength=0.5)
        noise = np.random.default_rng(seed + 1000)
        of = similarity.blocks(groups, seed=0)
        tables = [similarity.Table(each, of) for each in (one, other, other + noise.normal(0, 2, other.shape))]
        near, far = (similarity.cka(tables[0], each) for each in tables[1:])
        mirrored = similarity.cka(tables[0], similarity.Table(-2 * other, of))
        found["equal"] += similarity.interval([near], of, minus=[mirrored])["value"] > 1e-9
        found["apart"] += similarity.interval([near], of, minus=[far])["low"] > 0
    assert found == {"equal": 0, "apart": 40}


def test_seeds_that_disagree_make_the_interval_wider():
    one, other, groups = clips(0, strength=0.5)
    of = similarity.blocks(groups, seed=0)
    table, noise = similarity.Table(one, of), np.random.default_rng(0)
    several = [similarity.cka(table, similarity.Table(other + noise.normal(0, sigma, other.shape), of))
               for sigma in (0.1, 2, 4)]
    widths = [np.ptp(list(similarity.interval(each, of).values())[1:]) for each in (several[:1], several)]
    assert widths[1] > 2 * widths[0]


def test_blocks_are_of_whole_groups_and_about_one_size():
    groups = [f"artist {i}" for i in np.repeat(np.arange(70), np.r_[[9], [1] * 69])]
    of = similarity.blocks(groups, seed=1, most=10)
    assert of.n == 10 and of.sizes.sum() == len(groups) and sorted(of.sizes)[0] >= 7
    assert of.freedom == 9
    assert similarity.blocks(["a"] * 50 + ["b", "c", "d"], seed=1).freedom < 1


def test_a_layer_that_says_the_same_of_all_clips_has_no_similarity(rng):
    found, of = measured(np.ones((20, 3)), rng.normal(size=(20, 3)), [str(i) for i in range(20)])
    assert np.isnan(found.value) and similarity.interval([found], of) == dict.fromkeys(("value", "low", "high"))
