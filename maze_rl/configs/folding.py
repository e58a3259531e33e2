"""What of a model folds into the plain weights of a stock `HookedTransformer`, and what stays its own."""

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.parametrizations import read_parametrizations

_PARAMETRIZATIONS = {
    "unified_embeddings": "folds exactly: W_E (and learned W_pos) becomes the table it computes",
    "unified_weights": "folds exactly: every weight and bias becomes its value",
    "residual_scaling": "folds exactly: W_O, b_O, W_out and b_out are scaled",
    "value_affine": "folds exactly: gamma into W_O, beta into b_O",
}
_HOOKED = ("loops", "prompt")
"""Flags that an export holds all the same: as unrolled blocks and permanent hooks."""
_FLAGS = {
    "loops": "stays: the block stands once and is applied again and again; an export unrolls it",
    "prompt": "stays: which tokens a prompt sees is a mask; an export adds it as a hook",
    "value_norm": "stays: the norm of the values depends on the input; only its affine part (value_affine) folds",
    "reverse_positions": "stays: attention scores with a term for the distance are no product of queries and keys",
    "memory": "stays: the memory layer is an extra component with a softmax over its cells",
}


def what_folds(config: ModelConfig) -> dict[str, str]:
    """Tell for each method a model uses whether and how it folds; empty for a plain model."""
    told = {"embedding": "folds exactly: W_E and W_U become their sums"} if config.embedding != "free" else {}
    for choice in read_parametrizations(config.parametrizations):
        told[choice.name] = _PARAMETRIZATIONS.get(choice.name, "folds exactly where it parametrizes plain weights")
    return told | {flag: _FLAGS[flag] for flag in not_stock(config)}


def not_stock(config: ModelConfig) -> tuple[str, ...]:
    """Return the flags in use that no stock `HookedTransformer` has."""
    return tuple(flag for flag in _FLAGS if getattr(config, flag) not in (None, 0, False, "causal"))


def not_exported(config: ModelConfig) -> tuple[str, ...]:
    """Return the flags in use that no stock `HookedTransformer` computes, with hooks or without."""
    return tuple(flag for flag in not_stock(config) if flag not in _HOOKED)
