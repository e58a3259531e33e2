"""Does a model that was trained on squares walk rectangles, other kinds of mazes, and with other numbers of loops?

A script: ``python experiments/carries_over.py maze-5to9 maze-5to9-cpu --num 500``. For every model, on the same
held-out mazes, as large as its canvas at most: depth-first rectangles; Wilson's mazes and depth-first ones with cycles;
and squares with a quarter to twice the loops it is kept with. Each row is the share of mazes walked along a shortest
path, with its 95 % interval by layout.

Expectation: of rectangles what squares of as many cells show; Wilson's paths are shorter and easier; cycles harder for
a model that has seen none; twice the loops change nothing.
Cost: half an hour of one CPU core for a model of 72 loops and 500 mazes, by extrapolation.
"""

import argparse
from collections.abc import Iterator, Sequence

from transformer_lens import HookedTransformer

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.ranges import Size
from maze_rl.displays.short_repr import interval_text
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.baselines import WALKERS, walk
from maze_rl.evaluation.by_loops import evaluate_loops
from maze_rl.evaluation.estimates import rate
from maze_rl.evaluation.held_out import held_out_mazes
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.models.model_files import load_model
from maze_rl.tokenization.outcomes import judge
from maze_rl.workflows.arms_script import run_script

OTHER_MAZES: tuple[tuple[str, tuple[Size, ...]], ...] = (
    ("dfs", ((5, 9), (7, 12), (9, 15), (5, 20), (10, 20))),
    ("wilson", (9, 12, 15, 20)),
    ("dfs_percolation", (9, 12, 15, 20)),
)
SQUARES = (9, 12, 15, 20)
LOOP_FACTORS = (0.25, 0.5, 1.0, 1.5, 2.0)
SEED = 0


def on_other_mazes(model: HookedTransformer, num: int) -> Iterator[str]:
    """Yield a table row for each kind and shape of maze: the model's rate, and that of walking towards the target."""
    canvas = tokenization_of(model).canvas
    for algorithm, shapes in OTHER_MAZES:
        for shape in (each for each in shapes if max(_sides(each)) <= canvas):
            batch = held_out_mazes(MazeSpec(sizes=(shape,), algorithm=algorithm, split="test"), num, SEED)
            solution, layouts = solve_batch(batch, SEED), maze_hashes(batch)
            walked = roll_out(model, solution, seed=SEED, batch_size=100, decode=decode_paths, shortest_only=True)
            greedy = walk(solution, WALKERS["manhattan"], SEED, "manhattan")
            found, towards = (rate(judge(solution, each).shortest, layouts) for each in (walked, greedy))
            yield f"| {algorithm} | {_named(shape)} | {interval_text(found)} | {towards.value:.3f} |"


def by_loops(model: HookedTransformer, num: int) -> Iterator[str]:
    """Yield a table row for each number of loops; none for a model without loops."""
    kept = getattr(getattr(model, "maze_config", None), "loops", None)
    if kept is None:
        return
    tried = sorted({max(1, round(kept * factor)) for factor in LOOP_FACTORS})
    rows = evaluate_loops(model, sizes=SQUARES, loops=tried, num=num, seed=SEED, batch_size=100)
    for number in tried:
        rates = {row.size: interval_text(row.shortest) for row in rows if row.loops == number}
        yield f"| {number}{' (kept)' if number == kept else ''} | " + " | ".join(rates[size] for size in SQUARES) + " |"


def _named(shape: Size) -> str:
    return "x".join(map(str, _sides(shape)))


def _sides(shape: Size) -> tuple[int, int]:
    return (shape, shape) if isinstance(shape, int) else shape


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables of every model, row by row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("models", nargs="+", help="folders of runs, or names of shipped models")
    parser.add_argument("--num", type=int, default=500, help="mazes of each kind and shape")
    parser.add_argument("--loop-num", type=int, default=100, help="mazes of each size and number of loops")
    chosen = parser.parse_args(arguments)
    for name in ("num", "loop_num"):
        if getattr(chosen, name) < 1:
            raise ConfigurationError(f"--{name.replace('_', '-')} is {getattr(chosen, name)}: at least one is needed.")
    for name in chosen.models:
        model = load_model(name)
        print(f"\n{name}\n\n| mazes | cells | shortest | towards the target |\n|---|---|---|---|")
        for row in on_other_mazes(model, chosen.num):
            print(row, flush=True)
        for number, row in enumerate(by_loops(model, chosen.loop_num)):
            if number == 0:
                print("\n| loops | " + " | ".join(map(_named, SQUARES)) + " |\n|" + "---|" * (len(SQUARES) + 1))
            print(row, flush=True)


if __name__ == "__main__":
    run_script(main)
