"""LSTM denoising autoencoder on openSMILE's features ("DAE - Classifier", Gómez-Cañón et al., EUSIPCO 2020).

Known: the input is 260 features, one row a second, and sequences have 5 s. A latent layer of 100 LSTM units is
pretrained on speech as a denoiser; then its weights are fixed, and an LSTM and a softmax are added. Coutinho and
Schuller 2017 (doi:10.1371/journal.pone.0179289) transferred between speech and music with such autoencoders before.

Not known to us, and chosen here: one latent layer and a linear output at every step; features standardized by center
and spread of the speech, then asinh (`_dae`); Gaussian noise of `noise_sigma` on these; mean squared error; Adam; 100
units in the added LSTM, and the three tasks trained together, as with all encoders of this project.
"""

from . import _dae

INPUT = "is13"
CHUNK_SECONDS = 5.0
PRETEXT = "denoise"
TITLE = "DAE - Classifier"

UNITS = 100


def build(shape):
    """The autoencoder: rows (batch, 5, 260) -> the same rows, standardized and without noise."""
    return _dae.autoencoder(shape, units=UNITS, name="model_dae")


prepare, encoder, heads = _dae.standardize, _dae.encoder, _dae.heads
