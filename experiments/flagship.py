"""How far does a search carry that is trained on mazes of 5x5 to 9x9 alone?

A script: ``python experiments/flagship.py --out runs/flagship`` makes its mazes, trains in two runs (`--resume` goes
on), and leaves one that `maze-rl evaluate` and `report` take; it ships as `maze-5to9`. The first run learns to search.
From the default recipe it differs in

- one layer instead of two, applied up to 60 times, with gradients through the last twelve loops alone;
- the loss only where a step's loops reach at a step a loop (`within_reach`).

The second goes on from it at half the learning rates, with what is meant to carry the search beyond 9x9:

- four kinds of mazes in turn: any depth-first ones, depth-first ones of 8x8 and 9x9 whose path has at least 28 steps,
  Wilson's, and depth-first ones with cycles; up to 72 loops, which reach nearly every target of these;
- up to four mazes on a canvas and up to 120 stray cells, so that cells far apart hold states of their own before a
  larger maze has them;
- half of all sequences searched for other targets first (`false_targets`): in larger mazes the search leaves fields
  behind that lead to no target, and has to learn to undo them.

With `--third` a third run goes on from the second with up to 96 loops and up to 240 stray cells, where the canvas has
room for them. It brought nothing on larger mazes (`RESULTS.md`).

Expectation: right at every distance inside 9x9, and far beyond the default model on larger mazes.
Cost: of one core that multiplies float32 matrices at 117 GFLOP/s 33 minutes for the first run, 126 for the second and
90 for the third; less by the clock with `--threads 2`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import GenerationConfig, MazeSpec, spec_from_arguments
from maze_rl.configs.presets import CPU_BUDGET, TakenModel, default_run
from maze_rl.configs.training import DataFolder, Phase, RunConfig
from maze_rl.errors import MazeRLError
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.verified_files import CHECKSUMS
from maze_rl.workflows.generate import generate_dataset
from maze_rl.workflows.run import take_model
from maze_rl.workflows.train import train_run

ALL = MazeSpec(sizes=(5, 6, 7, 8, 9), split="train")
FIRST_STEPS, SECOND_STEPS, THIRD_STEPS = 3000, 4000, 2000
KINDS: dict[str, dict[str, Any]] = {
    "any": {"sizes": ALL.sizes},
    "long": {"sizes": (8, 9), "min_path_length": 28},
    "wilson": {"sizes": ALL.sizes, "algorithm": "wilson"},
    "cyclic": {"sizes": ALL.sizes, "algorithm": "dfs_percolation"},
}
REACH: dict[str, Any] = {
    "weight_factors": ("within_reach",),
    "gradient_loops": 12,
    "stray_tokens": 48,
    "micro_batch_tokens": 2048,
}


def first_run() -> RunConfig:
    """Return the run that learns to search, its sizes growing as those of the default run."""
    return change_run(
        default_run(ALL, device="cpu", steps=FIRST_STEPS), n_layers=1, loops=60, training_loops=(4, 60), **REACH
    )


def second_run(first: TakenModel, mazes: Sequence[DataFolder]) -> RunConfig:
    """Return the run that goes on from the first."""
    return _further_run(first, mazes, SECOND_STEPS, loops=72, stray_tokens=120)


def third_run(second: TakenModel, mazes: Sequence[DataFolder]) -> RunConfig:
    """Return the run that goes on from the second."""
    return _further_run(second, mazes, THIRD_STEPS, loops=96, stray_tokens=240)


def _further_run(
    taken: TakenModel, mazes: Sequence[DataFolder], steps: int, *, loops: int, stray_tokens: int
) -> RunConfig:
    run = change_run(
        default_run(ALL, device="cpu", steps=steps, taken=taken),
        loops=loops,
        training_loops=(8, loops),
        growing_loops=False,
        mazes_per_canvas=4,
        starts=32,
        objective="false_targets",
        learning_rate=CPU_BUDGET.learning_rate / 2,
        matrix_learning_rate=CPU_BUDGET.matrix_learning_rate / 2,
        checkpoint_every=250,
        **(REACH | {"stray_tokens": stray_tokens}),
    )
    mixture = Phase(steps=steps, mazes=ALL, data=mazes[0], interleaved=tuple(mazes[1:]))
    return replace(run, training=replace(run.training, phases=(mixture,)))


def kinds_of_mazes(folder: Path, num: int, seed: int) -> tuple[DataFolder, ...]:
    """Generate `num` mazes of each kind, where they are not there yet; return them."""
    found = []
    for number, (kind, settings) in enumerate(KINDS.items()):
        spec = spec_from_arguments(split="train", **settings)
        place, wanted = folder / kind, GenerationConfig(spec=spec, num=num, seed=seed + number)
        stored = open_dataset(place) if place.is_dir() else generate_dataset(wanted, place)
        found.append(DataFolder(folder=str(place), content=stored.content))
    return tuple(found)


def train(out: Path, resume: bool, third: bool = False) -> None:
    """Train the runs, the first and the third beside the second; what is finished is kept when resuming.

    Raises:
        MazeRLError: A folder is in the way, or a file is damaged.
    """
    first = Path(f"{out}-first")
    _run(first_run(), first, out, resume)
    mazes = kinds_of_mazes(Path(f"{out}-mazes"), mazes_of_each(SECOND_STEPS), 11)
    _run(second_run(_taken(first), mazes), out, out, resume)
    if third:
        mazes = kinds_of_mazes(Path(f"{out}-mazes-third"), mazes_of_each(THIRD_STEPS), 31)
        _run(third_run(_taken(out), mazes), Path(f"{out}-third"), out, resume)


def mazes_of_each(steps: int) -> int:
    """Return how many mazes of each kind so many steps take, so that every one comes once."""
    return CPU_BUDGET.batch_size * steps // len(KINDS)


def _run(config: RunConfig, folder: Path, out: Path, resume: bool) -> None:
    if not (resume and (folder / CHECKSUMS).exists()):
        command = f"python experiments/flagship.py --out {out}"
        train_run(config, folder, resume=resume and folder.exists(), command=command)


def _taken(folder: Path) -> TakenModel:
    taken = take_model(folder)
    return replace(taken, start=replace(taken.start, model=str(folder)))  # named from where one stands


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the mazes and train."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/flagship"), metavar="RUN", help="folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument("--third", action="store_true", help="train the third run too")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; the weights do not depend on them")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    try:
        train(chosen.out, chosen.resume, chosen.third)
    except MazeRLError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
