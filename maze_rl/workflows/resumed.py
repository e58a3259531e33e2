"""What a run goes on with: the configuration of its folder, compared with what is given again, with more steps."""

from collections.abc import Callable, Collection
from os import PathLike

from maze_rl.configs.longer_run import lengthened, taught_steps
from maze_rl.configs.training import RunConfig
from maze_rl.workflows.run_folder import RunFolder

EVALUATION_MAZES = "evaluation_mazes"
"""What a run's record calls the mazes per size of its evaluation."""


def resumed(
    out: str | PathLike[str],
    steps: int | None = None,
    asked: Callable[[int, int], RunConfig] | None = None,
    named: Collection[str] = (),
) -> RunConfig:
    """Return the configuration of the run in `out`, to go on with.

    Args:
        out: The run's folder.
        steps: Steps in all, rounds of self-play not counted; None for as many as it has.
        asked: Makes the configuration of the settings that are given again, from the steps the run was begun with,
            rounds of self-play not counted and in all; None where none are.
        named: The settings that are given again, to be named in the error.

    Raises:
        CheckpointError: There is no run in `out`, or its configuration cannot be read.
        OtherSettingsError: A setting given again is another one.
        ConfigurationError: The run cannot have so many steps.
    """
    folder = RunFolder(out)
    saved = folder.open()
    if asked is not None:
        rounds = saved.training.steps - taught_steps(saved)
        again = asked(folder.first_steps() - rounds, folder.first_steps())
        if again.training.steps < saved.training.steps:  # the run was lengthened since
            again = lengthened(again, taught_steps(saved))
        folder.open(again, named)
    return saved if steps is None else lengthened(saved, steps)


def evaluation_mazes_of(out: str | PathLike[str], usual: int) -> int:
    """Return how many mazes per size the run in `out` is evaluated on: what it was begun with, or `usual`."""
    return int(RunFolder(out).read_config().get(EVALUATION_MAZES, usual))
