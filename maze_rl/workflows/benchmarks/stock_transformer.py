"""The stock twin of a model: TransformerLens's own components with the same (folded) weights."""

from transformer_lens.components.pos_embed import PosEmbed

from maze_rl.models.build import FUSED, MazeTransformer
from maze_rl.models.folding import folded_copy
from maze_rl.models.no_positions import NoPositions

_STOCK = {fused: stock for stock, fused in FUSED.items()} | {NoPositions: PosEmbed}


def stock_twin(model: MazeTransformer) -> MazeTransformer:
    """Return a copy of `model` whose forward, loss and `generate` are `HookedTransformer`'s own, untouched.

    A model without positions becomes one with learned positions that are zero and frozen: the same function.
    """
    twin = folded_copy(model)
    for module in twin.modules():
        module.__class__ = _STOCK.get(type(module), type(module))
    return twin
