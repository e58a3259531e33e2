"""What experiments are told of rollouts: tokens that were written, and where nothing of a path was."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from maze_rl.configs.model import ModelConfig
from maze_rl.evaluation.measures import rollout_rates
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import ADJLIST_START
from maze_rl.tokenization.tokenization import load_tokenization

NUM = 20


@pytest.fixture(scope="module")
def solution() -> BatchSolution:
    return solve_batch(generate(4, "dfs", NUM, 1).batches[0], 0)


def small(name: str, **options: Any) -> MazeTransformer:
    shape = ModelConfig(n_layers=1, d_model=16, n_heads=2, positions="learned", embedding="free")
    return build_model(shape, load_tokenization(name, canvas=4, **options), seed=0).eval()


@pytest.mark.parametrize("loss", ["full", "path_from_first_choice"])
@pytest.mark.parametrize("options", [{}, {"origin": "path"}, {"path": "moves"}, {"origin": "path", "path": "moves"}])
def test_a_first_token_of_no_path_is_counted_whatever_is_given(
    options: dict[str, str], loss: str, solution: BatchSolution
) -> None:
    model = small("unique_cells", **options)
    model.about = {"loss": loss}
    with torch.no_grad():
        model.unembed.b_U[ADJLIST_START] = 1e4
    assert rollout_rates(model, [solution], 0)["adjacency_first@4"] == 1.0


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is a second later whenever it is read."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))


@pytest.mark.usefixtures("one_second")
@pytest.mark.parametrize(
    ("name", "options", "loss"),
    [
        ("unique_cells", {}, "full"),
        ("unique_cells", {}, "path_from_first_choice"),
        ("unique_cells", {"origin": "path"}, "full"),
        ("unique_cells", {"path": "moves"}, "full"),
        ("row_column", {}, "full"),
        ("coordinate_tuples", {}, "full"),
    ],
)
def test_speed_counts_tokens_that_were_written(
    name: str, options: dict[str, str], loss: str, solution: BatchSolution, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(name, **options)
    model.about = {"loss": loss}
    whole = model.tokenization.encode_batch(solution.batch, streams=np.arange(NUM), seed=0, solution=solution)
    written: list[int] = []

    def oracle(model: object, prompts: Tensor, lengths: Tensor, budget: Tensor, *, goes_on: Callable | None) -> Tensor:
        """Write on as the right path goes on behind each prompt."""
        new = prompts.new_full((len(prompts), int(budget.max())), 10)
        for row, length in enumerate(lengths.tolist()):
            (maze,) = (whole.tokens[:, :length] == prompts[row, :length]).all(dim=1).nonzero()[:, 0].tolist()
            path = whole.tokens[maze, length : int(whole.spans.lengths[maze])]
            new[row, : len(path)] = path
            written.append(len(path))
        return new

    monkeypatch.setattr("maze_rl.evaluation.measures.decode_paths", oracle)
    rates = rollout_rates(model, [solution], 0)
    assert rates["shortest@4"] == 1.0
    assert rates["inference_tokens_per_second"] == sum(written)
