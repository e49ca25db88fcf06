"""Every network: its builder, its training, and how it writes or plays; Keras is imported here."""
