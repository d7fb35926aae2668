"""Stage 4: predictions of the test set -> scores, intervals, comparisons, report, page."""
