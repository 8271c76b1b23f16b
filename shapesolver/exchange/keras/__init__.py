"""Keras in and out: archives, JSON of Keras 1 to 3 and model objects to networks, and networks to Keras."""
