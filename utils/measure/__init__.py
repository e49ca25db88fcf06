"""How far music is from Bach: measures, critics, copies, and the sweep of GANs that they judge."""
