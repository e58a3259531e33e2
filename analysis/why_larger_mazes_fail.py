"""What goes wrong in mazes larger than those of training: too few loops, attention spread thin, or cells too far away?

A model with loops that is right nearly everywhere at 9x9 is wrong more often at 12x12 and 15x15. Three accounts can be
told apart: the search needs more loops than there are; attention is spread over more cells, or falls on offsets that no
maze of training has; or what is passed on fades on long ways. Each says something about cells near and far.

Expect attention at offsets that were never seen to be to blame, as with positions that were never seen. Three minutes
on one core.
"""

# %% parameters
run = "maze-5to9-cpu"
out = "studies/why_larger_mazes_fail"
trained = 9
larger = (12, 15)
num = 24
limit = 5
seed = 0

# %% [markdown] More loops
# All cells are asked after as many loops as the model is kept with, and after three times as many. If loops were too
# few, cells that need a look-ahead of more steps than the model has loops would become right with more of them.

# %% Right after one and three times the loops
import numpy as np

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop
from maze_rl.interp.attention.cell_kernel import cell_kernel
from maze_rl.interp.inputs.algorithm_clocks import either_rounds
from maze_rl.interp.inputs.cell_features import degrees
from maze_rl.interp.interventions.hidden_cells import BINS, hide_far_cells
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.intervals import Interval
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.model_files import load_model
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure

model = load_model(run)
loops, heads = model.loops, model.cfg.n_heads
sizes = (trained, *larger)


def drawn(side: int) -> MazeBatch:
    """Return test mazes of one size."""
    spec = spec_from_arguments(sizes=(side,), algorithm="dfs", split="test")
    return generate_mazes(spec, np.arange(num), seed).batches[0]


def right_by_look_ahead(answers: LoopAnswers, loop: int) -> dict[int, Interval]:
    """Return the share of cells right after a loop, by the most steps of each range of look-ahead."""
    mazes = answers.mazes
    rounds, counted = either_rounds(mazes), answers.asked & (degrees(mazes) >= 2)
    found = {}
    for place, (low, high) in enumerate(BINS):
        where = counted & (rounds >= low) & (rounds <= high)
        if where.any():
            sums = (where & answers.right[:, loop - 1]).sum(axis=1), where.sum(axis=1)
            columns = (each[:, None].astype(float) for each in sums)
            (found[place],) = rates_over_layouts(layouts_of(mazes), *columns, seed=seed)
    return found


ranges = {place: f"{low} to {high}" if high < 400 else f"{low} and more" for place, (low, high) in enumerate(BINS)}
asked = {side: answers_by_loop(model, drawn(side), loops=3 * loops, seed=seed) for side in sizes}
curves = {
    f"{side}x{side}, {number} loops": right_by_look_ahead(asked[side], number)
    for side in sizes
    for number in (loops, 3 * loops)
}
for name, row in curves.items():
    print(f"{name}: " + ", ".join(f"{ranges[place]} {stated_interval(rate)}" for place, rate in row.items()))
keep(
    curves_figure(curves, labels=("look-ahead a cell needs, steps", "cells that are right"), ticks=ranges), out, "loops"
)

# %% [markdown] Attention in larger mazes
# Of every head in the middle loop: what an open neighbour and a walled one get, the entropy, and the share that falls
# on offsets no maze of training has. A head that keeps to openings gives them as much in a larger maze as before.

# %% Attention under size shift
layers = model.cfg.n_layers // loops
middle = [loops // 2 * layers + layer for layer in range(layers)]
kernels = {side: cell_kernel(model, drawn(side), seed=seed) for side in sizes}
for layer in middle:
    for head in range(heads):
        told = []
        for side, kernel in kernels.items():
            (opened, walled), at = kernel.neighbours(seed=seed), layer * heads + head
            entropy, beyond = kernel.entropies(seed=seed)[at].value, kernel.beyond(trained, trained)[layer, head]
            told.append(
                f"{side}x{side} open {opened[at].value:.2f}, walled {walled[at].value:.2f}, entropy {entropy:.1f}, "
                f"beyond {beyond:.3f}"
            )
        print(f"L{layer}H{head}: {'; '.join(told)}")

# %% [markdown] Far cells hidden
# All heads, in all loops, are kept from looking at cells far away: first at those at offsets that no maze of training
# has, then at all that are a few rows or columns away. The control hides as many other cells. If attention to far cells
# misleads, right answers come back; if it carries the search, they get fewer.

# %% What is lost and what comes back
hidden = {
    (side, number): hide_far_cells(model, drawn(side), limit=number, seed=seed)
    for side in larger
    for number in (limit, trained)
}
for (side, number), found in hidden.items():
    for bounds, seen in found.by_look_ahead(seed=seed).items():
        print(
            f"{side}x{side}, cells {number} and more away hidden, look-ahead {ranges[BINS.index(bounds)]}: "
            f"{stated_interval(seen.plain)}, hidden {stated_interval(seen.hidden)} more, as many others "
            f"{stated_interval(seen.control)} more"
        )
shown = hidden[larger[0], limit]
drawn_curves = {
    "all in sight": right_by_look_ahead(shown.plain, loops),
    f"{limit} and more away hidden": right_by_look_ahead(shown.hidden, loops),
    "as many others hidden": right_by_look_ahead(shown.control, loops),
}
labels = ("look-ahead a cell needs, steps", "cells that are right")
keep(curves_figure(drawn_curves, labels=labels, grey=["as many others hidden"], ticks=ranges), out, "hidden")

# %% [markdown] What this does not show
# - Why what is passed on fades on long ways; the study says only which accounts it is not.
# - Anything about walks: cells are asked alone, without the path behind them.
# - Other models: one that was trained to carry further may fail otherwise.
