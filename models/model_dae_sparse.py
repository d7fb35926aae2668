"""LSTM denoising autoencoder with a sparse code ("DAE - Sparsity", Gómez-Cañón et al., EUSIPCO 2020).

Known: as `model_dae`, with sequences of 10 s and 800 units. A code of 8 000 numbers for 2 600 values is no bottleneck;
that it is sparse, its name says.

Not known to us, and chosen here, beside what `model_dae` says: how it is made sparse. Here the mean absolute state of
the units is added to the loss with the weight SPARSITY.
"""

from . import _dae

INPUT = "is13"
CHUNK_SECONDS = 10.0
PRETEXT = "denoise"
TITLE = "DAE - Sparsity"

UNITS = 800
SPARSITY = 0.1


def build(shape):
    """The autoencoder: rows (batch, 10, 260) -> the same rows, standardized and without noise."""
    return _dae.autoencoder(shape, units=UNITS, sparsity=SPARSITY, name="model_dae_sparse")


prepare, encoder, heads = _dae.standardize, _dae.encoder, _dae.heads
