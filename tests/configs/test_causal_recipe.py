"""The recipe of the control: paths that grow longer, then all of them."""

from maze_rl.configs.causal_recipe import causal_run, growing_lengths
from maze_rl.configs.endpoints import Endpoints
from maze_rl.configs.mazes import MazeSpec

MAZES = MazeSpec(sizes=(5, 6), split="train")


def test_lengths_grow_and_end_without_a_limit() -> None:
    for steps in (1, 7, 900):
        phases = growing_lengths(MAZES, steps)
        assert sum(phase.steps for phase in phases) == steps
        limits = [phase.mazes.endpoints.max_path_length for phase in phases]
        assert limits[-1] is None
        assert limits[:-1] == sorted(set(limits[:-1]))


def test_limits_of_the_mazes_are_kept() -> None:
    short = MazeSpec(sizes=(5, 6), split="train", endpoints=Endpoints(min_path_length=5, max_path_length=9))
    limits = [phase.mazes.endpoints.max_path_length for phase in growing_lengths(short, 900)]
    assert limits == [6, 8, 9]


def test_it_is_a_plain_causal_run_of_one_path_for_each_maze() -> None:
    run = causal_run(MAZES)
    assert (run.model.prompt, run.model.loops, run.tokenization.origin) == ("causal", None, "prompt")
    assert (run.training.starts, run.training.stray_tokens, run.training.steps) == (0, 0, 900)
