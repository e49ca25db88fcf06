"""Bach by machine: music as arrays, sound as waves, the networks, the measures, and what a person sees and hears."""
