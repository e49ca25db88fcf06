"""Notes as waves: the piano, the inputs of a performer, and measures of a performance; no Keras here."""
