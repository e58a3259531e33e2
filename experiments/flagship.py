"""How far does a search carry that is trained on 5x5 to 9x9 mazes alone? The recipe of `maze-5to9`.

A script: ``python experiments/flagship.py --out runs/flagship`` makes its mazes, trains (`--resume` goes on), and
leaves a run that `maze-rl evaluate` and `report` take. From the default recipe it differs in

- one layer instead of two, applied up to 72 times, with gradients through the last twelve loops alone;
- the loss only where a step's loops reach at a step a loop (`within_reach`): 72 reaches every target of 9x9;
- up to four mazes on a canvas, so that cells far apart hold states of their own before a larger maze has them;
- behind the growth from 5x5 to 8x8, four kinds of mazes in turn: any depth-first ones, depth-first ones of 8x8 and 9x9
  whose path has at least 28 steps, Wilson's, and depth-first ones with cycles;
- more starts and more stray cells.

Expectation: right at every distance inside 9x9, and far beyond the default model on larger mazes.
Cost: about two hours of one core that multiplies float32 matrices at 117 GFLOP/s; 2 GB of memory.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_from_arguments
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import DataFolder, Phase, RunConfig
from maze_rl.errors import MazeRLError
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.workflows.generate import generate_dataset
from maze_rl.workflows.train import train_run

SIZES = (5, 6, 7, 8, 9)
GROWTH, MIXTURE = 350, 5600
"""Steps of each of the four phases of smaller mazes, and of the mixture behind them."""
MAZES = 36_000
"""Of each kind in the mixture: every one comes once."""
KINDS: dict[str, dict] = {
    "any": {"sizes": SIZES},
    "long": {"sizes": (8, 9), "min_path_length": 28},
    "wilson": {"sizes": SIZES, "algorithm": "wilson"},
    "cyclic": {"sizes": SIZES, "algorithm": "dfs_percolation"},
}


def mixture(folder: Path) -> tuple[DataFolder, ...]:
    """Generate the mazes of the mixture, where they are not there yet; return them."""
    found = []
    for number, (kind, settings) in enumerate(KINDS.items()):
        spec = spec_from_arguments(split="train", **settings)
        place, wanted = folder / kind, GenerationConfig(spec=spec, num=MAZES, seed=11 + number)
        stored = open_dataset(place) if place.is_dir() else generate_dataset(wanted, place)
        found.append(DataFolder(folder=str(place), content=stored.content))
    return tuple(found)


def flagship(mazes: Sequence[DataFolder]) -> RunConfig:
    """Return the run: the sizes grow on depth-first mazes, then the mixture."""
    base = change_run(
        default_run(MazeSpec(sizes=SIZES, split="train"), device="cpu", steps=4 * GROWTH + MIXTURE),
        n_layers=1,
        loops=72,
        training_loops=(4, 72),
        gradient_loops=12,
        weight_factors=("within_reach",),
        mazes_per_canvas=4,
        starts=32,
        stray_tokens=48,
        micro_batch_tokens=2048,
        checkpoint_every=250,
        validate_every=500,
    )
    growth = [
        Phase(steps=GROWTH, mazes=MazeSpec(sizes=SIZES[:number], split="train")) for number in range(1, len(SIZES))
    ]
    last = Phase(steps=MIXTURE, mazes=MazeSpec(sizes=SIZES, split="train"), data=mazes[0], interleaved=tuple(mazes[1:]))
    return replace(base, training=replace(base.training, phases=(*growth, last)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the mazes and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/flagship"), metavar="RUN", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from its newest checkpoint")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; the weights do not depend on them")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    try:
        config = flagship(mixture(Path(f"{chosen.out}-mazes")))
        train_run(
            config, chosen.out, resume=chosen.resume, command=f"python experiments/flagship.py --out {chosen.out}"
        )
    except MazeRLError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
