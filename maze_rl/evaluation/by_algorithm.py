"""How often a model walks a shortest path in mazes of other algorithms, beside Manhattan greedy on the same mazes."""

from collections.abc import Callable, Mapping, Sequence

from transformer_lens import HookedTransformer

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.baselines import WALKERS, walk
from maze_rl.evaluation.estimates import rate
from maze_rl.evaluation.held_out import held_out_mazes
from maze_rl.evaluation.length_bins import bins_up_to
from maze_rl.evaluation.results import AlgorithmRow
from maze_rl.evaluation.rollouts import Decode, roll_out
from maze_rl.evaluation.summaries import cells_by_length
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.context_room import has_room
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.outcomes import judge

ALGORITHMS = ("dfs", "wilson", "dfs_percolation")
"""Long corridors, the most even trees, and trees with further openings, where several paths may be shortest."""


def evaluate_algorithms(
    model: HookedTransformer,
    *,
    sizes: AnySizes,
    algorithms: Sequence[str] = ALGORITHMS,
    options: Mapping[str, Mapping[str, OptionValue]] | None = None,
    trained_on: Sequence[str] = (),
    num: int = 200,
    seed: int = 0,
    split: str | None = "test",
    training_sizes: Sequence[int] = (),
    batch_size: int = 256,
    decode: Decode = decode_paths,
    progress: Callable[[str, float], None] = lambda doing, done: None,
) -> list[AlgorithmRow]:
    """Let a model walk mazes of several algorithms.

    There is no row where an algorithm has no test maze of a size, or its mazes may not fit the model's context.

    Args:
        model: The model, with its `tokenization`.
        sizes: Cells per side.
        algorithms: Generators.
        options: Settings of some generators; the others, and those left out, are at their defaults.
        trained_on: Generators the model was trained on; none where they are not known.
        num: Mazes of each algorithm and size.
        seed: Seed of mazes and prompts.
        split: Split the mazes are from.
        training_sizes: Sizes the model trained on.
        batch_size: Mazes given to the model at once.
        decode: Generates paths from prompts.
        progress: Called with (what, share done).
    """
    tested = check_squares(sizes)
    rows, done, whole = [], 0, len(algorithms) * sum(size**3 for size in tested)
    for algorithm in algorithms:
        for size in tested:
            progress(f"{size} x {size}: {algorithm}", done / whole)
            done += size**3
            if not has_room(model, tokenization_of(model), size, tree=algorithm in TREES):
                continue
            chosen = (options or {}).get(algorithm, {})
            spec = MazeSpec(sizes=(size,), algorithm=algorithm, options=chosen, split=split)
            try:
                batch = held_out_mazes(spec, num, seed)
            except ConfigurationError:
                continue  # so small a grid may have no maze of its own in the split
            solution, layouts = solve_batch(batch, seed), maze_hashes(batch)
            walked = roll_out(model, solution, seed=seed, batch_size=batch_size, decode=decode, shortest_only=True)
            greedy = walk(solution, WALKERS["manhattan"], seed, "manhattan")
            outcomes = judge(solution, walked)
            rows.append(
                AlgorithmRow(
                    algorithm=algorithm,
                    size=size,
                    trained_on=algorithm in trained_on if trained_on else None,
                    in_training_range=size in training_sizes if training_sizes else None,
                    shortest=rate(outcomes.shortest, layouts),
                    manhattan=rate(judge(solution, greedy).shortest, layouts),
                    by_length=cells_by_length(size, outcomes, layouts, bins_up_to(solution.lengths)),
                )
            )
    return rows
