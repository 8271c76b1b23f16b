"""A network, or its weights, written another way."""
