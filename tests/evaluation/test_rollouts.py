from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import FORMATS
from maze_rl.evaluation.rollouts import origin_is_given, roll_out
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.layouts import PATH_END, PATH_START
from maze_rl.tokenization.outcomes import judge
from maze_rl.tokenization.tokenization import load_tokenization

Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]
ON_PATH: list[dict[str, Any]] = [
    {"origin": "path"},
    {"origin": "path", "path": "moves", "query": "first"},
    {"origin": "path", "path": "turns"},
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "options", [{}, {"path": "moves", "query": "first"}, {"path": "turns"}, {"walls": True}, *ON_PATH]
)
@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation"])
def test_a_solver_that_reads_the_prompt_solves_every_maze(
    form: str, options: dict[str, Any], algorithm: str, solving_decode: Decode
) -> None:
    # Walls are read as those of one maze on the whole canvas.
    options = {key: value for key, value in options.items() if form != "cells" or key != "walls"}
    tokenization = load_tokenization(form, canvas=5, random_offsets=True, **options)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1, embedding="free"), tokenization)
    solution = solve_batch(generate(3, algorithm, num=30, seed=0).batches[0])
    for shortest_only in (False, True):
        rollouts = roll_out(model, solution, seed=0, batch_size=7, decode=solving_decode, shortest_only=shortest_only)
        assert judge(solution, rollouts).shortest.all()


@pytest.mark.parametrize("form", FORMATS)
def test_an_origin_that_was_never_asked_for_is_given(form: str) -> None:
    tokenization = load_tokenization(form, canvas=5, random_offsets=True)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1, embedding="free"), tokenization)
    solution = solve_batch(generate(3, num=20, seed=0).batches[0])
    encoded = tokenization.encode_batch(solution.batch, streams=np.arange(20), seed=0, solution=solution)
    seen: list[Tensor] = []

    def decode(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        seen.extend(prompt[:length] for prompt, length in zip(prompts, lengths, strict=True))
        return torch.full((len(prompts), 1), PATH_END)

    model.about = {"loss": "path_from_first_choice"}
    rollouts = roll_out(model, solution, seed=0, batch_size=20, decode=decode)
    assert (rollouts.num_cells == 1).all()
    assert (rollouts.cells[:, 0] == solution.batch.origins).all()
    order = np.argsort(solution.lengths, kind="stable")
    size = tokenization.layout.tokens_per_cell
    for row, prompt in zip(order, seen, strict=True):
        assert torch.equal(prompt, encoded.tokens[row, : int(encoded.spans.path_start[row]) + 1 + size])
    model.about = {"loss": "path_only"}
    assert (roll_out(model, solution, seed=0, batch_size=20, decode=decode).num_cells == 0).all()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("options", ON_PATH)
@pytest.mark.parametrize("loss", ["all", "path_from_first_choice"])
def test_an_origin_on_the_path_is_in_the_prompt_once(form: str, options: dict[str, Any], loss: str) -> None:
    tokenization = load_tokenization(form, canvas=5, random_offsets=True, **options)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1, embedding="free"), tokenization)
    model.about = {"loss": loss}
    assert origin_is_given(model)
    solution = solve_batch(generate(3, num=20, seed=0).batches[0])
    prompts, _ = tokenization.encode_batch(solution.batch, streams=np.arange(20), seed=0, prompt_only=True)
    order = np.argsort(solution.lengths, kind="stable")

    def decode(model: HookedTransformer, given: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        assert torch.equal(given, prompts[order, : given.shape[1]])
        step = tokenization.layout.tokens_per_step
        assert budget.tolist() == (step * solution.lengths[order] + 1).tolist()
        return torch.full((len(given), 1), PATH_END)

    rollouts = roll_out(model, solution, seed=0, batch_size=20, decode=decode, shortest_only=True)
    assert (rollouts.num_cells == 1).all()
    assert (rollouts.cells[:, 0] == solution.batch.origins).all()


def test_prompts_end_where_the_path_starts_and_the_budget_is_that_of_the_grid(tiny_model: MazeTransformer) -> None:
    seen = []

    def watch(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        assert (prompts[torch.arange(len(prompts)), lengths - 1] == PATH_START).all()
        assert budget.tolist() == [4**2 + 3] * len(prompts)
        seen.append(len(prompts))
        return prompts[:, :1]

    solution = solve_batch(generate(4, "dfs_percolation", num=10, seed=0).batches[0])
    roll_out(tiny_model, solution, seed=0, batch_size=4, decode=watch)
    assert sorted(seen) == [2, 4, 4]


def test_rollouts_of_a_real_decoder_do_not_depend_on_the_batch(tiny_model: MazeTransformer) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=12, seed=0).batches[0])
    few, many = (roll_out(tiny_model, solution, seed=0, batch_size=n, decode=decode_paths) for n in (5, 12))
    assert np.array_equal(few.cells, many.cells)
    assert np.array_equal(few.stops, many.stops)


def test_rollouts_do_not_depend_on_the_number_of_threads(tiny_model: MazeTransformer) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=40, seed=0).batches[0])
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(roll_out(tiny_model, solution, seed=0, batch_size=5, decode=decode_paths))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert np.array_equal(found[0].cells, other.cells)
        assert np.array_equal(found[0].stops, other.stops)


def test_what_is_longer_than_shortest_may_be_broken_off(tiny_model: MazeTransformer, solving_decode: Decode) -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=30, seed=0).batches[0])

    def stay_on(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        """Solve each maze, but never end where the row is odd."""
        new = solving_decode(model, prompts, lengths, budget)
        new[1::2] = torch.where(new[1::2] == PATH_END, new[1::2, :1], new[1::2])
        return new

    whole, short = (
        judge(solution, roll_out(tiny_model, solution, seed=0, batch_size=30, decode=stay_on, shortest_only=only))
        for only in (False, True)
    )
    assert np.array_equal(whole.shortest, short.shortest)
    assert short.shortest.sum() == 15
