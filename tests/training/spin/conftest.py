"""A tiny model, mazes with cycles, and the pairs of a round."""

from collections.abc import Callable

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.spin import SpinConfig
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.spin.make_pairs import make_pairs
from maze_rl.training.spin.pair_batches import PairBatch
from maze_rl.training.spin.pair_table import Kind, PairTable

MakeModel = Callable[..., MazeTransformer]
MakePairs = Callable[..., PairTable]
MakeBatch = Callable[..., PairBatch]


@pytest.fixture
def make_model() -> MakeModel:
    def make(tokens: str = "edges", dtype: torch.dtype = torch.float64, seed: int = 1) -> MazeTransformer:
        config = ModelConfig(n_layers=2, d_model=16, n_heads=2, embedding="free", positions="rotary")
        return build_model(config, load_tokenization(tokens, canvas=4), seed=seed, dtype=dtype)

    return make


@pytest.fixture
def mazes() -> MazeCollection:
    return generate((2, 3, 4), "dfs_percolation", num=24, seed=5, percolation=0.4)


@pytest.fixture
def pairs_of(mazes: MazeCollection) -> MakePairs:
    """Makes the pairs of a round of short walks."""

    def make(model: MazeTransformer, round_number: int = 0, **settings: object) -> PairTable:
        given = {name: settings.pop(name) for name in ("previous", "batch_size", "seed") if name in settings}
        config = SpinConfig(**({"most_tokens": 8} | settings))  # type: ignore[arg-type]
        return make_pairs(model, config, mazes, **({"seed": 0} | given), round_number=round_number)  # type: ignore

    return make


@pytest.fixture
def batch_of() -> MakeBatch:
    """Makes a batch of pairs ``(prompt, real path, written path)`` given as ids."""

    def make(
        *pairs: tuple[list[int], list[int], list[int]], kinds: list[Kind] | None = None, reference: object = None
    ) -> PairBatch:
        rows = [prompt + real for prompt, real, _ in pairs] + [prompt + other for prompt, _, other in pairs]
        longest = max(map(len, rows))
        return PairBatch(
            torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows]),
            torch.tensor([len(prompt) for prompt, _, _ in pairs] * 2),
            torch.tensor([len(row) for row in rows]),
            torch.zeros(2 * len(pairs), dtype=torch.float64) if reference is None else torch.as_tensor(reference),
            torch.tensor(kinds or [Kind.DISTINCT] * len(pairs), dtype=torch.int8),
            torch.ones(len(pairs)),
        )

    return make
