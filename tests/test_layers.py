"""Layers that are faster than Keras's own: the same results and gradients, as float64 has them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mer.layers.batch_norm import BatchNormalization
from mer.layers.upsampled_conv import Conv2DTranspose

SHAPE = (6, 8, 5, 3)


def _gradients(model, x, weight):
    """Output of a model in training, and gradients of sum(weight * output) by its trainable weights and by `x`.

    `x` comes in as the weight of a layer, so that one way serves every backend: the first step of a plain optimizer of
    rate 1 moves every weight by its gradient.
    """
    held = keras.Sequential([keras.Input((1,)), _Held(x), model])
    before = [ops.convert_to_numpy(each) for each in held.trainable_variables]
    held.compile(keras.optimizers.SGD(1.0), loss=lambda _, output: ops.sum(output * weight), jit_compile=False)
    output = ops.convert_to_numpy(held(np.zeros((len(x), 1)), training=True))
    held.train_on_batch(np.zeros((len(x), 1)), np.zeros((len(x), 1)))
    return output, [old - ops.convert_to_numpy(each)
                    for old, each in zip(before, held.trainable_variables, strict=True)]


class _Held(layers.Layer):
    """Gives one batch that it holds, whatever comes."""

    def __init__(self, value):
        super().__init__()
        self.value = self.add_weight(shape=value.shape, initializer="zeros")
        self.value.assign(value)

    def call(self, inputs):
        return self.value + 0 * ops.sum(inputs)

    def compute_output_shape(self, input_shape):
        return self.value.shape


def _exact(x, gamma, beta, weight, axis):
    """Batch normalization and its gradients in float64, from its definition (Ioffe & Szegedy 2015, section 3)."""
    axis %= 4
    others = tuple(place for place in range(4) if place != axis)
    shape = [-1 if place == axis else 1 for place in range(4)]
    n = x.size // x.shape[axis]
    deviation = np.sqrt(x.var(axis=others, keepdims=True) + 1e-3)
    plain = (x - x.mean(axis=others, keepdims=True)) / deviation
    of_plain = weight * gamma.reshape(shape)
    of_x = (of_plain - of_plain.sum(axis=others, keepdims=True) / n
            - plain * (of_plain * plain).sum(axis=others, keepdims=True) / n) / deviation
    return plain * gamma.reshape(shape) + beta.reshape(shape), [
        of_x, (weight * plain).sum(axis=others), weight.sum(axis=others)]


@pytest.mark.parametrize("axis", [2, -1])
def test_batch_norm_is_exact(axis, rng):
    x, weight = (rng.normal(3, 2, SHAPE).astype(np.float32) for _ in range(2))
    gamma, beta = (rng.normal(1, 0.5, SHAPE[axis]).astype(np.float32) for _ in range(2))
    own = keras.Sequential([keras.Input(SHAPE[1:]), BatchNormalization(axis=axis)])
    own.set_weights([gamma, beta, np.full(SHAPE[axis], 0.5), np.full(SHAPE[axis], 2.0)])
    output, gradients = _gradients(own, x, weight)
    expected, exact = _exact(*(values.astype(np.float64) for values in (x, gamma, beta, weight)), axis)
    np.testing.assert_allclose(output, expected, atol=1e-5)
    for made, true in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(made, true, atol=2e-5 * np.abs(true).max())


@pytest.mark.parametrize("axis", [2, -1])
def test_moving_statistics_are_those_of_keras(axis, rng):
    x, known = rng.normal(3, 2, SHAPE).astype(np.float32), []
    for kind in (BatchNormalization, layers.BatchNormalization):
        layer = kind(axis=axis, momentum=0.7)
        for _ in range(2):
            layer(x, training=True)
        known.append([ops.convert_to_numpy(each) for each in layer.non_trainable_variables])
        known[-1].append(ops.convert_to_numpy(layer(x, training=False)))
        layer.trainable = False
        assert np.array_equal(ops.convert_to_numpy(layer(x, training=True)), known[-1][-1])  # frozen: nothing moves
    for own, keras_own in zip(*known, strict=True):
        np.testing.assert_allclose(own, keras_own, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("copies", [2, 3, 4])
def test_upsampling_and_convolution_at_once(copies, rng):
    x = rng.normal(0, 1, SHAPE).astype(np.float32)
    weight = rng.normal(0, 1, (SHAPE[0], SHAPE[1] * copies, SHAPE[2], 7)).astype(np.float32)
    two = keras.Sequential([keras.Input(SHAPE[1:]), layers.UpSampling2D((copies, 1)),
                            layers.Conv2DTranspose(7, 3, padding="same", activation="tanh")])
    one = keras.Sequential([keras.Input(SHAPE[1:]), Conv2DTranspose(7, copies=copies, activation="tanh")])
    two.layers[-1].bias.assign(rng.normal(0, 1, 7))
    one.set_weights(two.get_weights())
    (output, gradients), (expected, wanted) = _gradients(one, x, weight), _gradients(two, x, weight)
    assert one.output_shape == two.output_shape
    np.testing.assert_allclose(output, expected, atol=1e-5)
    for made, true in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(made, true, atol=1e-5 * max(1, np.abs(true).max()))
    again = Conv2DTranspose.from_config(one.layers[-1].get_config())
    assert (again.copies, again.filters, again.kernel_size) == (copies, 7, (3, 3))
