"""PyTorch in and out."""
