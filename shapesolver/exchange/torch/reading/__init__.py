"""PyTorch modules read as networks: traced, then each operation as a layer."""
