"""Small models of the kind that searches: a visible prompt, a block in loops, waves."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization

LOOPED = {
    "n_layers": 2,
    "loops": 3,
    "d_model": 16,
    "n_heads": 2,
    "embedding": "waves",
    "unembedding": "path",
    "prompt": "visible",
    "outer_norm": True,
}


@pytest.fixture(scope="session")
def make_searching() -> Callable[..., MazeTransformer]:
    """Return a function that builds such a model, in float64; biases and gains are moved, so that they show."""

    def make(
        tokens: str = "cells", dtype: torch.dtype = torch.float64, options: dict[str, Any] | None = None, **changes: Any
    ) -> MazeTransformer:
        tokenization = load_tokenization(tokens, **({"canvas": 5, "origin": "path"} | (options or {})))
        model = build_model(ModelConfig(**(LOOPED | changes)), tokenization, seed=3, dtype=dtype)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                plain = name.split(".")[-1]
                if parameter.requires_grad and (plain in ("b", "w") or plain.startswith("b_")):
                    parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        return model.eval()

    return make


@pytest.fixture(scope="session")
def ragged() -> Callable[..., torch.Tensor]:
    """Return a function that gives whole sequences of different lengths, padded on the right."""

    def encode(model: MazeTransformer, num: int = 6) -> torch.Tensor:
        return model.tokenization.encode(generate((3, 4, 5), "dfs_percolation", num=num, seed=2)).tokens

    return encode
