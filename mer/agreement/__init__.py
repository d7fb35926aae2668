"""How far people agree on the emotions of music."""
