"""Small models of every kind the patching engine knows, with pairs of sequences that differ in one token."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig

from maze_rl.configs.model import ModelConfig
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization

VOCABULARY = 20
BUILT: dict[str, dict[str, Any]] = {
    "none": {"positions": "none"},
    "learned": {"positions": "learned"},
    "rotary": {"positions": "rotary"},
    "value_norm": {"value_norm": True},
    "reverse": {"reverse_positions": True, "memory": 3},
    "multiplied": {
        "reverse_positions": True,
        "reverse_form": "multiply",
        "memory": 3,
        "memory_kind": "selector",
    },
    "one_head": {"n_heads": 1},
}
STOCK: dict[str, dict[str, Any]] = {
    "plain": {"normalization_type": None},
    "plain_relu_unscaled": {"normalization_type": None, "act_fn": "relu", "use_attn_scale": False},
    "attention_only": {"normalization_type": "LN", "attn_only": True},
    "plain_attention_only": {"normalization_type": None, "attn_only": True},
    "one_layer": {"normalization_type": "LN", "n_layers": 1},
}


def _randomize(model: HookedTransformer) -> None:
    """Give every parameter a size at which it counts, biases and gains too."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter += (0.25 * noise).to(parameter.dtype)


@pytest.fixture
def model_of() -> Callable[..., HookedTransformer]:
    """Return a maker of models by kind, with random weights."""

    def make(kind: str, dtype: torch.dtype = torch.float32) -> HookedTransformer:
        if kind in BUILT:
            config = ModelConfig(**{"n_layers": 2, "d_model": 12, "n_heads": 3, "embedding": "free"} | BUILT[kind])
            model: HookedTransformer = build_model(config, load_tokenization("edges", canvas=4), dtype=dtype)
        else:
            shape = {"n_layers": 2, "d_model": 12, "n_heads": 3, "d_head": 4, "n_ctx": 30, "d_vocab": VOCABULARY}
            fields = shape | {"act_fn": "gelu", "dtype": dtype, "device": "cpu", "seed": None} | STOCK[kind]
            model = HookedTransformer(HookedTransformerConfig(**fields))
        _randomize(model)
        return model.eval()

    return make


@pytest.fixture
def pairs() -> PairTokens:
    """Five pairs of 12 tokens; decisions and differing slots vary, padding follows."""
    generator = torch.Generator().manual_seed(0)
    clean = torch.randint(1, VOCABULARY, (5, 12), generator=generator)
    position = torch.tensor([8, 11, 6, 9, 9])
    clean[torch.arange(12) > position[:, None] + 1] = 0
    slot = torch.tensor([2, 5, 0, 9, 1])
    corrupt = clean.clone()
    rows = torch.arange(5)
    corrupt[rows, slot] = (clean[rows, slot] + 7) % (VOCABULARY - 1) + 1
    return PairTokens(clean, corrupt, position, torch.tensor([1, 2, 3, 4, 5]), torch.tensor([6, 7, 8, 9, 2]))
