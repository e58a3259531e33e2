"""A run that could be real: mazes are generated and solved, errors are drawn with a hazard per step."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from matplotlib.figure import Figure

from maze_rl.evaluation.results import (
    AlgorithmRow,
    Estimate,
    EvaluationResult,
    Example,
    FirstErrorRow,
    GridCell,
    LengthRow,
    LookAheadRow,
    LoopRow,
    PairedDifference,
    SizeRow,
    StepRow,
    TeacherForcedRow,
)
from maze_rl.intervals import wilson
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import Solution, solve
from maze_rl.reports.run_summary import RunSummary

KINDS = (
    "non_optimal",
    "wall",
    "missed_end",
    "off_lattice",
    "backtrack",
    "premature_end",
    "over_budget",
    "wrong_start",
)
KIND_WEIGHTS = (0.5, 0.2, 0.1, 0.07, 0.05, 0.03, 0.03, 0.02)
BINS = ((1, 4), (5, 8), (9, 16), (17, 24), (25, 32), (33, 48), (49, 64), (65, 96), (97, 225))
HALVING = {
    "random_legal": 1.5,
    "random_non_backtracking": 8.0,
    "manhattan": 12.0,
    "look_ahead_2": 17.0,
    "look_ahead_4": 23.0,
    "look_ahead_8": 34.0,
    "look_ahead_16": 60.0,
}
"""Path length over which each baseline's rate halves."""


def estimate(successes: float, num: int) -> Estimate:
    interval = wilson(round(successes), num)
    return Estimate(value=interval.value, low=interval.low, high=interval.high, num=num)


def near(value: float, num: int) -> Estimate:
    return Estimate(value=value, low=max(0.0, value - 0.02), high=min(1.0, value + 0.02), num=num)


def rates_of_baselines(lengths: np.ndarray) -> dict[str, Estimate]:
    rates = {name: estimate(float((0.5 ** (lengths / half)).sum()), len(lengths)) for name, half in HALVING.items()}
    return rates | {"oracle": estimate(len(lengths), len(lengths))}


class Rollouts:
    """Made-up rollouts on real mazes of one size."""

    def __init__(self, size: int, num: int, trained: Sequence[int], hazard: float, seed: int) -> None:
        self.size, self.trained = size, size in trained
        self.mazes = generate(sizes=size, num=num, seed=seed)
        self.solutions = [solve(maze) for maze in self.mazes]
        self.lengths = np.array([solution.distance for solution in self.solutions if isinstance(solution, Solution)])
        random = np.random.default_rng(seed * 1000 + size)
        over = max(0, size - max(trained))
        per_step = hazard * (1 + 1.3 * over) * (1 + np.arange(size * size + 1) / 60)
        drawn = random.random((num, size * size + 1)) < per_step
        first = np.where(drawn.any(1), drawn.argmax(1), size * size)
        self.errors = np.where(first <= self.lengths, first, -1)
        self.kinds = random.choice(len(KINDS), num, p=KIND_WEIGHTS)

    @property
    def right(self) -> np.ndarray:
        return self.errors < 0


def size_row(rollouts: Rollouts) -> SizeRow:
    num, right = len(rollouts.lengths), int(rollouts.right.sum())
    baselines = rates_of_baselines(rollouts.lengths)
    difference = right / num - baselines["manhattan"].value
    return SizeRow(
        size=rollouts.size,
        num=num,
        in_training_range=rollouts.trained,
        valid=estimate(right + 0.6 * (num - right), num),
        reaches=estimate(right + 0.1 * (num - right), num),
        simple=estimate(right + 0.9 * (num - right), num),
        shortest=estimate(right, num),
        exact_match=estimate(right, num),
        spl=near((right + 1) / (num + 1), num),
        optimality_ratio=near(1.01, num),
        progress=near(0.5 + right / num / 2, num),
        baselines=baselines,
        against_manhattan=PairedDifference(
            value=difference, low=difference - 0.04, high=difference + 0.04, p_value=1e-9
        ),
        solved_where_manhattan_fails=None if rollouts.size == 2 else estimate(0.7 * right, num),
        against_baselines={
            name: PairedDifference(
                value=right / num - rate.value,
                low=right / num - rate.value - 0.04,
                high=right / num - rate.value + 0.04,
                p_value=0.5,
            )
            for name, rate in baselines.items()
        },
        solved="".join("1" if each else "0" for each in rollouts.right),
    )


def first_error_row(rollouts: Rollouts) -> FirstErrorRow:
    errors, lengths = rollouts.errors, rollouts.lengths
    last = np.where(errors >= 0, errors, lengths)
    at_risk = [int((last >= step).sum()) for step in range(int(last.max()) + 1)]
    hazard = [int((errors == step).sum()) / risk for step, risk in enumerate(at_risk)]
    wrong = errors >= 0
    counts = {kind: int((wrong & (rollouts.kinds == index)).sum()) for index, kind in enumerate(KINDS)}
    return FirstErrorRow(
        size=rollouts.size,
        num=len(errors),
        counts=counts | {"none": int((~wrong).sum())},
        hazard=hazard,
        at_risk=at_risk,
        mean_relative_position=float((errors[wrong] / lengths[wrong]).mean()) if wrong.any() else None,
        mean_look_ahead=6.25 if wrong.any() else None,
        constant_hazard=float(wrong.sum() / sum(at_risk)),
    )


def teacher_forced_row(rollouts: Rollouts) -> TeacherForcedRow:
    steps = int(rollouts.lengths.sum())
    accuracy = 1 - float((~rollouts.right).sum()) / steps
    return TeacherForcedRow(
        size=rollouts.size,
        token_accuracy=near(accuracy, steps),
        fork_accuracy=near(1 - 3 * (1 - accuracy), steps // 4),
        forced_accuracy=near(accuracy / 2 + 0.5, steps - steps // 4),
        legal_mass=near(0.998, steps),
        optimal_mass=near(accuracy - 0.004, steps),
        optimal_nll=near(0.0213, steps),
        fork_calibration_error=0.0142,
        rollout_gap=0.013 * (rollouts.size - 6),
    )


def by_length(all_rollouts: Sequence[Rollouts], longest: int) -> list[LengthRow]:
    lengths, right = (np.concatenate([getattr(each, name) for each in all_rollouts]) for name in ("lengths", "right"))
    rows = []
    for low, high in BINS:
        inside = (lengths >= low) & (lengths <= high)
        if inside.any():
            rows.append(
                LengthRow(
                    low=low,
                    high=high,
                    num=int(inside.sum()),
                    in_training_range=low <= longest,
                    shortest=estimate(int(right[inside].sum()), int(inside.sum())),
                    baselines=rates_of_baselines(lengths[inside]),
                )
            )
    return rows


def grid(all_rollouts: Sequence[Rollouts]) -> list[GridCell]:
    cells = []
    for rollouts in all_rollouts:
        for low, high in BINS:
            inside = (rollouts.lengths >= low) & (rollouts.lengths <= high)
            if inside.any():
                rate = estimate(int(rollouts.right[inside].sum()), int(inside.sum()))
                cells.append(GridCell(size=rollouts.size, low=low, high=high, shortest=rate))
    return cells


def model_path(maze: Maze, solution: Solution, error: int, kind: str) -> list[tuple[int, int]]:
    """Follow the shortest path up to `error`, then go wrong in a way that fits `kind`."""
    path = solution.path[: error + 1] if error >= 0 else list(solution.path)
    if error < 0 or kind == "premature_end":
        return path
    row, col = path[-1]
    if kind == "off_lattice":
        return [*path, (row + 2, col - 1)]
    closed = [(row + dr, col + dc) for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    wrong = [cell for cell in maze.neighbours(path[-1]) if cell not in solution.optimal_next(path[-1])]
    if kind == "wall" or not wrong:
        return [*path, next(cell for cell in closed if cell not in maze.neighbours(path[-1]))]
    walked = [*path, wrong[0]]
    for _ in range(error + 6):
        further = [cell for cell in maze.neighbours(walked[-1]) if cell != walked[-2]]
        if not further:
            break
        walked.append(further[0])
    return walked


def examples(all_rollouts: Sequence[Rollouts]) -> list[Example]:
    chosen = []
    for rollouts in all_rollouts:
        for mask in (rollouts.right, ~rollouts.right):
            for index in np.flatnonzero(mask)[:2]:
                maze, solution = rollouts.mazes[int(index)], rollouts.solutions[int(index)]
                assert isinstance(solution, Solution)
                error, kind = int(rollouts.errors[index]), KINDS[rollouts.kinds[index]]
                chosen.append(
                    Example(
                        size=rollouts.size,
                        connections=maze.connections.astype(int).tolist(),
                        origin=maze.origin,
                        target=maze.target,
                        shortest_path=solution.path,
                        outcome="shortest" if error < 0 else kind,
                        model_path=model_path(maze, solution, error, kind),
                    )
                )
    return chosen


def steps_by_distance(all_rollouts: Sequence[Rollouts], hazard: float) -> list[StepRow]:
    rows = []
    for rollouts in all_rollouts:
        longest = int(rollouts.lengths.max())
        for low in range(1, longest + 1, 8):
            num = max(1, 400 - 9 * low)
            right = (1 - 2 * hazard) ** (low / 3) * num
            rows.append(StepRow(size=rollouts.size, low=low, high=low + 7, mazes=40, accuracy=estimate(right, num)))
    return rows


def by_loops(all_rollouts: Sequence[Rollouts]) -> list[LoopRow]:
    return [
        LoopRow(
            size=each.size,
            loops=loops,
            as_kept=loops == 18,
            in_training_range=each.trained,
            shortest=estimate(each.right.sum() * (0.4 if loops < 18 else 1.0), len(each.right)),
            against_kept=None
            if loops == 18
            else PairedDifference(value=-0.2, low=-0.3, high=-0.1 if loops < 18 else 0.1, p_value=0.1),
        )
        for each in all_rollouts
        for loops in (9, 18, 36)
    ]


def by_algorithm(all_rollouts: Sequence[Rollouts]) -> list[AlgorithmRow]:
    return [
        AlgorithmRow(
            algorithm=algorithm,
            size=each.size,
            trained_on=algorithm == "dfs",
            in_training_range=each.trained,
            shortest=estimate(share * each.right.sum(), len(each.right)),
            manhattan=estimate(0.3 * len(each.right), len(each.right)),
            by_length=[
                replace(cell, shortest=estimate(share * cell.shortest.value * cell.shortest.num, cell.shortest.num))
                for cell in grid([each])
            ],
        )
        for algorithm, share in (("dfs", 1.0), ("wilson", 0.9), ("dfs_percolation", 0.7))
        for each in all_rollouts
    ]


def by_look_ahead(all_rollouts: Sequence[Rollouts]) -> list[LookAheadRow]:
    kinds = ("above", "within", "greedy", "below")
    return [
        LookAheadRow(
            size=each.size,
            in_training_range=each.trained,
            forks=321,
            most=24,
            where=kinds[place % 4],
            look_ahead=Estimate(value=7.5, low=6.0, high=9.0, num=321) if kinds[place % 4] == "within" else None,
            lapse=0.01,
            fallback=0.5,
            steps_seen=Estimate(value=8.0, low=7.0, high=9.0, num=321),
        )
        for place, each in enumerate(all_rollouts)
    ]


def evaluation(sizes: Sequence[int], trained: Sequence[int], num: int, hazard: float, seed: int) -> EvaluationResult:
    rollouts = [Rollouts(size, num, trained, hazard, seed) for size in sizes]
    longest = max((int(each.lengths.max()) for each in rollouts if each.trained), default=0)
    return EvaluationResult(
        model="runs/made_up",
        algorithm="dfs",
        num_per_size=num,
        seed=seed,
        maze_digest="9f2c81d0a4e75b36",
        training_sizes=list(trained),
        longest_training_path=longest,
        rows=[size_row(each) for each in rollouts],
        by_length=by_length(rollouts, longest),
        grid=grid(rollouts),
        teacher_forced=[teacher_forced_row(each) for each in rollouts],
        first_errors=[first_error_row(each) for each in rollouts],
        examples=examples(rollouts),
        seconds=41.7,
        steps_by_distance=steps_by_distance(rollouts, hazard),
        by_loops=by_loops(rollouts),
        by_algorithm=by_algorithm(rollouts),
        by_look_ahead=by_look_ahead(rollouts),
    )


def metrics(steps: int, seed: int) -> list[dict]:
    random = np.random.default_rng(seed)
    rows = []
    for step in range(1, steps + 1):
        loss = (0.02 + 1.4 * np.exp(-6 * step / steps)) * float(np.exp(0.15 * random.standard_normal()))
        rate = 2.5e-3 * min(1, step / 100) * (0.5 + 0.5 * np.cos(np.pi * step / steps))
        row = {
            "step": step,
            "loss": loss,
            "learning_rate": rate,
            "gradient_norm": 0.3 + loss,
            "tokens": 9_000 * step,
            "mazes": 64 * step,
            "seconds": 0.4 * step,
        }
        if step % max(1, steps // 16) == 0:
            row |= {"validation_loss": 1.1 * loss, "validation_exact": 1 - 0.9 * float(np.exp(-5 * step / steps))}
        rows.append(row)
    return rows


def configuration(sizes: Sequence[int], steps: int, seed: int) -> dict:
    mazes = {"sizes": list(sizes), "algorithm": "dfs", "split": "train", "percolation": 0.1}
    return {
        "command": "maze-rl train --loss path_only --sizes 5..9 --out runs/made_up",
        "seed": seed,
        "device": "cpu",
        "tokenization": {"format": "edges", "canvas": 16, "random_offsets": True, "shuffle_edges": True},
        "model": {"n_layers": 6, "d_model": 96, "n_heads": 4, "d_mlp": None, "positions": "none"},
        "training": {
            "phases": [{"steps": steps, "mazes": mazes}],
            "loss": "path_only",
            "batch_size": 64,
            "accumulation": 1,
            "optimizer": "muon",
            "learning_rate": 0.0025,
        },
        "versions": {"maze_rl": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "python": "3.12.11"},
        "revision": "4be1d9c7",
    }


def make_run(
    name: str = "edges_path_only",
    *,
    sizes: Sequence[int] = range(4, 9),
    trained: Sequence[int] = (5, 6),
    num: int = 80,
    hazard: float = 0.004,
    steps: int = 300,
    seed: int = 0,
) -> RunSummary:
    return RunSummary(
        name=name,
        folder=f"runs/{name}",
        config=configuration(trained, steps, seed),
        metrics=metrics(steps, seed),
        evaluation=evaluation(sizes, trained, num, hazard, seed),
        training_seconds=0.4 * steps,
        num_parameters=672_336,
        leak_count=0,
        mazes_seen=64 * steps,
    )


@pytest.fixture(scope="session")
def run_maker() -> Callable[..., RunSummary]:
    return make_run


@pytest.fixture(scope="session")
def run() -> RunSummary:
    return make_run()


@pytest.fixture(scope="session")
def figure_faults() -> Callable[[Figure], list[str]]:
    """The judge of drawn figures."""
    spec = importlib.util.spec_from_file_location("figure_faults", Path(__file__).with_name("figure_faults.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.figure_faults


@pytest.fixture(scope="session")
def faults_of_page(figure_faults: Callable[[Figure], list[str]]) -> Callable[[Callable[[], object]], list[str]]:
    """Return a function that writes a page and judges every figure of it."""

    def figure_name(figure: Figure) -> str:
        return ", ".join(axes.get_xlabel() or axes.get_title(loc="left") for axes in figure.axes[:2])

    def judged(write: Callable[[], object]) -> list[str]:
        found, savefig = [], Figure.savefig

        def judge(figure: Figure, file: object, **settings: Any) -> None:
            if settings["format"] == "svg":
                found.extend(f"{figure_name(figure)}: {fault}" for fault in figure_faults(figure))
            savefig(figure, file, **settings)  # type: ignore[arg-type]

        with patch.object(Figure, "savefig", judge):
            write()
        return found

    return judged
