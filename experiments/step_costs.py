"""What does a step of each arm of an experiment cost, and how many steps does a budget of CPU time buy?

A script: ``python experiments/step_costs.py NAME --budget 600``. Arms that differ in cost are compared fairly at equal
CPU time, so their steps are fixed beforehand from what is measured here: CPU seconds of one thread a step, at places
spread over the run (early steps have small mazes and few loops). Arms take turns at every place, and of three tries the
least counts, so that what else the machine does falls on all alike. Weights change as they would in training.
Expected: a step costs what its tokens times its loops say. Cost: half a minute of one core for each arm.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from maze_rl.configs.training import RunConfig
from maze_rl.errors import MazeRLError
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.batches import batch_maker
from maze_rl.training.settings import settings
from maze_rl.training.state import new_state
from maze_rl.training.step import take_step
from maze_rl.workflows.experiment_files import find_experiment

PLACES = 24
TRIES = 3


class Stepper:
    """A fresh run that can take the step of any place."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        model = build_model(config.model, Tokenization(config.tokenization), seed=config.seed)
        self.state = new_state(model, config.training, config.seed)
        self.state.model.train()
        (self.stretch,) = config.training.stretches
        self.setting_at = settings(self.state, config.training, self.stretch)
        self.make = batch_maker(self.state, config.training, self.stretch)

    def seconds(self, share: float, loops: float) -> float:
        """Take the step at a share of the run; return its CPU seconds, the making of its batch included.

        Args:
            share: Place in the run, from 0 to below 1.
            loops: Which loops of those that may be drawn there, from 0 for the least to below 1.
        """
        training, step = self.config.training, int(share * self.stretch.steps)
        drawn = training.loops_in(training.phase_at(step))
        begun = time.process_time()
        batch = self.make(step)
        if drawn is not None:
            least, most = drawn
            chosen = least + int(loops * (most - least + 1))
            batch = replace(
                batch, mini_batches=[[replace(micro, loops=chosen) for micro in mini] for mini in batch.mini_batches]
            )
        take_step(self.state, training, self.setting_at(step), batch)
        return time.process_time() - begun


def costs(arms: dict[str, RunConfig], places: int = PLACES, tries: int = TRIES) -> dict[str, float]:
    """Return the mean CPU seconds of a step of each arm over its run."""
    steppers = {name: Stepper(replace(config, device="cpu")) for name, config in arms.items()}
    for stepper in steppers.values():
        stepper.seconds(0.0, 0.0)  # kernels are compiled
    shares = (np.arange(places) + 0.5) / places
    # evenly over what may be drawn, and the same for all arms: else chance would decide which of them looks dear
    loops = np.random.default_rng(0).permutation(shares)
    found = {name: np.full((places, tries), np.inf) for name in arms}
    for place in range(places):
        for attempt in range(tries):
            for name, stepper in steppers.items():
                found[name][place, attempt] = stepper.seconds(float(shares[place]), float(loops[place]))
    return {name: float(seconds.min(axis=1).mean()) for name, seconds in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the arms of an experiment and print their costs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", help="an experiment, as `maze-rl experiments list` shows it")
    parser.add_argument("--budget", type=float, default=600.0, metavar="SECONDS", help="CPU seconds of an arm")
    parser.add_argument("--places", type=int, default=PLACES, help="steps measured of each arm")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        arms = dict(find_experiment(chosen.name).load().arms)
    except MazeRLError as error:
        parser.error(str(error))
    found = costs(arms, chosen.places)
    print(f"{'arm':28} {'CPU s a step':>12} {'steps':>8}")
    for name, seconds in found.items():
        print(f"{name:28} {seconds:12.4f} {chosen.budget / seconds:8.0f}")


if __name__ == "__main__":
    main()
