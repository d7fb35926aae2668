"""Band-pass filters of a model whose edges are learned, for the picture in its report."""

import keras

from mer.evaluation import plots
from mer.layers.sinc import SincConv1D


def kernels(model):
    """Impulse responses of the first layer of band-pass filters, shape (size, filters); None without one."""
    layer = _layer(model)
    return layer and keras.ops.convert_to_numpy(layer.kernels())


def draw(before, model, path):
    """Write the picture of the filters as they were, from `kernels`, and as they are; nothing for None."""
    if before is not None:
        plots.filters(before, kernels(model), rate_hz=_layer(model).rate_hz, path=path)


def _layer(model):
    return next((layer for layer in model.layers if isinstance(layer, SincConv1D)), None)
