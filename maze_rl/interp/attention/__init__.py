"""What heads look at: the edges of a cell, an edge's two cells, the frontier of a search."""
