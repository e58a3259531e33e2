"""The hand-built models do what their algorithm does: exactly, on both formats, in any basis, to their known reach."""

from inspect import unwrap

import numpy as np
import pytest
import torch

from maze_rl import generate, load_tokenization
from maze_rl.calibration.hand_built import READING_LAYERS, build_hand_built
from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.rotation import random_rotation
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import judge

FORMATS = ("edges", "unique_cells")


def shortest(model: MazeTransformer, batch: MazeBatch) -> np.ndarray:
    solution = solve_batch(batch, 0)
    return judge(solution, roll_out(model, solution, seed=0, batch_size=256, decode=decode_paths)).shortest


@pytest.mark.parametrize("token_format", FORMATS)
@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation"])
def test_the_wave_solves_every_maze_within_its_reach(token_format: str, algorithm: str) -> None:
    model = build_hand_built("wave", load_tokenization(token_format, canvas=5), n_layers=10)
    mazes = generate(5, algorithm, 60, seed=1, max_path_length=8).batches[0]
    assert shortest(model, mazes).all()


def test_the_wave_on_smaller_mazes_anywhere_on_the_canvas() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=5, random_offsets=True), n_layers=10)
    for size in (3, 4):
        assert shortest(model, generate(size, "dfs", 40, seed=2, max_path_length=8).batches[0]).all()


@pytest.mark.parametrize("token_format", FORMATS)
def test_beyond_its_reach_the_wave_chooses_by_chance(token_format: str) -> None:
    model = build_hand_built("wave", load_tokenization(token_format, canvas=5), n_layers=READING_LAYERS + 3)
    decisions = find_decisions(model.tokenization, generate(5, "wilson", 300, seed=3).batches[0])
    right = right_choices(decisions, decision_logits(model, decisions))
    nearest_option = decisions.distance - 1
    assert right[nearest_option < 3].all()
    beyond = nearest_option >= 3
    open_ways = np.maximum((decisions.next_ids >= 0).sum(axis=1), 1)
    legal = decisions.options.sum(axis=1) + (decisions.previous[:, 0] >= 0)
    expected = (1 / legal[beyond]).mean()
    assert (open_ways >= legal).all()
    assert abs(right[beyond].mean() - expected) < 0.06


def test_cutting_the_wave_moves_the_frontier_to_the_cut() -> None:
    tokenization = load_tokenization("edges", canvas=5)
    decisions = find_decisions(tokenization, generate(5, "dfs", 200, seed=4, max_path_length=10).batches[0])
    forks = decisions.is_fork
    for reach, few in ((1, 100), (4, 50), (8, 5)):
        model = build_hand_built("ablated", tokenization, n_layers=12, reach=reach)
        right = right_choices(decisions, decision_logits(model, decisions))
        within = decisions.distance - 1 <= reach
        assert right[within].all()
        beyond = ~within & forks
        assert beyond.sum() >= few
        # where the wave does not come, the choice is a draw among all that is open, the way back included
        assert abs(right[beyond].mean() - (1 / (decisions.options[beyond].sum(axis=1) + 1)).mean()) < 0.2


@pytest.mark.parametrize("token_format", FORMATS)
def test_dead_ends_are_filled(token_format: str) -> None:
    model = build_hand_built("dead_end_filling", load_tokenization(token_format, canvas=4), n_layers=17)
    assert shortest(model, generate(4, "dfs", 80, seed=5).batches[0]).all()


@pytest.mark.parametrize("token_format", FORMATS)
@pytest.mark.parametrize("kind", ["greedy", "decoy"])
def test_greedy_and_decoy_choose_what_manhattan_greedy_picks(kind: str, token_format: str) -> None:
    model = build_hand_built(kind, load_tokenization(token_format, canvas=5), n_layers=12)  # type: ignore[arg-type]
    decisions = find_decisions(model.tokenization, generate(5, "dfs", 200, seed=6).batches[0])
    picks = manhattan(decisions)
    chosen = decisions.next_ids == decision_logits(model, decisions).argmax(dim=-1).numpy()[:, None]
    assert ((picks & chosen).sum(axis=1) == 1).all()
    assert (decisions.is_fork & (picks.sum(axis=1) == 1)).sum() > 200
    assert (decisions.is_fork & ~(picks & decisions.optimal).any(axis=1)).sum() > 30


def test_the_decoy_holds_the_distance_field_it_does_not_use() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    batch = generate(4, "dfs", 20, seed=7).batches[0]
    decisions = find_decisions(tokenization, batch)
    read, final = {}, {}
    for kind in ("wave", "decoy", "greedy"):
        model = build_hand_built(kind, tokenization, n_layers=12, rotate=False)  # type: ignore[arg-type]
        _, cache = model.run_with_cache(decisions.tokens)
        read[kind], final[kind] = (cache[f"blocks.{layer}.hook_resid_post"] for layer in (READING_LAYERS - 1, 11))
    start = decisions.spans.path_start
    rows = torch.arange(len(batch))
    distances = solve_batch(batch).distances.reshape(len(batch), -1)
    for kind in ("wave", "decoy"):
        nearness = final[kind][rows, start][:, 7 * 16 : 8 * 16].numpy()
        assert np.allclose(nearness, np.maximum(10 - distances, 0), atol=1e-3)
        assert not torch.allclose(read[kind], final[kind])
    assert torch.equal(read["greedy"], final["greedy"])  # it has read the prompt, and does nothing more


def test_a_rotation_changes_the_basis_and_not_the_function() -> None:
    tokenization = load_tokenization("unique_cells", canvas=4)
    plain, turned = (build_hand_built("wave", tokenization, n_layers=8, rotate=turn) for turn in (False, True))
    tokens = tokenization.encode(generate(4, "dfs", 20, seed=8)).tokens
    with torch.no_grad():
        one, other = plain(tokens), turned(tokens)
    real = tokens != 10
    assert float((one - other)[real].abs().max() / one[real].abs().max()) < 1e-4
    sparse = (plain.blocks[3].mlp.W_out.abs() > 1e-6).float().mean()
    dense = (turned.blocks[3].mlp.W_out.abs() > 1e-6).float().mean()
    assert sparse < 0.05 < 0.5 < dense
    turn = random_rotation(30, 0)
    assert np.allclose(turn @ turn.T, np.eye(30), atol=1e-12)


def test_every_hook_is_there() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=4)
    _, cache = model.run_with_cache(model.tokenization.encode(generate(4, num=2)).tokens)
    assert {"blocks.3.attn.hook_pattern", "blocks.3.hook_resid_post", "blocks.0.attn.hook_z"} <= set(cache.keys())


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="formats edges and unique_cells"):
        build_hand_built("wave", load_tokenization("row_column", canvas=4))
    with pytest.raises(ConfigurationError, match="with their options at the defaults"):
        build_hand_built("wave", load_tokenization("edges", canvas=4, query="first"))
    with pytest.raises(ConfigurationError, match="takes 2 layers"):
        build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=1)


def test_blocks_do_not_overlap() -> None:
    layout = ResidualLayout(("a", "b"), ("f", "g"), canvas=3, position_dims=6)
    dims = layout.dims(["a", "b", "f", "g", "position"])
    assert sorted(dims) == list(range(layout.d_model))


@pytest.mark.slow
def test_nine_by_nine() -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=9), n_layers=READING_LAYERS + 40)
    mazes = generate(9, "dfs_percolation", 30, seed=9, max_path_length=40).batches[0]
    assert shortest(model, mazes).all()


@pytest.mark.parametrize("reach", [-1, 3, 99])
def test_no_more_rounds_are_left_than_there_are(reach: int) -> None:
    with pytest.raises(ConfigurationError, match=f"reach is {reach}: of 4 layers 2 are rounds"):
        build_hand_built("ablated", load_tokenization("edges", canvas=3), n_layers=4, reach=reach)


def test_an_unknown_algorithm_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown hand-built model 'waves'. Did you mean 'wave'"):
        unwrap(build_hand_built)("waves", load_tokenization("edges", canvas=3))
