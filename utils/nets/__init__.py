"""Every network: its builder, how it learns and how it writes or plays; Keras lives here."""
