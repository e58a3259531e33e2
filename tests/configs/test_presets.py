"""The default run: its sizes grow, its loops with them, and what is left out follows from its steps."""

from dataclasses import replace

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import CPU_BUDGET, default_run

MAZES = MazeSpec(sizes=(5, 6, 7, 8, 9), split="train")


def test_sizes_and_loops_grow_together_over_the_first_part_of_the_run() -> None:
    training = default_run(MAZES, device="cpu").training
    assert training.steps == CPU_BUDGET.steps
    assert [max(phase.mazes.sizes) for phase in training.phases] == [5, 6, 7, 8, 9]
    assert [training.loops_in(phase) for phase in training.phases] == [(4, 10), (4, 12), (4, 14), (4, 16), (4, 18)]
    grown = sum(phase.steps for phase in training.phases[:-1])
    assert abs(grown / training.steps - 0.45) < 0.01


def test_one_size_has_all_loops_from_the_first_step() -> None:
    training = default_run(replace(MAZES, sizes=(5,)), device="cpu").training
    assert [training.loops_in(phase) for phase in training.phases] == [CPU_BUDGET.training_loops]


def test_short_runs_have_every_phase_they_have_steps_for() -> None:
    for steps in (1, 2, 5, 11, 100):
        training = default_run(MAZES, device="cpu", steps=steps).training
        assert training.steps == steps
        assert training.phases[-1].mazes.sizes == MAZES.sizes
        assert 1 <= training.warmup_steps <= max(1, steps // 10)
