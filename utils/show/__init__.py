"""What a person sees and hears: figures, tables, scores, players and the listening page."""
