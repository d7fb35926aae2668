"""Stages 1 and 2: corpora as stores on disk, splits, parts and folds, and how training opens them."""
