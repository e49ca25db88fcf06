"""Scores and pieces as arrays: MIDI, text, windows, the corpus and its split, and music by chance; no Keras here."""
