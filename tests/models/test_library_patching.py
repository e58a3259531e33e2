"""The patching functions of TransformerLens are plain hooks: on the default kind of model they equal hooks by hand."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens import patching

from maze_rl.configs.presets import SEARCHING
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("cells", canvas=3, origin="path")
CLEAN, CORRUPT = TOKENIZATION.encode(generate(3, num=2, seed=1), prompt_only=True).tokens[:, None]


@pytest.fixture(scope="module")
def model() -> MazeTransformer:
    small = replace(SEARCHING, loops=2, d_model=24, n_heads=2)
    return build_model(small, TOKENIZATION, dtype=torch.float64).eval()


def metric(logits: Tensor) -> Tensor:
    return (logits[0, -1] * torch.linspace(-1, 1, logits.shape[-1], dtype=logits.dtype)).sum()


def by_hand(model: MazeTransformer, name: str, where: tuple[Any, ...]) -> float:
    clean = model.run_with_cache(CLEAN)[1][name]

    def put(value: Tensor, hook: object) -> Tensor:
        value[where] = clean[where]
        return value

    return metric(model.run_with_hooks(CORRUPT, fwd_hooks=[(name, put)])).item()


@torch.no_grad()
def test_residual_streams_patched_by_the_library(model: MazeTransformer) -> None:
    found = patching.get_act_patch_resid_pre(model, CORRUPT, model.run_with_cache(CLEAN)[1], metric)
    expected = [
        [by_hand(model, f"blocks.{layer}.hook_resid_pre", (slice(None), at)) for at in range(CLEAN.shape[1])]
        for layer in range(model.cfg.n_layers)
    ]
    assert found.shape == (4, CLEAN.shape[1]) and found.std() > 1e-4
    assert torch.allclose(found, torch.tensor(expected), atol=1e-5)


@torch.no_grad()
def test_heads_patched_by_the_library(model: MazeTransformer) -> None:
    found = patching.get_act_patch_attn_head_out_all_pos(model, CORRUPT, model.run_with_cache(CLEAN)[1], metric)
    expected = [
        [by_hand(model, f"blocks.{layer}.attn.hook_z", (slice(None), slice(None), head)) for head in range(2)]
        for layer in range(model.cfg.n_layers)
    ]
    assert found.shape == (4, 2) and found.std() > 1e-4
    assert torch.allclose(found, torch.tensor(expected), atol=1e-5)


@torch.no_grad()
def test_patterns_patched_by_the_library(model: MazeTransformer) -> None:
    found = patching.get_act_patch_attn_head_pattern_all_pos(model, CORRUPT, model.run_with_cache(CLEAN)[1], metric)
    expected = [
        [by_hand(model, f"blocks.{layer}.attn.hook_pattern", (slice(None), head)) for head in range(2)]
        for layer in range(model.cfg.n_layers)
    ]
    assert torch.allclose(found, torch.tensor(expected), atol=1e-5)
