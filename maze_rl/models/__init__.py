"""The network: a HookedTransformer with fused components, its checkpoints and its decoder."""
