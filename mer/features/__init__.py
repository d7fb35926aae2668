"""Stage 1: audio file -> samples -> waveform -> log-mel frames, whole or in blocks."""
