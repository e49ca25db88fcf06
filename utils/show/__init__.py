"""Everything to see and hear: figures, tables, scores, players and the listening page."""
