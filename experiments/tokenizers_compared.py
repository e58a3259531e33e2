"""Which way of writing mazes as tokens is learned fastest?

One id per lattice edge, one per cell, a row and a column token per cell, and coordinates spelled out. All arms see the
same mazes for as many steps; spelled-out formats need several times the tokens for a maze, which the curves by tokens
show. The path loss is per decision, whatever a cell is written with.
Expectation: edges first by far; spelled-out coordinates last.
Cost: 12 runs of about a minute of one core, several minutes for coordinate_tuples.
"""

from maze_rl.configs.experiment import Experiment, small_run

FORMATS = ("edges", "unique_cells", "row_column", "coordinate_tuples")


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    arms = {name: small_run(large=large, format=name, embedding="free", positions="rotary") for name in FORMATS}
    return Experiment(arms=arms, control="edges", seeds=3)
