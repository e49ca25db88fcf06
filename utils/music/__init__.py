"""Scores and pieces as arrays: MIDI, text, voices, windows, the corpus and its split, and music by chance; no Keras here."""
