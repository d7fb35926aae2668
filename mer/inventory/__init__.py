"""What corpora are on disk, whether they are whole, and how to fetch those that may be fetched."""
