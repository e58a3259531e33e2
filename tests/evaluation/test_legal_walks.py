"""Walks that are of no more use are broken off, and no measure notices."""

import numpy as np
import pytest
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.evaluation.first_error import find_first_errors
from maze_rl.evaluation.legal_walks import LegalWalks
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy
from maze_rl.tokenization.layouts import ADJLIST_START, PATH_END
from maze_rl.tokenization.outcomes import judge
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

FORMS = [
    {"name": "cells", "origin": "path"},
    {"name": "edges", "origin": "path"},
    {"name": "edges", "origin": "prompt"},
    {"name": "unique_cells", "path": "moves"},
    {"name": "cells", "path": "turns", "origin": "path"},
    {"name": "unique_cells", "path": "turns"},
]


def tokens_of(tokenization: Tokenization, size: int = 4, num: int = 8) -> tuple[LegalWalks, LegalWalks, Tensor, Tensor]:
    solution = solve_batch(generate(size, "dfs_percolation", num=num, seed=0).batches[0], 0)
    encoded = tokenization.encode_batch(solution.batch, streams=np.arange(num), seed=0, solution=solution)
    walks = [LegalWalks(solution, encoded.spans, shortest_only) for shortest_only in (False, True)]
    return *walks, encoded.tokens, encoded.spans.answer_start


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form.values()))
def test_a_shortest_path_goes_on_to_its_end(form: dict[str, str]) -> None:
    tokenization = load_tokenization(canvas=6, random_offsets=True, **form)  # type: ignore[arg-type]
    legal, shortest, tokens, start = tokens_of(tokenization)
    for row, begin in enumerate(start.tolist()):
        for token in tokens[row, begin:]:
            for walks in (legal, shortest):
                assert walks(np.array([row]), np.array([int(token)])).all()
            if token == PATH_END:
                break


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form.values()))
def test_what_is_no_step_ends_a_walk(form: dict[str, str]) -> None:
    tokenization = load_tokenization(canvas=6, random_offsets=True, **form)  # type: ignore[arg-type]
    legal, _, _, _ = tokens_of(tokenization)
    rows = np.arange(8)
    assert not legal(rows, np.full(8, ADJLIST_START)).any()
    assert legal(rows, np.full(8, PATH_END)).all()


def test_a_step_through_a_wall_ends_a_walk_and_a_step_back_does_not_unless_it_must_be_shortest() -> None:
    tokenization = load_tokenization("cells", canvas=5, origin="path")
    legal, shortest, tokens, start = tokens_of(tokenization, size=5)
    ids, solution = (
        tokenization.layout.cell_ids.astype(np.int64),
        solve_batch(generate(5, "dfs_percolation", num=8, seed=0).batches[0], 0),
    )
    for row, maze in enumerate(solution.batch):
        (r, c), opened = maze.origin, maze.neighbours(maze.origin)
        around = [(r + 1, c), (r, c + 1), (r - 1, c), (r, c - 1)]
        walled = [cell for cell in around if cell not in opened and min(cell) >= 0 and max(cell) < 5]
        for cell in walled:
            assert not legal(np.array([row]), np.array([ids[cell]]))[0]
        first = int(tokens[row, start[row]])
        assert legal(np.array([row]), np.array([first]))[0] and shortest(np.array([row]), np.array([first]))[0]
        if first != PATH_END:
            assert legal(np.array([row]), np.array([ids[maze.origin]]))[0]
            assert not shortest(np.array([row]), np.array([ids[maze.origin]]))[0]


def test_cells_that_are_spelled_are_not_followed() -> None:
    tokenization = load_tokenization("row_column", canvas=5)
    legal, _, _, _ = tokens_of(tokenization)
    assert not legal.follows and legal(np.arange(8), np.full(8, ADJLIST_START)).all()


def test_no_measure_notices_that_walks_are_broken_off() -> None:
    tokenization = load_tokenization("cells", canvas=5, random_offsets=True, origin="path")
    shape = ModelConfig(
        n_layers=1, loops=2, d_model=16, n_heads=2, prompt="visible", embedding="waves", unembedding="path"
    )
    model = folded_copy(build_model(shape, tokenization, seed=3))
    solution = solve_batch(generate(4, "dfs_percolation", num=40, seed=0).batches[0], 0)

    def to_the_end(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        return decode_paths(model, prompts, lengths, budget)

    found = []
    for decode in (decode_paths, to_the_end):
        rollouts = roll_out(model, solution, seed=0, batch_size=16, decode=decode)
        outcomes = judge(solution, rollouts)
        found.append((rollouts.num_cells.sum(), outcomes, find_first_errors(solution, rollouts)))
    (fewer, broken_off, errors), (more, whole, other_errors) = found
    assert fewer < more
    for name in ("valid", "reaches", "simple", "shortest", "progress"):
        assert np.array_equal(getattr(broken_off, name), getattr(whole, name))
    assert np.array_equal(errors.kinds, other_errors.kinds)
