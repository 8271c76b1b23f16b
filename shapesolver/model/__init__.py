"""Tree to graph: names, blocks, repeats, lanes and holes become layers and wires."""
