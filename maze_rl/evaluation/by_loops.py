"""How often a model with loops walks a shortest path when its block is applied fewer or more times than it is kept."""

from collections.abc import Callable, Mapping, Sequence

from transformer_lens import HookedTransformer

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue
from maze_rl.evaluation.estimates import rate
from maze_rl.evaluation.held_out import held_out_mazes
from maze_rl.evaluation.results import LoopRow
from maze_rl.evaluation.rollouts import Decode, roll_out
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.build import with_loops
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import judge

FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Numbers of loops to try, as multiples of the number the model is kept with."""


def loops_to_try(kept: int, factors: Sequence[float] = FACTORS) -> list[int]:
    """Return the numbers of loops for a model that is kept with `kept`, each once, ascending, `kept` among them."""
    return sorted({kept, *(max(1, round(kept * factor)) for factor in factors)})


def evaluate_loops(
    model: HookedTransformer,
    *,
    sizes: Sequence[int],
    loops: Sequence[int] | None = None,
    num: int = 200,
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
        model: The model; one without loops has no rows.
        sizes: Cells per side, each with mazes of its own.
        loops: Numbers of loops; None for half to three times the number the model is kept with.
        num: Mazes per size, the first of `maze_rl.evaluation.evaluator.evaluate_model`.
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
    if config is None or not config.looped:
        return []
    kept, rows = config.loops, []
    specs = (MazeSpec(sizes=(size,), algorithm=algorithm, options=options or {}, split=split) for size in sizes)
    batches = (held_out_mazes(spec, num, seed) for spec in specs)
    solved = {size: solve_batch(batch, seed) for size, batch in zip(sizes, batches, strict=True)}
    tried = loops_to_try(kept) if loops is None else loops
    whole = sum(tried) * sum(size**3 for size in solved)
    done = 0
    for number in tried:
        view = model if number == kept else with_loops(model, number)  # type: ignore[arg-type]
        for size, solution in solved.items():
            progress(f"{size} x {size}: {number} loops", done / whole)
            walked = roll_out(view, solution, seed=seed, batch_size=batch_size, decode=decode, shortest_only=True)
            shortest = judge(solution, walked).shortest
            rows.append(
                LoopRow(
                    size=size,
                    loops=number,
                    as_kept=number == kept,
                    in_training_range=size in training_sizes if training_sizes else None,
                    shortest=rate(shortest, maze_hashes(solution.batch)),
                )
            )
            done += number * size**3
    return rows
