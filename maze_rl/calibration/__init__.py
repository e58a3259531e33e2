"""Models whose algorithm is known by construction, and the self-test of every analysis against them."""
