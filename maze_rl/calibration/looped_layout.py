"""What all hand-built models with loops have in common: the parts of their stream, and how a loop changes it.

The stream of a position has three kinds of blocks:

- what its token says (`TOKEN_FIELDS`, `TOKEN_FLAGS`): recalled before every loop, so a loop clears it at its end;
- what attention has just brought (`brought`): each loop's MLP reads it and clears it;
- what a loop leaves to the next (all others): the MLP writes it anew.

So a loop reads what the loop before left, and the same weights serve all loops.
"""

from collections.abc import Sequence

from numpy import ndarray

from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.weights import Head, Neurons, Weights

TOKEN_FLAGS = ("one", "first", "path_start", "is_named")
"""`first` is the token that takes attention where nothing fits; `is_named` marks a plain cell: target or path."""
KEPT_FIELDS = ("goal", "around", "next", "visited")
"""`goal` is the target's cell; `around`, at a path's cell, its open neighbours; `next` the one chosen."""
KEPT_FLAGS = ("ready", "on_path", "arrived", "nearness", "filled")
"""`ready` once the target is known; `nearness` counts loops since a wave came by, `filled` those since a dead end was
filled."""
SURE = 60.0
"""Inverse temperature of attention by which alike scores have alike weights."""
NOISE = -0.6
"""Bias of a wave's step: the rounding errors of cells not reached must not grow from loop to loop."""
PREFERENCE = 4.0
"""Score of a round of nearness: neighbouring cells, two rounds apart, are chosen between at more than a thousand to
one, edges, one round apart, at fifty to one."""


def brought(name: str) -> str:
    """Return the name of the block in which attention brings `name`."""
    return f"brought {name}"


def bring(head: Head, at: ResidualLayout, source: str, name: str) -> None:
    """Let `head` copy the block `source` of what it looks at to where `name` is brought."""
    head.copy(at[source], at[brought(name)])


def or_nothing(head: Head, at: ResidualLayout, score: float) -> None:
    """Let `head` look at the first token where nothing scores more than `score`, in units of `SURE`."""
    head.match(at["one"], at["first"], score * SURE)


def find_goal(weights: Weights, number: int) -> None:
    """Bring the target to every position: the one plain cell of the prompt, which is all that a prompt sees.

    Cells of the path are plain cells too, so where they are seen they are told apart by `on_path`, from the second
    loop on.
    """
    at, head = weights.layout, weights.head(0, number)
    head.match(at["one"], at["is_named"], SURE)
    head.match(at["one"], at["on_path"], -2 * SURE)
    or_nothing(head, at, 0.5)
    bring(head, at, "named", "goal")
    bring(head, at, "is_named", "ready")


def find_path(weights: Weights, number: int) -> None:
    """Tell the path from the prompt: it alone sees ``<PATH_START>``."""
    at, head = weights.layout, weights.head(0, number)
    head.match(at["one"], at["path_start"], SURE)
    or_nothing(head, at, 0.5)
    bring(head, at, "path_start", "on_path")


def find_visited(weights: Weights, number: int) -> None:
    """Bring which open neighbours of a path's cell stand on the path already."""
    at, head = weights.layout, weights.head(0, number)
    head.match(at["around"], at["named"], SURE)
    head.match(at["one"], at["on_path"], SURE)
    or_nothing(head, at, 1.5)
    bring(head, at, "named", "visited")


def prefer(head: Head, at: ResidualLayout, most_loops: int) -> float:
    """Let `head` prefer what a wave reached sooner and what filling leaves longer; return the score a fit must have."""
    head.match(at["one"], at["nearness"], PREFERENCE)
    head.match(at["one"], at["filled"], -PREFERENCE)
    return PREFERENCE * most_loops + SURE


def spread(neurons: Neurons, at: ResidualLayout, readings: Sequence[tuple[ndarray, float]]) -> None:
    """Count a loop more where a wave came by, and reach what the readings say."""
    neurons.add([(at["reached"], 1.0)], 0.0, at["nearness"], 1.0)
    neurons.step([*readings, (at["reached"], 4.0)], at["reached"], bias=NOISE)
    neurons.clear(at["reached"])


def fill(neurons: Neurons, at: ResidualLayout, dead: str, found: str, share: str, target: str) -> None:
    """Count a loop more where a dead end was filled, and fill where all ways but one are dead.

    Args:
        neurons: The MLP.
        at: The parts of the stream.
        dead: What is filled.
        found: Where what is dead around it was brought.
        share: Where the share of one was brought.
        target: What is never filled.
    """
    neurons.add([(at[dead], 1.0)], 0.0, at["filled"], 1.0)
    readings = [
        (at[brought(found)], 40.0),
        (at[brought(share)], 80.0),
        (at[target], -400.0),
        (at[dead], 400.0),
        (at["ready"], 400.0),
        (at["first"], -400.0),  # what takes attention holds nothing
    ]
    neurons.step(readings, at[dead], bias=-36.0 - 400.0)
    neurons.clear(at[dead])


def meet(neurons: Neurons, at: ResidualLayout, cell: str, flag: str) -> None:
    """Set `flag` where the target is the cell of the token's block `cell`."""
    neurons.clear(at[flag])
    neurons.add([(at[brought("goal")], 1.0), (at[cell], 1.0)], -1.0, at[flag], 1.0)


def keep(neurons: Neurons, at: ResidualLayout, names: Sequence[str]) -> None:
    """Let the blocks `names` become what was brought for them."""
    for name in names:
        neurons.become(at[name], [(at[brought(name)], 1.0)])


def tidy(neurons: Neurons, at: ResidualLayout, token_fields: Sequence[str]) -> None:
    """Clear what the token says and what attention brought."""
    for name in (*at.fields, *at.flags):
        if name in (*token_fields, *TOKEN_FLAGS) or name.startswith(brought("")):
            neurons.clear(at[name])
