"""Following a transplant is counted where the two sources demand different moves, by steps from the taker."""

import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.interp.interventions.transplanted_states import BINS, Transplants, _drawn_cells, transplant_target_state
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve
from maze_rl.models.model_files import load_model

MAZES = generate(6, "dfs", num=12, seed=4).batches[0]
TAKERS = np.array([int(solve(maze).distances.argmax()) for maze in MAZES])


def answers(moves: np.ndarray) -> LoopAnswers:
    labels = label_cells(MAZES)
    return LoopAnswers(
        mazes=MAZES,
        moves=moves.astype(np.int8),
        confidence=np.zeros(moves.shape, np.float32),
        optimal=labels.optimal,
        distances=labels.distances,
    )


def second_wave() -> tuple[np.ndarray, np.ndarray]:
    """Moves to the target, and at loop k those of cells within k steps of the taker to it instead; and these steps."""
    cells = np.stack(np.divmod(TAKERS, 6), axis=1).astype(np.int16)
    taken = label_cells(MazeBatch(MAZES.connections, MAZES.origins, cells))
    steps, towards = taken.distances, taken.optimal
    home = label_cells(MAZES).optimal.argmax(axis=2)
    moves = [np.where((steps <= loop) & (steps > 0), towards.argmax(axis=2), home) for loop in range(1, 7)]
    return np.stack(moves, axis=1), steps


def test_a_wave_from_the_taker_is_followed_as_far_as_it_went() -> None:
    moves, _ = second_wave()
    home = np.repeat(moves[:, :1], 6, axis=1)
    home[:] = label_cells(MAZES).optimal.argmax(axis=2)[:, None]
    found = Transplants(mazes=MAZES, takers=TAKERS, loop=1, answers=answers(moves), control=answers(home))
    for loop in range(1, 7):
        for (low, high), share in found.following(loop).items():
            if high <= loop:
                assert share.value == 1
            elif low > loop:
                assert share.value == 0
            else:
                assert 0 < share.value < 1
        assert all(share.value == 0 for share in found.following(loop, control=True).values())
    with pytest.raises(ConfigurationError, match="loops 1 to 6"):
        found.following(7)
    assert list(found.following(1)) == list(BINS)


def test_the_control_is_no_nearer_to_the_target_than_the_taker() -> None:
    distances = label_cells(MAZES).distances
    rows = np.arange(len(MAZES))
    takers, others = _drawn_cells(distances, 5, 0)
    assert (takers != others).all()
    assert (distances[rows, takers] >= 5).all() and (distances[rows, others] >= distances[rows, takers]).all()


def test_a_state_is_set_after_a_loop_that_there_is_and_far_enough_away() -> None:
    model = load_model("maze-5to9-cpu")
    with pytest.raises(ConfigurationError, match="set the state earlier"):
        transplant_target_state(model, MAZES, loop=5, loops=4)
    with pytest.raises(ConfigurationError, match="no maze has two cells 36 steps"):
        transplant_target_state(model, MAZES, loop=1, loops=4, least_steps=36)
