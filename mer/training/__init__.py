"""Stages 2 and 3: pretext tasks, transfer, cross-validation, and the fit loop that they share."""
