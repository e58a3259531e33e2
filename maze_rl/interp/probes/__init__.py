"""Linear probes of the residual stream: distance, walls, path, and the layer in which each is first known."""
