"""Notes as waves: the piano, what a performer hears of a score, and an ear that judges a performance; no Keras here."""
