"""Random sets of heads to compare a chosen one with: as many heads in every layer as the chosen set has there.

What ablation does depends on the layer and on how much is taken out, so a control must match both.
"""

from collections.abc import Sequence
from itertools import combinations, product
from math import comb, prod

from maze_rl.seeding import numpy_generator

Heads = tuple[tuple[int, int], ...]
"""(layer, head) of each head, in order."""


def random_head_sets(heads: Sequence[tuple[int, int]], n_heads: int, *, num: int = 200, seed: int = 0) -> list[Heads]:
    """Draw layer-matched sets of heads without repetition, the chosen set never among them.

    Args:
        heads: The chosen set, (layer, head) each.
        n_heads: Heads in a layer.
        num: Sets wanted; where there are no more than this, all of them are returned, in order.
        seed: Seed of the draws.
    """
    chosen = tuple(sorted(set(heads)))
    layers = sorted({layer for layer, _ in chosen})
    sizes = [sum(layer == other for other, _ in chosen) for layer in layers]
    if prod(comb(n_heads, size) for size in sizes) - 1 <= num:
        choices = product(*(combinations(range(n_heads), size) for size in sizes))
        return [drawn for each in choices if (drawn := _named(layers, each)) != chosen]
    generator = numpy_generator(seed, "random_head_sets")
    found: dict[Heads, None] = {}
    while len(found) < num:
        each = [sorted(generator.choice(n_heads, size, replace=False).tolist()) for size in sizes]
        drawn = _named(layers, each)
        if drawn != chosen:
            found[drawn] = None
    return list(found)


def _named(layers: Sequence[int], heads: Sequence[Sequence[int]]) -> Heads:
    return tuple((layer, head) for layer, within in zip(layers, heads, strict=True) for head in within)
