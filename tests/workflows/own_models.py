"""Models that are built outside of the package, as a user would: plain `HookedTransformer`s of any shape."""

import json
from typing import Any

import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig

from maze_rl.models.build import MazeTransformer, build_bare
from maze_rl.models.context_room import longest_sequence
from maze_rl.models.model_files import load_model
from maze_rl.shipped import shipped
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

EDGES = load_tokenization("edges", canvas=5)
PLAIN: dict[str, Any] = {"n_layers": 2, "d_model": 24, "n_heads": 4, "d_head": 6, "d_mlp": 40, "act_fn": "gelu"}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "attention alone": {"attn_only": True, "d_mlp": None},
    "gated, RMS, rotary": {
        "gated_mlp": True,
        "normalization_type": "RMS",
        "positional_embedding_type": "rotary",
        "act_fn": "silu",
    },
    "grouped heads": {"n_key_value_heads": 2},
    "no norm": {"normalization_type": None},
    "folded norm": {"normalization_type": "LNPre"},
    "alibi": {"positional_embedding_type": "alibi"},
    "parallel": {"parallel_attn_mlp": True},
    "experts": {"num_experts": 3, "experts_per_token": 2},
    "local": {"use_local_attn": True, "window_size": 9, "attn_types": ["local", "global"]},
    "more ids than words": {"d_vocab": len(EDGES.vocabulary) + 7},
    "soft caps": {"attn_scores_soft_cap": 3.0, "output_logits_soft_cap": 2.0},
}


def shape_of(tokenization: Tokenization = EDGES, **changes: Any) -> dict[str, Any]:
    words = {"d_vocab": len(tokenization.vocabulary), "n_ctx": longest_sequence(tokenization), "device": "cpu"}
    return PLAIN | words | changes


def own_model(tokenization: Tokenization = EDGES, **changes: Any) -> HookedTransformer:
    """A model whose every parameter counts."""
    model = HookedTransformer(HookedTransformerConfig(**shape_of(tokenization, **changes)))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def twin_of_ours(model: HookedTransformer, **changes: Any) -> MazeTransformer:
    """The same weights in the class of this package."""
    twin = build_bare(shape_of(**changes), EDGES)
    twin.load_state_dict(model.state_dict())
    return twin


def shipped_weights(name: str) -> tuple[HookedTransformer, MazeTransformer]:
    """A shipped model in stock TransformerLens, without a tokenization, and as it is loaded here."""
    fields = json.loads((shipped("models", name) / "model.json").read_text())["hooked_transformer"]
    stock, loaded = HookedTransformer(HookedTransformerConfig(**fields, device="cpu")), load_model(name)
    stock.load_state_dict(loaded.state_dict())
    return stock, loaded
