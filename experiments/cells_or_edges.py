"""Is a maze better listed as its cells, each with its open sides, or as its open edges, where a model learns to search?

Both arms are the default run on small mazes: a visible prompt, many starts, loops, stray tokens of their own kind. The
list of a tree has one token less as edges; an edge names two cells, a cell all its neighbours.
Expectation: cells first: a cell's token gathers what its neighbours say, an edge has to be found from both ends.
Cost: 6 runs of about four minutes of one core.
"""

from maze_rl.configs.changes import change_run
from maze_rl.configs.experiment import Experiment
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged; large is the default run itself."""
    sizes, steps = ((5, 6, 7, 8, 9), None) if large else ((3, 4, 5), 600)
    base = default_run(MazeSpec(sizes=sizes, split="train"), device="cpu", steps=steps)
    arms = {form: change_run(base, format=form) for form in ("edges", "cells")}
    tested = (5, 7, 9, 12) if large else (5, 6, 8, 10)
    return Experiment(
        arms=arms,
        control="edges",
        seeds=3,
        test_sizes=tested,
        test_mazes=300,
        judged=tuple(f"{what}@{size}" for size in tested for what in ("shortest", "path_loss")),
    )
