"""The evaluation of a model: mazes it never trained on, walked by it and by the baselines, judged alike.

For each size: make the mazes; let the model and every baseline walk them; judge the walks; find each first
error; ask the model about the cells of the shortest paths, and about cells anywhere. Then summarise by size, by
length, by both, and by distance to the target.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformer_lens import HookedTransformer

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue, check_count
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.baselines import walk_all
from maze_rl.evaluation.examples import pick_examples
from maze_rl.evaluation.first_error import NONE, find_first_errors, first_error_row
from maze_rl.evaluation.held_out import MOST_MAZES, by_split, first_mazes, held_out_mazes
from maze_rl.evaluation.results import OWN, EvaluationResult
from maze_rl.evaluation.rollouts import Decode, roll_out
from maze_rl.evaluation.single_steps import ask_steps, step_rows
from maze_rl.evaluation.summaries import MeasuredSize, grid_cells, length_rows, size_row
from maze_rl.evaluation.teacher_forced import predict, sample_paths, teacher_forced_row
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import Rollouts, judge

Progress = Callable[[str, float], None]
"""Told what is being done and the share (0 to 1) of the whole that is finished."""


def evaluate_model(
    model: HookedTransformer,
    *,
    sizes: AnySizes = (),
    num: int = 1000,
    mazes: Mapping[int, MazeBatch] | None = None,
    algorithm: str = "dfs",
    options: Mapping[str, OptionValue] | None = None,
    seed: int = 0,
    split: str | None = "test",
    training_sizes: Sequence[int] = (),
    longest_training_path: int | None = None,
    name: str = "",
    untrained: HookedTransformer | None = None,
    progress: Progress | None = None,
    batch_size: int = 256,
    decode: Decode = decode_paths,
) -> EvaluationResult:
    """Measure a model on mazes of each size.

    Args:
        model: The model, with its `tokenization`.
        sizes: Cells per side; each is evaluated on its own mazes.
        num: Number of mazes per size; single decisions are asked for in the first 200 of them.
        mazes: Mazes of one's own by size, each of that many cells per side; `sizes`, `num`, `algorithm`, `options` and
            `split` say nothing then.
        algorithm: Generator of the test mazes.
        options: Settings of the generator; those left out are at their defaults.
        seed: Seed of mazes, prompts, random walkers and bootstrap draws.
        split: Split the mazes are from; None takes any, seen in training or not.
        training_sizes: Sizes the model trained on, which mark rows as inside or outside; none where they are not known.
        longest_training_path: Steps of the longest shortest path in training, if known.
        name: Name of the model in the result.
        untrained: A model of the same configuration before training, as a baseline.
        progress: Called now and then.
        batch_size: Mazes given to the model at once.
        decode: Generates paths from prompts.

    Raises:
        ConfigurationError: A size exceeds the model's canvas, or the split holds no maze of that size.
    """
    started = time.perf_counter()
    if mazes is not None:
        sizes, num, algorithm = tuple(mazes), max(map(len, mazes.values()), default=0), OWN
    tested = _check_sizes(sizes, num, tokenization_of(model).canvas)
    report = _Reporter(progress, tested)
    examine = _Examiner(model, untrained, seed, batch_size, decode, report)
    if mazes is None:
        specs = [MazeSpec(sizes=(size,), algorithm=algorithm, options=options or {}, split=split) for size in tested]
        batches = (held_out_mazes(spec, num, seed) for spec in specs)
    else:
        batches = (mazes[size] for size in tested)
    measured = [examine(batch) for batch in batches]
    report("summaries", 1.0)
    return EvaluationResult(
        model=name,
        algorithm=algorithm,
        num_per_size=num,
        seed=seed,
        maze_digest=digest([one.solution.batch for one in measured]),
        training_sizes=list(training_sizes),
        longest_training_path=longest_training_path,
        **_summaries(measured, training_sizes, longest_training_path, seed),
        by_split=None if mazes is not None or split == "test" else by_split(one.solution.batch for one in measured),
        seconds=time.perf_counter() - started,
    )


def _summaries(
    measured: Sequence[MeasuredSize], training_sizes: Sequence[int], longest_training_path: int | None, seed: int
) -> dict[str, Any]:
    """Return the fields of the result that summarise the measurements."""
    return {
        "rows": [size_row(one, one.size in training_sizes if training_sizes else None, seed) for one in measured],
        "by_length": length_rows(measured, longest_training_path),
        "grid": grid_cells(measured),
        "teacher_forced": [
            teacher_forced_row(
                one.size, one.predictions, one.outcomes.shortest[:MOST_MAZES], one.layouts[:MOST_MAZES], seed
            )
            for one in measured
        ],
        "first_errors": [first_error_row(one.size, one.first_errors, one.layouts) for one in measured],
        "examples": pick_examples(measured, training_sizes),
        "steps_by_distance": [row for one in measured for row in step_rows(one.size, one.steps, one.layouts)],
    }


@dataclass(frozen=True)
class _Examiner:
    """Takes every measurement on the mazes of one size."""

    model: HookedTransformer
    untrained: HookedTransformer | None
    seed: int
    batch_size: int
    decode: Decode
    report: "_Reporter"

    def __call__(self, batch: MazeBatch) -> MeasuredSize:
        size = batch.shape[0]
        solution = solve_batch(batch, self.seed)
        self.report(f"{size} x {size}: baselines", 0.0)
        walks = walk_all(solution, self.seed)
        if self.untrained is not None:
            self.report(f"{size} x {size}: untrained model", 0.05)
            walks["untrained"] = self._roll_out(self.untrained, solution, shortest_only=True)
        self.report(f"{size} x {size}: rollouts", 0.05 if self.untrained is None else 0.3)
        rollouts = self._roll_out(self.model, solution)
        outcomes, first_errors = judge(solution, rollouts), find_first_errors(solution, rollouts)
        assert ((first_errors.kinds == NONE) == outcomes.shortest).all()
        self.report(f"{size} x {size}: reference paths", 0.8)
        references = sample_paths(first_mazes(solution), self.seed)
        predictions = predict(self.model, references, seed=self.seed, batch_size=self.batch_size)
        self.report(f"{size} x {size}: single steps", 0.9)
        steps = ask_steps(self.model, solution, seed=self.seed, batch_size=self.batch_size)
        self.report.finish(size)
        return MeasuredSize(
            size=size,
            solution=solution,
            rollouts=rollouts,
            outcomes=outcomes,
            first_errors=first_errors,
            baselines={name: judge(solution, walked).shortest for name, walked in walks.items()},
            predictions=predictions,
            steps=steps,
        )

    def _roll_out(self, model: HookedTransformer, solution: BatchSolution, shortest_only: bool = False) -> Rollouts:
        return roll_out(
            model,
            solution,
            seed=self.seed,
            batch_size=self.batch_size,
            decode=self.decode,
            shortest_only=shortest_only,
        )


class _Reporter:
    """Turns progress within a size into progress of the whole; a size weighs as much as its tokens."""

    def __init__(self, progress: Progress | None, sizes: Sequence[int]) -> None:
        self._progress = progress
        self._weights = {size: size**3 / sum(n**3 for n in sizes) for size in sizes}
        self._done, self._open = 0.0, list(sizes)

    def __call__(self, doing: str, share: float) -> None:
        """Report `doing`, with `share` of the current size behind."""
        if self._progress is not None:
            weight = self._weights[self._open[0]] if self._open else 0.0
            self._progress(doing, min(1.0, self._done + share * weight))

    def finish(self, size: int) -> None:
        """Count `size` as done."""
        self._done += self._weights[size]
        self._open.remove(size)


def _check_sizes(sizes: AnySizes, num: int, canvas: int) -> tuple[int, ...]:
    """Return the sizes, each once and in order, or say what is wrong with them."""
    asked = check_squares(sizes)
    check_count("num", num)
    check_canvas(asked, canvas)
    return tuple(sorted(set(asked)))


def check_canvas(sizes: Sequence[int], canvas: int, whose: str = "the model's canvas") -> None:
    """Check that mazes of these sizes fit a canvas.

    Args:
        sizes: Cells per side.
        canvas: Cells per side of the canvas.
        whose: How the message names it.

    Raises:
        ConfigurationError: One does not.
    """
    if max(sizes) > canvas:
        raise ConfigurationError(
            f"size {max(sizes)} is larger than {whose} of {canvas} x {canvas} cells: evaluate sizes up to "
            f"{canvas}, or train with a larger canvas."
        )


def digest(batches: Sequence[MazeBatch]) -> str:
    """Return 32 hexadecimal digits that name these mazes with their endpoints, the same on any machine."""
    total = hashlib.blake2b(digest_size=16)
    for batch in batches:
        total.update(str(batch.connections.shape).encode())
        for array in (np.packbits(batch.connections), batch.origins, batch.targets):
            total.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()
