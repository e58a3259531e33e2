"""A run with more steps than it was begun with: its last phase goes on."""

from dataclasses import replace

from maze_rl.configs.training import RunConfig
from maze_rl.errors import ConfigurationError


def taught_steps(run: RunConfig) -> int:
    """Return the steps of a run that are not rounds of self-play."""
    return sum(phase.steps for phase in run.training.phases if phase.spin is None)


def lengthened(run: RunConfig, steps: int) -> RunConfig:
    """Return a run whose last phase is longer, so that it has `steps` steps in all.

    The learning rate is from there on that of a schedule of the new length; warm-up and the sizes of earlier phases
    stay as they are.

    Args:
        run: A run, finished or not.
        steps: Steps in all, rounds of self-play not counted.

    Raises:
        ConfigurationError: The run has more steps already, or its last phase cannot go on.
    """
    has = taught_steps(run)
    if steps == has:
        return run
    if steps < has:
        raise ConfigurationError(f"steps is {steps}, and the run has {has} already: to go on, give more (--steps).")
    *before, last = run.training.phases
    if last.stands_alone:
        kind = "a round of self-play" if last.spin is not None else "the training of adapters"
        raise ConfigurationError(
            f"the run ends with {kind}, which cannot be longer afterwards: begin a new run from its model "
            "(--start-from RUN --steps N --out NEW)."
        )
    phases = (*before, replace(last, steps=last.steps + steps - has))
    return replace(run, training=replace(run.training, phases=phases))
