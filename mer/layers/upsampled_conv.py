"""A transposed convolution of a map whose bands were repeated, computed on the map before it was repeated."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("mer")
class Conv2DTranspose(layers.Conv2DTranspose):
    """`UpSampling2D((copies, 1))`, then `Conv2DTranspose(filters, 3, padding="same")` and its weights.

    Of the copies of a band, the first sees one row of the band before and two of its own, the last two of its own and
    one of the band after, and those between see their own band alone. So two small convolutions do, whose kernels hold
    sums of rows of the whole one: one between neighboring bands, which gives the last copy of a band and the first copy
    of the next, and one of single bands. For four copies that is 15 products in place of 36.

    Input (batch, bands, frames, channels), output (batch, bands * copies, frames, filters).

    Parameters
    ----------
    filters : int
    copies : int, at least 2
        How often each band is repeated.
    """

    def __init__(self, filters, *, copies, **options):
        super().__init__(filters, options.pop("kernel_size", 3), padding=options.pop("padding", "same"), **options)
        self.copies = copies

    def call(self, inputs):
        _, bands, frames, _ = inputs.shape
        # A transposed convolution of stride 1 is a convolution with the kernel, (3, 3, out, in), turned around
        before, own, after = (ops.transpose(ops.flip(self.kernel[row], axis=0), (0, 2, 1)) for row in (2, 1, 0))
        pairs = (before + own, before), (after, own + after)
        neighbors = ops.stack([ops.concatenate(pair, axis=-1) for pair in pairs])
        padded = ops.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        edges = ops.conv(padded, neighbors, padding="valid")  # before the first band, and after each
        first, last = edges[:, :-1, :, self.filters:], edges[:, 1:, :, :self.filters]
        between = [ops.conv(inputs, (before + own + after)[None], padding="same")] if self.copies > 2 else []
        rows = ops.stack([first, *between * (self.copies - 2), last], axis=2)
        return self.activation(ops.reshape(rows, (-1, bands * self.copies, frames, self.filters)) + self.bias)

    def compute_output_shape(self, input_shape):
        batch, bands, frames, _ = input_shape
        return (batch, bands * self.copies, frames, self.filters)

    def get_config(self):
        return {**super().get_config(), "copies": self.copies}
