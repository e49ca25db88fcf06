"""Converters, measures and model builders that the notebooks share; each module is imported by its own name."""
