"""Layers of SincNet: band-pass filters with learned edges, and its own norm."""

import math

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("mer")
class SincConv1D(layers.Layer):
    """Convolution of a waveform with band-pass filters whose edges are learned (Ravanelli & Bengio 2018, section 2).

    Input (batch, samples, 1), output (batch, samples - size + 1, filters). A filter is the difference of two low-pass
    filters, 2 f2 sinc(2 f2 t) - 2 f1 sinc(2 f1 t), under a Hamming window; its response in the pass band is 1. f1 is
    `low_hz` above `least_hz`, and f2 is `band_hz` above f1 + `least_hz`, at most half the rate; both weights count by
    their absolute value. They start evenly on the mel scale.

    Parameters
    ----------
    filters : int
    size : int, odd
        Length of a filter, in samples.
    rate_hz : int
    least_hz : float
        Lowest edge, and least width.
    """

    def __init__(self, filters, size, *, rate_hz=16000, least_hz=50.0, **options):
        super().__init__(**options)
        if size % 2 == 0:
            raise ValueError(f"a filter of {size} samples came, but an odd number was expected")
        self.filters, self.size, self.rate_hz, self.least_hz = filters, size, rate_hz, least_hz

    def build(self, input_shape):
        # O'Shaughnessy's mel scale, on which the published filters start: from 30 Hz to just below half the rate
        top = self.rate_hz / 2 - 2 * self.least_hz
        mel = [2595 * math.log10(1 + hz / 700) for hz in (30, top)]
        edges = [700 * (10 ** ((mel[0] + (mel[1] - mel[0]) * i / self.filters) / 2595) - 1)
                 for i in range(self.filters + 1)]
        low, high = edges[:-1], edges[1:]
        start = {"low_hz": low, "band_hz": [b - a for a, b in zip(low, high, strict=True)]}
        for name, values in start.items():
            weight = self.add_weight(name=name, shape=(self.filters,), initializer="zeros")
            weight.assign(ops.convert_to_tensor(values, dtype=weight.dtype))
            setattr(self, name, weight)

    def edges_hz(self):
        """The edges f1 and f2 of the filters, shape (filters,) each."""
        low = self.least_hz + ops.abs(self.low_hz)
        return low, ops.clip(low + self.least_hz + ops.abs(self.band_hz), self.least_hz, self.rate_hz / 2)

    def kernels(self):
        """Impulse responses, shape (size, filters)."""
        low, high = (ops.cast(edge, "float32") / self.rate_hz for edge in self.edges_hz())  # cycles a sample
        t = ops.reshape(ops.arange(self.size, dtype="float32") - (self.size - 1) / 2, (-1, 1))
        window = 0.54 + 0.46 * ops.cos(2 * math.pi * t / (self.size - 1))
        return window * (_low_pass(high, t) - _low_pass(low, t))

    def call(self, inputs):
        return ops.conv(inputs, ops.expand_dims(ops.cast(self.kernels(), inputs.dtype), 1), padding="valid")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] - self.size + 1, self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "size": self.size, "rate_hz": self.rate_hz,
                "least_hz": self.least_hz}


def _low_pass(edge, t):
    """Ideal low-pass filter 2 f sinc(2 f t), with f in cycles a sample and t in samples."""
    x = 2 * math.pi * edge * t
    return 2 * edge * ops.where(ops.abs(x) < 1e-6, 1.0, ops.sin(x) / ops.where(ops.abs(x) < 1e-6, 1.0, x))


@keras.saving.register_keras_serializable("mer")
class TimeNorm(layers.Layer):
    """Mean 0 and deviation 1 over time, in every channel; then a scale and an offset for every cell.

    Input and output (batch, steps, channels). SincNet's own layer norm (Ravanelli & Bengio 2018, their dnn_models.py).
    """

    def build(self, input_shape):
        shape = tuple(input_shape[1:])
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, inputs):
        mean, deviation = self.moments(inputs)
        return self.gamma * (inputs - mean) / deviation + self.beta

    def moments(self, inputs):
        """Mean and deviation that `inputs` are normed by, (batch, 1, channels) each."""
        mean = ops.mean(inputs, axis=1, keepdims=True)
        return mean, ops.sqrt(ops.mean(ops.square(inputs - mean), axis=1, keepdims=True) + 1e-12) + 1e-6
