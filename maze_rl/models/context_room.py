"""How long the sequences of mazes can be, and which sizes fit a model's context."""

from transformer_lens import HookedTransformer

from maze_rl.tokenization.tokenization import Tokenization


def longest_sequence(tokenization: Tokenization) -> int:
    """Return the most tokens a maze on the canvas can take: every edge open, a budget of n^2 + 2 path cells, an end."""
    return longest_read(tokenization, tokenization.canvas) + 2


def longest_read(tokenization: Tokenization, size: int, *, tree: bool = False) -> int:
    """Return the most tokens a model reads while it walks a maze of `size` cells a side, up to its last budgeted one.

    Args:
        tokenization: How mazes are written.
        size: Cells per side.
        tree: Whether the mazes have no cycles, so that fewer edges are open.
    """
    layout, edges = tokenization.layout, 2 * size * (size - 1)
    listed = size**2 if layout.lists_cells else size**2 - 1 if tree and not layout.walls else edges
    return layout.prompt_tokens(listed) + layout.path_tokens(size**2 + 2) - 1


def has_room(model: HookedTransformer, tokenization: Tokenization, size: int, *, tree: bool = False) -> bool:
    """Tell whether every maze of `size` fits the model's context, walked to the end of its budget."""
    return longest_read(tokenization, size, tree=tree) <= model.cfg.n_ctx
