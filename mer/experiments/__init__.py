"""Experiments: a plan of cells, the commands that make them, a runner for one machine or many, and what came of it."""
