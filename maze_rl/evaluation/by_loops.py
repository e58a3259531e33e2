"""How often a model with loops walks a shortest path when its block is applied fewer or more times than it is kept."""

from collections.abc import Callable, Mapping, Sequence

from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue
from maze_rl.configs.ranges import AnyInts, AnySizes, check_ints, check_squares
from maze_rl.evaluation.estimates import rate
from maze_rl.evaluation.held_out import held_out_mazes
from maze_rl.evaluation.results import LoopRow, PairedDifference
from maze_rl.evaluation.rollouts import Decode, roll_out
from maze_rl.intervals import paired_difference
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.build import with_loops
from maze_rl.models.decoding import decode_paths
from maze_rl.models.hooked_models import has_hooks
from maze_rl.tokenization.outcomes import judge

FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Numbers of loops to try, as multiples of the number the model is kept with."""


def loops_to_try(kept: int, factors: Sequence[float] = FACTORS) -> list[int]:
    """Return the numbers of loops for a model that is kept with `kept`, each once, ascending, `kept` among them."""
    return sorted({kept, *(max(1, round(kept * factor)) for factor in factors)})


def evaluate_loops(
    model: HookedTransformer,
    *,
    sizes: AnySizes,
    loops: AnyInts | None = None,
    num: int = 200,
    mazes: Mapping[int, MazeBatch] | None = None,
    algorithm: str = "dfs",
    options: Mapping[str, OptionValue] | None = None,
    seed: int = 0,
    split: str | None = "test",
    training_sizes: Sequence[int] = (),
    batch_size: int = 256,
    decode: Decode = decode_paths,
    progress: Callable[[str, float], None] = lambda doing, done: None,
) -> list[LoopRow]:
    """Let a model walk the same mazes with different numbers of loops.

    Args:
        model: The model; one without loops has no rows, nor has one with hooks, which are those of its own loops.
        sizes: Cells per side, each with mazes of its own.
        loops: Numbers of loops; None for half to three times the number the model is kept with.
        num: Mazes per size, the first of `maze_rl.evaluation.evaluator.evaluate_model`.
        mazes: Mazes of one's own by size, to take the first `num` of, in place of generated ones.
        algorithm: Generator of the mazes.
        options: Settings of the generator; those left out are at their defaults.
        seed: Seed of mazes and prompts.
        split: Split the mazes are from.
        training_sizes: Sizes the model trained on.
        batch_size: Mazes given to the model at once.
        decode: Generates paths from prompts.
        progress: Called with (what, share done).

    Raises:
        ConfigurationError: The split holds no maze of a size, or a number of loops is below 1.
    """
    config = getattr(model, "maze_config", None)
    if config is None or not config.looped or has_hooks(model):
        return []
    kept, rows, tested = config.loops, [], check_squares(sizes)
    if mazes is None:
        specs = (MazeSpec(sizes=(size,), algorithm=algorithm, options=options or {}, split=split) for size in tested)
        batches = [held_out_mazes(spec, num, seed) for spec in specs]
    else:
        batches = [mazes[size][:num] for size in tested]
    solutions = {size: solve_batch(batch, seed) for size, batch in zip(tested, batches, strict=True)}
    solved: dict[tuple[int, int], ndarray] = {}
    tried = loops_to_try(kept) if loops is None else check_ints("loops", loops)
    whole = sum(tried) * sum(size**3 for size in solutions)
    done = 0
    for number in tried:
        view = model if number == kept else with_loops(model, number)  # type: ignore[arg-type]
        for size, solution in solutions.items():
            progress(f"{size} x {size}: {number} loops", done / whole)
            walked = roll_out(view, solution, seed=seed, batch_size=batch_size, decode=decode, shortest_only=True)
            solved[number, size] = judge(solution, walked).shortest
            done += number * size**3
    for number, size in solved:
        layouts = maze_hashes(solutions[size].batch)
        rows.append(
            LoopRow(
                size=size,
                loops=number,
                as_kept=number == kept,
                in_training_range=size in training_sizes if training_sizes else None,
                shortest=rate(solved[number, size], layouts),
                against_kept=None
                if number == kept or kept not in tried
                else PairedDifference(**paired_difference(solved[number, size], solved[kept, size], layouts)._asdict()),
            )
        )
    return rows
