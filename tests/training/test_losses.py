"""Where the loss is taken, what it asks for, and that nothing else gets a gradient."""

import math
from pathlib import Path

import pytest
import torch

from maze_rl.configs.losses import LOSSES
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.mazes.solve import solve
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.readout import logits_at
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.loss_targets import graded, next_token, optimal_set
from maze_rl.training.loss_weights import all_tokens, fork_weighted, path_from_first_choice, path_only, weighted
from maze_rl.training.losses import NAMED_LOSSES, LossFunctions, loss_functions
from maze_rl.training.objective import CrossEntropy

ON_PATH = [
    (form, {"origin": "path"} | options)
    for form in ("edges", "cells", "coordinate_tuples")
    for options in ({}, {"path": "moves"}, {"path": "turns"}, {"query": "first"})
]


@pytest.fixture(scope="module")
def tokenization() -> Tokenization:
    return load_tokenization("edges", canvas=8)


@pytest.fixture(scope="module")
def examples(tokenization: Tokenization) -> Examples:
    return encode_examples(tokenization, generate((3, 4, 5, 6, 7, 8), "dfs_percolation", num=40, percolation=0.4), 0, 0)


@pytest.fixture(scope="module")
def model(tokenization: Tokenization) -> MazeTransformer:
    return build_model(ModelConfig(n_layers=1, d_model=16, n_heads=2), tokenization, dtype=torch.float64)


def test_path_only_weighs_the_path_and_its_end(examples: Examples, tokenization: Tokenization) -> None:
    weights = path_only(examples)
    for row in range(len(examples)):
        words = tokenization.decode(examples.tokens[row]).split()
        start, end = words.index("<PATH_START>"), words.index("<PATH_END>")
        assert weights[row].nonzero()[:, 0].tolist() == list(range(start + 1, end + 1))
    assert len(set(examples.spans.path_start.tolist())) > 5  # the start comes from the data, not from a fixed length


def test_all_weighs_every_real_token_but_the_first(examples: Examples) -> None:
    weights = all_tokens(examples)
    assert torch.equal(weights.sum(dim=1).long(), examples.spans.lengths - 1)
    assert (weights[:, 0] == 0).all()


def test_next_is_the_token_and_set_contains_it(examples: Examples) -> None:
    following, optimal = next_token(examples), optimal_set(examples)
    assert torch.equal(following.ids[..., 0], examples.tokens)
    assert torch.allclose(optimal.probabilities.sum(dim=-1), torch.ones(examples.tokens.shape))
    has_token = ((optimal.ids == examples.tokens[..., None]) & (optimal.probabilities > 0)).any(dim=-1)
    assert has_token.all()
    assert (optimal.probabilities.max(dim=-1).values < 1).any()  # some positions do have several right moves


def test_set_targets_equal_the_solver(tokenization: Tokenization) -> None:
    mazes = generate(6, "dfs_percolation", num=10, percolation=0.5)
    examples = encode_examples(tokenization, mazes, 0, 0)
    ids = tokenization.layout.cell_ids
    for row, maze in enumerate(mazes):
        solution = solve(maze)
        start = int(examples.spans.path_start[row])
        path = [
            tuple(cell) for cell in examples.spans.cells[row, start + 1 : int(examples.spans.lengths[row]) - 1].tolist()
        ]
        assert path[0] == maze.origin
        for position, cell in enumerate(path[:-1]):
            expected = {int(ids[cell]) for cell in solution.optimal_next(cell)}
            assert set(examples.optimal[row, start + 2 + position].tolist()) - {-1} == expected
        assert examples.optimal[row, start + 1 + len(path)].tolist() == [PATH_END, -1, -1, -1]


@pytest.mark.parametrize("name", ["coordinate_tuples", "row_column"])
def test_sets_of_cells_of_several_tokens_go_on_to_optimal_cells(name: str) -> None:
    tokenization = load_tokenization(name, canvas=8, random_offsets=True)
    mazes = generate(6, "dfs_percolation", num=15, percolation=0.5)
    examples, size = encode_examples(tokenization, mazes, 0, 0), tokenization.layout.tokens_per_cell
    several = 0
    for row, maze in enumerate(mazes):
        solution, (down, right) = solve(maze), examples.spans.offsets[row].tolist()
        start, end = int(examples.spans.path_start[row]) + 1, int(examples.spans.lengths[row]) - 1
        path = [(r, c) for r, c in examples.spans.cells[row, start:end:size].tolist()]
        for position, cell in enumerate(path):
            allowed = solution.optimal_next(path[position - 1]) if position else [maze.origin]
            spelled = [tokenization.layout.cell_tokens[r + down, c + right].tolist() for r, c in allowed]
            taken = tokenization.layout.cell_tokens[cell[0] + down, cell[1] + right].tolist()
            for place in range(size):
                expected = {ids[place] for ids in spelled if ids[:place] == taken[:place]}
                found = examples.optimal[row, start + size * position + place]
                assert set(found.tolist()) - {-1} == expected
                assert (found >= 0).sum() == len(expected)
                several += len(expected) > 1
        assert examples.optimal[row, end].tolist() == [PATH_END, -1, -1, -1]
        assert (examples.optimal[row, end + 1 :] == -1).all() and (examples.optimal[row, :start] == -1).all()
    assert several > 5


def test_sets_of_moves_are_the_optimal_directions() -> None:
    tokenization = load_tokenization("edges", canvas=8, random_offsets=True, path="moves")
    mazes = generate(6, "dfs_percolation", num=15, percolation=0.5)
    examples = encode_examples(tokenization, mazes, 0, 0)
    word_of_step = {(1, 0): "SOUTH", (0, 1): "EAST", (-1, 0): "NORTH", (0, -1): "WEST"}
    for row, maze in enumerate(mazes):
        solution = solve(maze)
        start, end = int(examples.spans.path_start[row]) + 1, int(examples.spans.lengths[row]) - 1
        path = [maze.origin, *map(tuple, examples.spans.cells[row, start:end].tolist())]
        assert path[-1] == maze.target
        for position, (r, c) in enumerate(path[:-1]):
            expected = {word_of_step[a - r, b - c] for a, b in solution.optimal_next((r, c))}
            found = [tokenization.vocabulary[token] for token in examples.optimal[row, start + position] if token >= 0]
            assert sorted(found) == sorted(expected)
        assert examples.optimal[row, end].tolist() == [PATH_END, -1, -1, -1]


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("coordinate_tuples", {}),
        ("row_column", {"connectors": False}),
        ("edges", {"path": "moves"}),
        ("edges", {"path": "turns"}),
        *ON_PATH,
    ],
)
def test_the_token_that_stands_there_is_optimal_in_every_format(form: str, options: dict) -> None:
    examples = encode_examples(
        load_tokenization(form, canvas=8, **options), generate((3, 6, 8), "dfs_percolation", num=30), 0, 0
    )
    on_path = examples.spans.after_path_start
    assert ((examples.optimal >= 0).any(dim=-1) == on_path).all()
    assert (examples.optimal == examples.tokens[..., None]).any(dim=-1)[on_path].all()


def test_two_right_moves_cost_ln_2_at_best() -> None:
    connections = torch.ones(2, 2, 2, dtype=torch.bool).numpy()
    connections[0, 1], connections[1, :, 1] = False, False
    square = Maze(connections, (0, 0), (1, 1))
    tokenization = load_tokenization("edges", canvas=2)
    examples = encode_examples(tokenization, MazeCollection.from_batch(square.as_batch()), 0, 0)
    at = int(examples.spans.path_start[0]) + 2
    targets = optimal_set(examples)
    mass = targets.probabilities[0, at]
    assert mass.tolist() == [0.5, 0.5, 0.0, 0.0]
    assert -(mass[:2] * mass[:2].log()).sum() == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", ["path_only", "path_only_set", "path_from_first_choice", "fork_weighted", "graded"])
def test_no_gradient_outside_the_path(name: str, model: MazeTransformer, examples: Examples) -> None:
    losses = loss_functions(name)
    weights, targets = losses.weights(examples), losses.targets(examples)
    logits = model(examples.tokens[:, :-1]).detach().requires_grad_()
    chosen = weights[:, 1:] != 0
    per_token = -(targets.probabilities[:, 1:] * logits.log_softmax(-1).gather(2, targets.ids[:, 1:])).sum(-1)
    (per_token * weights[:, 1:]).sum().backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad.abs().sum(-1) > 0, chosen)


@pytest.mark.parametrize("name", [*LOSSES, "weighted:0.3", "graded:0.5", "fork_weighted:10"])
def test_the_fast_path_equals_the_full_loss(name: str, model: MazeTransformer, examples: Examples) -> None:
    losses = loss_functions(name)
    weights, targets = losses.weights(examples), losses.targets(examples)
    fast = CrossEntropy(losses).loss(model, examples).total
    log_probabilities = model(examples.tokens[:, :-1]).log_softmax(-1)
    per_token = -(targets.probabilities[:, 1:] * log_probabilities.gather(2, targets.ids[:, 1:])).sum(-1)
    # The objective works in float32 from the logits on, as in training.
    full = (per_token * weights[:, 1:]).sum()
    assert float(fast.detach()) == pytest.approx(float(full.detach()), rel=1e-5)


def test_loss_does_not_depend_on_the_padding(model: MazeTransformer, examples: Examples) -> None:
    objective = CrossEntropy(loss_functions("path_only"))
    whole = objective.loss(model, examples).total
    parts = torch.zeros(())
    for row in range(len(examples)):
        parts = parts + objective.loss(model, examples.rows(torch.tensor([row]))).total
    assert float(parts.detach()) == pytest.approx(float(whole.detach()), rel=1e-6)


def test_logits_at_equals_the_full_forward(model: MazeTransformer, examples: Examples) -> None:
    chosen = torch.rand(examples.tokens.shape, generator=torch.Generator().manual_seed(0)) < 0.2
    difference = logits_at(model, examples.tokens, chosen) - model(examples.tokens)[chosen]
    assert difference.abs().max() < 1e-12


def test_an_unknown_loss_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'path_only'"):
        loss_functions("pathonly")


@pytest.mark.parametrize(
    ("form", "options"),
    [("edges", {}), ("edges", {"path": "moves"}), ("row_column", {}), ("coordinate_tuples", {}), *ON_PATH],
)
def test_the_longest_path_is_counted_in_steps(form: str, options: dict) -> None:
    mazes = generate((3, 4), num=12)
    examples = encode_examples(load_tokenization(form, canvas=5, **options), mazes, 0, 0)
    assert examples.longest_path == max(solve(maze).distance for maze in mazes)


def test_every_named_loss_is_there() -> None:
    assert set(NAMED_LOSSES) == set(LOSSES)


def test_from_the_first_choice_on_the_copied_origin_is_left_out() -> None:
    for form, path, size in (
        ("edges", "cells", 1),
        ("coordinate_tuples", "cells", 5),
        ("edges", "moves", 0),
        ("edges", "turns", 0),
    ):
        tokenization = load_tokenization(form, canvas=6, path=path)
        examples = encode_examples(tokenization, generate((3, 5), num=10), 0, 0)
        dropped = path_only(examples) - path_from_first_choice(examples)
        assert (dropped.sum(dim=1) == size).all()
        for row, start in enumerate(examples.spans.path_start.tolist()):
            assert (dropped[row, start + 1 : start + 1 + size] == 1).all()


@pytest.mark.parametrize(("form", "options"), ON_PATH)
@pytest.mark.parametrize("name", LOSSES)
def test_an_origin_that_is_given_weighs_nothing(name: str, form: str, options: dict) -> None:
    tokenization = load_tokenization(form, canvas=6, **options)
    examples = encode_examples(tokenization, generate((3, 5), "dfs_percolation", num=10), 0, 0)
    weights = loss_functions(name).weights(examples)
    assert examples.spans.given_origin.any(dim=1).all()
    assert (weights[examples.spans.given_origin] == 0).all()
    assert (weights[examples.spans.after_path_start] > 0).all()
    for labels in (examples.optimal, examples.legal):
        assert (labels[examples.spans.given_origin] == -1).all()


def test_alpha_goes_from_the_path_to_all(examples: Examples) -> None:
    assert torch.equal(weighted(1.0)(examples), all_tokens(examples))
    assert torch.equal(weighted(0.0)(examples), path_only(examples))
    half = weighted(0.5)(examples)
    assert set(half.unique().tolist()) == {0.0, 0.5, 1.0}


def test_forks_are_where_there_was_a_choice(tokenization: Tokenization) -> None:
    mazes = generate(6, "dfs_percolation", num=15, percolation=0.3)
    examples = encode_examples(tokenization, mazes, 0, 0)
    weights = fork_weighted(4.0)(examples)
    for row, maze in enumerate(mazes):
        start, end = int(examples.spans.path_start[row]) + 1, int(examples.spans.lengths[row]) - 1
        path = [tuple(cell) for cell in examples.spans.cells[row, start:end].tolist()]
        ways = [len(maze.neighbours(cell)) - (place > 0) for place, cell in enumerate(path[:-1])]
        assert weights[row, start + 1 : end].tolist() == [4.0 if count > 1 else 1.0 for count in ways]
        assert weights[row, start] == weights[row, end] == 1.0


def test_graded_targets_rank_shortest_longer_and_walls(tokenization: Tokenization) -> None:
    mazes = generate(6, "dfs_percolation", num=15, percolation=0.4)
    examples, ids = encode_examples(tokenization, mazes, 0, 0), tokenization.layout.cell_ids
    targets = graded(0.25)(examples)
    longer = 0
    for row, maze in enumerate(mazes):
        solution = solve(maze)
        start, end = int(examples.spans.path_start[row]) + 1, int(examples.spans.lengths[row]) - 1
        for place, cell in enumerate(map(tuple, examples.spans.cells[row, start : end - 1].tolist()), start + 1):
            best = {int(ids[step]) for step in solution.optimal_next(cell)}
            masses = {int(ids[step]): 1.0 if int(ids[step]) in best else 0.25 for step in maze.neighbours(cell)}
            longer += len(masses) > len(best)
            mass = dict.fromkeys(masses, 0.0)
            for token, share in zip(
                targets.ids[row, place].tolist(), targets.probabilities[row, place].tolist(), strict=True
            ):
                if share > 0:
                    mass[token] += share
            assert mass == pytest.approx({token: value / sum(masses.values()) for token, value in masses.items()})
        assert targets.ids[row, end, 0] == PATH_END and targets.probabilities[row, end, 0] == 1.0
    assert longer > 20


def test_graded_by_nothing_asks_for_the_optimal_set(model: MazeTransformer, examples: Examples) -> None:
    none, optimal = graded(0.0), optimal_set
    first, second = (
        CrossEntropy(LossFunctions(path_only, targets)).loss(model, examples).total for targets in (none, optimal)
    )
    assert torch.equal(first, second)


@pytest.mark.parametrize("form", ["coordinate_tuples", "row_column"])
def test_graded_targets_of_cells_of_several_tokens_are_distributions(form: str) -> None:
    tokenization = load_tokenization(form, canvas=8)
    examples = encode_examples(tokenization, generate((4, 6), "dfs_percolation", num=20, percolation=0.4), 0, 0)
    targets = graded(0.5)(examples)
    assert torch.allclose(targets.probabilities.sum(dim=-1), torch.ones(examples.tokens.shape))
    stands = ((targets.ids == examples.tokens[..., None]) & (targets.probabilities > 0)).any(dim=-1)
    assert stands.all()
    shown = torch.where(targets.probabilities > 0, targets.ids, -1 - torch.arange(4))
    assert all(len(set(ids)) == 4 for ids in shown.flatten(0, 1).tolist())  # no token twice


OWN_LOSS = """
from maze_rl.training.loss_targets import next_token
from maze_rl.training.loss_weights import path_only

def softer(share=1.0):
    return (lambda examples: share * path_only(examples)), next_token
"""


def test_a_loss_of_ones_own_is_found_by_name(
    model: MazeTransformer, examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_losses.py").write_text(OWN_LOSS)
    monkeypatch.syspath_prepend(tmp_path)
    half = CrossEntropy(loss_functions("my_losses:softer,share=0.5"))
    whole = CrossEntropy(loss_functions("path_only"))
    assert half.weight(model, examples) == 0.5 * whole.weight(model, examples)
    with pytest.raises(ConfigurationError, match=r"loss no_module:loss: cannot be imported \(ModuleNotFoundError"):
        loss_functions("no_module:loss")
    with pytest.raises(ConfigurationError, match=r"expected \(weights, targets\), two functions"):
        loss_functions("builtins:dict")
