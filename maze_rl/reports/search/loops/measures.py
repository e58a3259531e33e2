"""Numbers that the page of a model with loops and its JSON share."""

from collections.abc import Mapping

import numpy as np

from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.interp.attention.cell_kernel import CellKernel
from maze_rl.interp.inputs.algorithm_clocks import either_rounds
from maze_rl.interp.inputs.cell_features import degrees
from maze_rl.interp.interventions.hidden_cells import BINS
from maze_rl.interp.interventions.midway_edits import MidwayEdit
from maze_rl.interp.interventions.transplanted_states import Transplants
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.intervals import Interval

Ranges = Mapping[tuple[int, int], Interval]
"""(fewest, most) steps -> a rate."""
_LATER = (1, 2, 4, 8, 16, 32)
_BOUNDLESS = 400


def right_by_look_ahead(answers: LoopAnswers, seed: int) -> Ranges:
    """Return which share of cells, of two open sides or more, is right in the end, by the look-ahead they need."""
    mazes = answers.mazes
    rounds, counted = either_rounds(mazes), answers.asked & (degrees(mazes) >= 2)
    found = {}
    for low, high in BINS:
        where = counted & (rounds >= low) & (rounds <= high)
        if where.any():
            sums = (answers.right[:, -1] & where).sum(axis=1), where.sum(axis=1)
            columns = (each[:, None].astype(np.float64) for each in sums)
            (found[low, high],) = rates_over_layouts(layouts_of(mazes), *columns, seed=seed)
    return found


def second_source(transplants: Transplants, seed: int, *, control: bool = False) -> dict[int, Ranges]:
    """Return, by loops later, which share of cells goes to the cell that was given another state, by steps from it."""
    last = transplants.answers.moves.shape[1]
    loops = [transplants.loop + later for later in _LATER if transplants.loop + later <= last]
    return {loop - transplants.loop: _known(transplants.following(loop, control=control, seed=seed)) for loop in loops}


def change_followed(change: MidwayEdit, seed: int) -> dict[int, Ranges]:
    """Return, by loops after the change, which share of cells is right in the new maze, by steps from the change."""
    last = change.answers.moves.shape[1]
    loops = [change.loop, *(change.loop + later for later in _LATER if change.loop + later <= last), last]
    return {loop - change.loop: change.following(loop, seed=seed) for loop in sorted(set(loops))}


def middle_layers(kernel: CellKernel, loops: int) -> range:
    """Return the layers of the middle loop, as they count on."""
    per_loop = kernel.mass.shape[0] // loops
    return range(loops // 2 * per_loop, (loops // 2 + 1) * per_loop)


def neighbour_attention(kernel: CellKernel, loops: int, seed: int) -> dict[str, dict[str, Interval]]:
    """Return, of every head of the middle loop, what itself, an open and a walled neighbour, and other cells get."""
    heads = kernel.mass.shape[1]
    opened, walled = kernel.neighbours(seed=seed)
    own, other = kernel.share("own cell", seed=seed), kernel.share("other cells", seed=seed)
    return {
        f"L{layer}H{head}": {"own": own[at], "open": opened[at], "walled": walled[at], "other": other[at]}
        for layer in middle_layers(kernel, loops)
        for head in range(heads)
        for at in [layer * heads + head]
    }


def range_text(steps: tuple[int, int]) -> str:
    """Return a range of steps in a few words."""
    low, high = steps
    return f"{low}" if low == high else f"{low} or more" if high >= _BOUNDLESS else f"{low} to {high}"


def _known(ranges: Ranges) -> Ranges:
    return {steps: rate for steps, rate in ranges.items() if np.isfinite(rate.value)}
