"""Single steps: which cells are asked about, that a shared prompt changes no answer, and what is counted as right."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.evaluation import single_steps
from maze_rl.evaluation.single_steps import (
    StepAnswers,
    ask_steps,
    draw_starts,
    shares_prompts,
    step_rows,
)
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PADDING, PATH_START
from maze_rl.tokenization.many_starts import many_starts
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

SEARCHING = {"n_layers": 1, "loops": 3, "d_model": 16, "n_heads": 2, "embedding": "waves", "unembedding": "path"}


def searching_model(**options: object) -> MazeTransformer:
    """A fresh model of the looped kind; the origin stands on the path."""
    config = ModelConfig(**SEARCHING, prompt="visible", outer_norm=True)  # type: ignore[arg-type]
    settings = {"canvas": 7, "random_offsets": True, "origin": "path"} | options
    return build_model(config, load_tokenization("cells", **settings)).eval()


@pytest.fixture(scope="module")
def mazes() -> BatchSolution:
    return solve_batch(generate(5, num=12, algorithm="dfs_percolation", seed=3).batches[0])


def test_starts_are_different_cells_and_never_the_target(mazes: BatchSolution) -> None:
    for most in (4, 100):
        starts = draw_starts(mazes, most, seed=0)
        assert (np.diff(starts.mazes) >= 0).all()
        assert (np.bincount(starts.mazes) == min(most, 24)).all()
        places = {(int(maze), *map(int, cell)) for maze, cell in zip(starts.mazes, starts.cells, strict=True)}
        assert len(places) == len(starts.mazes)
        read = mazes.distances[starts.mazes, starts.cells[:, 0], starts.cells[:, 1]]
        assert (read == starts.distances).all() and (read > 0).all()
    assert (draw_starts(mazes, 4, seed=1).cells != draw_starts(mazes, 4, seed=0).cells).any()


def test_cells_without_a_way_to_the_target_are_not_asked_about() -> None:
    solution = solve_batch(generate(6, num=20, algorithm="percolation", seed=1).batches[0])
    reachable = (solution.distances > 0).sum(axis=(1, 2))
    assert reachable.min() < 35
    starts = draw_starts(solution, 35, seed=0)
    assert (np.bincount(starts.mazes, minlength=20) == reachable).all()


def test_starts_stand_behind_their_prompt_as_segments(mazes: BatchSolution) -> None:
    tokenization = load_tokenization("cells", canvas=7, random_offsets=True, origin="path")
    starts = draw_starts(mazes, 3, seed=0)
    _, spans = tokenization.encode_batch(mazes.batch, streams=np.arange(len(mazes)), prompt_only=True)
    tokens, segments, chosen = many_starts(spans, starts.mazes, starts.cells)
    for maze in range(len(mazes)):
        end = int(spans.path_start[maze]) + 1
        assert tokens[maze, :end].tolist() == spans.tokens[maze, :end].tolist()
        assert tokens[maze, end - 1] == PATH_START
        cells = starts.cells[starts.mazes == maze] + spans.offsets[maze].numpy()
        assert tokens[maze, end:].tolist() == tokenization.layout.cell_ids[cells[:, 0], cells[:, 1]].tolist()
        assert segments[maze].tolist() == [0] * end + [1, 2, 3]
        assert chosen[maze].tolist() == [False] * end + [True] * 3


@pytest.mark.parametrize("options", [{}, {"path": "moves"}, {"path": "turns"}, {"query": "first"}])
def test_a_shared_prompt_gives_the_answers_of_prompts_made_again(
    mazes: BatchSolution, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = searching_model(**options)
    assert shares_prompts(model)
    shared = ask_steps(model, mazes, seed=5, batch_size=5, most_starts=6)
    monkeypatch.setattr(single_steps, "shares_prompts", lambda model: False)
    alone = ask_steps(model, mazes, seed=5, batch_size=7, most_starts=6)
    assert (shared.mazes == alone.mazes).all() and (shared.distances == alone.distances).all()
    assert (shared.correct == alone.correct).mean() > 0.98  # a near tie may fall either way
    assert 0 < alone.correct.mean() < 1


@pytest.mark.parametrize(
    "model",
    [
        build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("cells", canvas=5)),
        build_model(
            ModelConfig(n_layers=1, d_model=8, n_heads=2, positions="rotary"),
            load_tokenization("cells", canvas=5, origin="path"),
        ),
        build_model(
            ModelConfig(n_layers=1, d_model=8, n_heads=2, embedding="free"),
            load_tokenization("row_column", canvas=5, origin="path"),
        ),
    ],
)
def test_where_position_counts_or_a_cell_is_several_tokens_prompts_are_not_shared(model: MazeTransformer) -> None:
    assert not shares_prompts(model)


def oracle_decode(tokenization: Tokenization, right: bool):
    """Write a right (or wrong) step, read off the prompt: the whole canvas is one maze."""

    def decode(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        side, layout = tokenization.canvas, tokenization.layout
        new = torch.full((len(prompts), int(budget.max())), PADDING)
        for row, (prompt, length) in enumerate(zip(prompts, lengths, strict=True)):
            end = int(length)
            if not layout.starts_at_origin:  # the origin was given on the path
                end -= layout.tokens_per_cell
                assert prompt[end - 1] == PATH_START
            maze = tokenization.from_text(str(tokenization.decode(prompt[:end])), (side, side))
            solution = solve_batch(maze.as_batch())[0]
            best = solution.optimal_next(maze.origin)
            steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
            row_at, col_at = maze.origin
            around = [(row_at + down, col_at + across) for down, across in steps]
            if right:
                cell = best[-1]
            elif layout.path_as_moves:  # a move that is not open is wrong as well
                cell = next(cell for cell in around if cell not in best)
            else:
                cell = next(cell for cell in [*maze.neighbours(maze.origin), maze.origin] if cell not in best)
            if layout.path_as_turns:  # north is ahead of a walker that starts
                word = ("BACKWARD", "RIGHT", "FORWARD", "LEFT")[around.index(cell)]
                ids = np.array([tokenization.word_ids[word]])
            elif layout.path_as_moves:
                ids = layout.path_move_ids[[around.index(cell)]]
            else:
                ids = layout.cell_tokens[cell]
            new[row] = torch.from_numpy(np.asarray(ids, np.int64))
        return new

    return decode


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("edges", {}),
        ("cells", {"origin": "path"}),
        ("edges", {"path": "turns"}),
        ("cells", {"origin": "path", "path": "turns"}),
        ("coordinate_tuples", {}),
        ("row_column", {"origin": "path"}),
        ("unique_cells", {}),
    ],
)
@pytest.mark.parametrize("right", [True, False])
def test_a_step_that_is_right_counts_in_every_format(
    name: str, options: dict[str, str], right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenization = load_tokenization(name, canvas=4, **options)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2, embedding="free"), tokenization)
    solution = solve_batch(generate(4, num=6, algorithm="dfs_percolation", seed=2).batches[0])
    monkeypatch.setattr(single_steps, "decode_paths", oracle_decode(tokenization, right))
    monkeypatch.setattr(single_steps, "shares_prompts", lambda model: False)
    found = ask_steps(model, solution, seed=0, batch_size=5)
    assert len(found.correct) == 6 * single_steps.STARTS_OF_OWN_PROMPT
    assert found.correct.all() == right and found.correct.any() == right


def test_only_the_first_mazes_are_asked_about(mazes: BatchSolution) -> None:
    found = ask_steps(searching_model(), mazes, seed=0, batch_size=8, most_mazes=3, most_starts=2)
    assert found.mazes.tolist() == [0, 0, 1, 1, 2, 2]


def test_rows_by_distance_have_known_rates_and_count_layouts() -> None:
    answers = StepAnswers(
        mazes=np.array([0, 0, 1, 1, 2]),
        distances=np.array([1, 8, 8, 9, 30], np.int32),
        correct=np.array([True, False, True, True, False]),
    )
    rows = step_rows(6, answers, np.array([7, 7, 9], np.uint64))
    assert [(row.size, row.low, row.high, row.mazes, row.accuracy.num) for row in rows] == [
        (6, 1, 8, 2, 3),
        (6, 9, 16, 1, 1),
        (6, 25, 32, 1, 1),
    ]
    assert [row.accuracy.value for row in rows] == [pytest.approx(2 / 3), 1.0, 0.0]
    assert rows[0].accuracy.layouts == 1
    assert (rows[0].accuracy.low, rows[0].accuracy.high) == (0.0, 1.0), "three steps of one layout tell nothing"
