"""Stage 5: a song -> its emotion over time, as files, pictures and a page in the browser."""
