"""Batch normalization in training, in few passes over memory: the same mathematics as Keras's layer.

Keras takes the moments over three axes of a tensor at once and leaves the gradient to the backend. Over the time axis,
which lies in the middle, that takes half of a training step of the published autoencoder on a processor. Here sums over
all rows come from a product with a vector of ones, and the gradient is written out (Ioffe & Szegedy 2015, section 3).
Results differ from Keras's by its own rounding (1e-5 of the largest value in float32; `tests/test_batch_norm.py`
compares both with float64).
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("mer")
class BatchNormalization(layers.BatchNormalization):
    """As Keras's, and with its weights and its name in weight files.

    Inputs are (batch, bands, frames, channels), and `axis` is 2, the frames, or -1, the channels. For others, without
    training and with a mask it is Keras's own.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or mask is not None or self.renorm or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        frames, channels = x.shape[2], x.shape[3]
        over_time = self.axis == 2
        n = ops.cast(ops.prod(ops.shape(x)[:2]) * (channels if over_time else frames), "float32")

        def totals(values):  # (batch, bands, frames, channels) -> one sum per position of the axis
            rows = ops.reshape(values, (-1, frames * channels))
            sums = ops.reshape(ops.matmul(ops.ones((1, ops.shape(rows)[0]), "float32"), rows), (frames, channels))
            return ops.sum(sums, axis=1 if over_time else 0)

        def spread(values):  # one value per position -> what broadcasts against x
            return ops.reshape(values, (1, 1, -1, 1) if over_time else (1, 1, 1, -1))

        still = ops.stop_gradient(x)
        mean = totals(still) / n
        variance = totals(ops.square(still - spread(mean))) / n
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))

        @ops.custom_gradient
        def normalized(x, gamma, beta, mean, variance):
            deviation = ops.sqrt(variance + self.epsilon)
            slope = gamma / deviation

            def gradient(*args, upstream=None):
                of_output = args[-1] if upstream is None else upstream
                of_beta = totals(of_output)
                of_gamma = (totals(of_output * x) - mean * of_beta) / deviation
                per_x = slope * of_gamma / deviation / n  # the variance depends on x, and so does the mean
                of_x = of_output * spread(slope) - x * spread(per_x) + spread(per_x * mean - slope * of_beta / n)
                return of_x, of_gamma, of_beta, ops.zeros_like(mean), ops.zeros_like(variance)

            return x * spread(slope) + spread(beta - mean * slope), gradient

        gamma, beta = (ops.cast(weight, "float32") for weight in (self.gamma, self.beta))
        return ops.cast(normalized(x, gamma, beta, mean, variance), self.compute_dtype)
