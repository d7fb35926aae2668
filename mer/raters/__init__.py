"""Several ratings of one clip: how far raters agree, and whether those of one language agree more."""
