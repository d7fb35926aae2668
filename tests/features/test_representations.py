"""What every representation owes, whichever files the folder holds."""

import contextlib
import copy

import numpy as np
import pytest

from mer import MerError
from mer.features import representations
from mer.features.chunks import Chunks
from mer.features.waveform import AudioError


@pytest.fixture(params=representations.names())
def of(request):
    found = representations.get(request.param, {})
    try:
        found.prepare()
    except MerError as error:
        pytest.skip(str(error))
    return found


def sound(n):
    return np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)


@pytest.mark.parametrize(("stretches", "more", "block"),
                         [(0.25, 0, 70_000), (1, 0, 997), (1, 1, 70_000), (3.05, 3, 997)])
def test_rows_of_blocks_are_those_of_the_whole(of, stretches, more, block):
    n = int(stretches * getattr(of, "stretch_samples", 65536)) + more
    whole, waveform = of.rows(sound(n)), sound(n)
    assert whole.shape == (of.n_rows(n), of.width) and whole.dtype == np.float32 and whole.flags.c_contiguous
    parts = list(of.stream(waveform[start:start + block] for start in range(0, n, block)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert stretches < 3 or max(map(len, parts)) < 0.9 * len(whole), "rows come as blocks come"


def test_rows_follow_the_clock(of):
    assert of.rows_per_second == of.sample_rate_hz / of.hop_samples > 0
    assert abs(of.n_rows(10 * of.sample_rate_hz) - 10 * of.rows_per_second) <= 1


@pytest.mark.parametrize("n_rows", [1, 2, 31, 40])
def test_the_shortest_waveform_of_so_many_rows(of, n_rows):
    shortest = of.n_samples(n_rows)
    if n_rows > 2 and shortest > 60 * of.sample_rate_hz:
        return  # as good as the others, and slow
    assert of.n_rows(shortest) >= n_rows and len(of.rows(sound(shortest))) >= n_rows
    with contextlib.suppress(AudioError):
        assert len(of.rows(sound(shortest - 1))) < n_rows


def test_a_network_reads_one_array_a_chunk(of):
    rows = of.rows(sound(of.n_samples(8)))[:8]
    reads = Chunks(of, 3 / of.rows_per_second, 3)
    inputs = reads.cut(rows, 2)
    assert inputs.shape == (3, *reads.shape) and np.shares_memory(inputs, rows)
    np.testing.assert_array_equal(np.sort(inputs[1].ravel()), np.sort(rows[2:5].ravel()))


def test_what_is_recorded_says_all(of):
    assert representations.recorded(of.settings) == of == copy.copy(of)
    assert of.settings.get("representation", representations.DEFAULT) == of.name and of.TITLE
    for name, value in of.settings.items():
        if type(value) is int:
            for wrong in (-value, float(value), True, None, "1", 2**40):
                with pytest.raises(MerError, match=f"says nothing sensible of {name}"):
                    representations.recorded({**of.settings, name: wrong})
    with pytest.raises(MerError, match="representation '../x' came, but one of"):
        representations.recorded({**of.settings, "representation": "../x"})
