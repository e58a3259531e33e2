"""What scripts share that train arms by a loss of their own: fresh mazes, the loop, and flags for their settings.

For what the trainer does not do, such as writing something else than a path, or positions that are drawn. All else is
as in the default recipe: its optimizer, its rates, mazes of 3x3 to 5x5.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maze_rl.configs.experiment import searching_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.maze_transformer import MazeTransformer
from maze_rl.seeding import numpy_generator
from maze_rl.training.learning_rates.schedules import wsd
from maze_rl.training.optimizers import make_optimizer

TEST_SEED = 1_000_003
"""Of the held-out mazes: the same for every arm."""
Row = dict[str, float | str | int]
"""What was measured of one arm and seed."""


@dataclass(frozen=True, kw_only=True)
class ArmSettings(Shown):
    """What the arms of a script have alike."""

    steps: int = 3000
    batch_size: int = 64
    layers: int = 4
    d_model: int = 96
    test: int = 300
    """Held-out mazes of each size."""


def drawn(size: int, num: int, seed: int, first: int, split: str) -> BatchSolution:
    """Return solved depth-first mazes number `first`, `first` + 1, ... of a size."""
    mazes = generate_mazes(MazeSpec(sizes=(size,), split=split), np.arange(first, first + num), seed)
    return solve_batch(mazes.batches[0])


def train_by(
    loss_of: Callable[[BatchSolution, int], Tensor], model: MazeTransformer, settings: ArmSettings, seed: int, name: str
) -> int:
    """Train `model` on fresh mazes of 3x3 to 5x5, a size for each step; return the CPU seconds that took.

    Args:
        loss_of: Returns the loss of a batch; its second argument is the step, from 0.
        model: Trained in place.
        settings: Steps and batch size.
        seed: Of the mazes and their order.
        name: What progress is told of.
    """
    config = searching_run(max(settings.steps, 1)).training
    optimizer, sizes, begun = make_optimizer(model, config), numpy_generator(seed, "sizes"), time.process_time()
    for step in range(settings.steps):
        solution = drawn(int(sizes.integers(3, 6)), settings.batch_size, seed, step * settings.batch_size, "train")
        multiplier = wsd(step, settings.steps, config.warmup_steps, decay=0.4)
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * multiplier
        loss = loss_of(solution, step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        if step % 500 == 0:
            sys.stderr.write(f"{name} seed {seed} step {step}: loss {float(loss.detach()):.3f}\n")
    return round(time.process_time() - begun)


def run_arms(
    train: Callable[[ArmSettings, str, int], Row], about: str, names: Sequence[str], arguments: Sequence[str] | None
) -> list[Row]:
    """Read the flags of a script, train its arms for every seed, and print a row of JSON for each.

    Args:
        train: Trains one arm for one seed; returns its row.
        about: The script's docstring; its first line is shown by --help.
        names: Of the arms.
        arguments: Flags; None for those of the command line.

    Raises:
        ConfigurationError: A number is out of range.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    for name, value in vars(ArmSettings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", default=list(names), choices=names)
    read = vars(parser.parse_args(arguments))
    seeds, arms = read.pop("seeds"), read.pop("arms")
    for name, value in (*read.items(), ("seeds", seeds)):
        if value < (0 if name == "steps" else 1):
            raise ConfigurationError(f"--{name.replace('_', '-')} is {value}: a larger number is needed.")
    rows = []
    for arm in arms:
        for seed in range(seeds):
            rows.append(train(ArmSettings(**read), arm, seed))
            sys.stdout.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.flush()
    return rows


def run_script(main: Callable[[], Any]) -> None:
    """Run a script's `main`; what it refuses is said in one line."""
    try:
        main()
    except MazeRLError as fault:
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(2) from None
