"""SincNet on chunks of 500 ms, see model_sincnet; SincNet-MER has fewer of them in a batch."""

import dataclasses

from . import model_sincnet
from .model_sincnet import HOP_SECONDS, INPUT, PRETEXT, at_hops, build, encoder, heads

__all__ = ["HOP_SECONDS", "INPUT", "PRETEXT", "at_hops", "build", "encoder", "heads"]
CHUNK_SECONDS = 0.5
TITLE = "SincNet 500 ms"
RECIPE = dataclasses.replace(model_sincnet.RECIPE, batch="sincnet_500_batch_chunks")
