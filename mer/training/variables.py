"""The variables of a training, made before its first step."""

import keras
from keras import ops


def make(model, data):
    """Make those of the optimizer, the losses and the metrics.

    Keras makes them within the first step, and TensorFlow then traces that step twice, which takes seconds.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    data : batches.Batches
        One example of its first batch is looked at.
    """
    model.optimizer.build(model.trainable_variables)
    inputs, targets, *weights = keras.tree.map_structure(lambda array: ops.convert_to_tensor(array[:1]), data[0])
    outputs = model(inputs, training=False)
    model.compute_loss(inputs, targets, outputs, *weights)
    model.compute_metrics(inputs, targets, outputs, *weights)
    model.reset_metrics()
