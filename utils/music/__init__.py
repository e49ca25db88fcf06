"""Scores and pieces as arrays: MIDI, text, windows, the corpus and its split, and baselines; no Keras here."""
