"""Which algorithm does a model run that solves mazes, how far does it carry, and where in the network is it?

A model with loops may be read after any of them, and where the origin stands on the path all cells of a maze can be
asked at once. So one can watch a search spread, ask of every cell when it becomes right, and compare that with the
rounds that rival algorithms would need: a wave from the target, dead-end filling, both at once, a reach that doubles.
Then: attention between cells as a kernel, patching of flip pairs loop by loop, the state of one cell set anew, and a
maze that changes in the middle of its search.

Expect a cell to be right as soon as either the wave has reached it or the dead ends around it are filled, at a step or
two a loop: who goes by openings alone, step by step, cannot know sooner. Two to three minutes on one core.
"""

# %% parameters
run = "maze-5to9-cpu"
out = "studies/how_it_searches"
size = 9
larger = (12, 15)
num = 100
num_larger = 24
num_pairs = 12
num_changed = 40
shown = (1, 3, 6, 12, 24)
seed = 0

# %% [markdown] Where would every cell go?
# Each picture asks all cells of one maze for their next step, as starts of their own behind the same prompt. Blue: the
# move is a shortest one; orange: it is not.

# %% The search spreading over one maze
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop
from maze_rl.interp.attention.cell_kernel import cell_kernel
from maze_rl.interp.behaviour.rival_algorithms import compare_rivals, settle_loops
from maze_rl.interp.inputs.algorithm_clocks import filling_rounds, wave_rounds
from maze_rl.interp.inputs.cell_features import degrees
from maze_rl.interp.inputs.patching_pairs import flip_tokens, make_pairs, solved_pairs
from maze_rl.interp.inputs.position_groups import position_groups
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.midway_edits import BINS as CHANGE_BINS
from maze_rl.interp.interventions.midway_edits import edit_midway
from maze_rl.interp.interventions.transplanted_states import transplant_target_state
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.model_files import load_model
from maze_rl.reports.palette import light, ramp_level
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.heat_grids import draw_grid
from maze_rl.reports.search.spreading import spreading_figure
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure
from maze_rl.reports.vector_graphics import WIDTH, figure_style

model = load_model(run)
loops, heads = model.loops, model.cfg.n_heads


def asked(side: int, mazes: int) -> LoopAnswers:
    """Ask all cells of some test mazes after every loop."""
    spec = spec_from_arguments(sizes=(side,), algorithm="dfs", split="test")
    return answers_by_loop(model, generate_mazes(spec, np.arange(mazes), seed).batches[0], loops=loops, seed=seed)


answers = asked(size, num)
keep(spreading_figure(answers, 0, [loop for loop in shown if loop <= loops]), out, "spreading")

# %% [markdown] When is a cell right?
# A cell settles at the first loop from which on the shortest moves have a probability of 0.8 or more to the last. On
# one half of the mazes that loop is fitted by a line over each algorithm's rounds; on the other half the line is
# judged by the mean number of loops that it is off.

# %% Rival accounts
rivals = compare_rivals(answers, seed=seed)
print(
    f"{run}, {num} mazes of {size} x {size}, {loops} loops: {100 * rivals.settled.value:.1f} % of the cells with two "
    f"open sides or more settle. Off, in loops, on {rivals.num_cells} cells of {rivals.num_mazes} held-out mazes:"
)
for name, rival in rivals.rivals.items():
    print(
        f"- {name}: {stated_interval(rival.error)}, a constant would be off by {stated_interval(rival.below_constant)} "
        f"more; {stated_interval(rival.loops_per_round)} loops a round."
    )
others = [each.beyond_best.low for name, each in rivals.rivals.items() if name != rivals.best]
print(f"Best on the first half: {rivals.best}. On the second the others are off by {min(others):.2f} more at least.")

# %% Median loop by the rounds of both algorithms
bins = ((1, 2), (3, 4), (5, 8), (9, 16), (17, 24), (25, 40), (41, 400))
named = [f"{low}-{high}" if high < 400 else f"{low}+" for low, high in bins]


def by_rounds(
    values: np.ndarray, counted: np.ndarray, mazes: MazeBatch, statistic: Callable[[np.ndarray], float]
) -> np.ndarray:
    """Return a statistic of the cells in each bin of d (rows) and h (columns); nan where there are fewer than 8."""
    d, h = wave_rounds(mazes), filling_rounds(mazes)
    grid = np.full((len(bins), len(bins)), np.nan)
    for row, (low, high) in enumerate(bins):
        for column, (least, most) in enumerate(bins):
            inside = counted & (d >= low) & (d <= high) & (h >= least) & (h <= most)
            if inside.sum() >= 8:
                grid[row, column] = statistic(values[inside])
    return grid


settled = settle_loops(answers.confidence)
median = by_rounds(settled, answers.asked & (settled > 0), answers.mazes, np.median)
with figure_style():
    figure = Figure(figsize=(WIDTH * 0.62, 3.2), layout="constrained")
    axes = figure.subplots()
    draw_grid(axes, median / np.nanmax(median), rows=named, columns=named, numbered=False)
    for (row, column), value in np.ndenumerate(median / np.nanmax(median)):
        if np.isfinite(value):
            number, colour = f"{median[row, column]:.0f}", light(f"on-ramp-{ramp_level(value)}")
            axes.text(column, row, number, ha="center", va="center_baseline", fontsize=8, color=colour)
    axes.set(xlabel="h, rounds of dead-end filling", ylabel="d, steps to the target")
    axes.set_title("median loop at which a cell settles")
keep(figure, out, "settling")

# %% [markdown] Larger mazes
# The same question of mazes larger than those of training: which cells are right in the end? If the search only ran
# out of loops, cells would fail that are both far and hard to fill, beyond the number of loops. As before, cells with
# one open side are left out: they have one move.

# %% Right at the last loop, by the rounds of both algorithms
kept = {side: asked(side, num_larger) for side in (size, *larger)}
judged = {side: found.asked & (degrees(found.mazes) >= 2) for side, found in kept.items()}
with figure_style():
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    for axes, (side, found) in zip(figure.subplots(1, len(kept), squeeze=False)[0], kept.items(), strict=True):
        right = by_rounds(found.right[:, -1].astype(float), judged[side], found.mazes, np.mean)
        draw_grid(axes, right, rows=named, columns=named)
        axes.set(title=f"{side} x {side}: share right", xlabel="h, rounds of dead-end filling")
    figure.axes[0].set_ylabel("d, steps to the target")
keep(figure, out, "larger")
for side, found in kept.items():
    rounds = np.minimum(wave_rounds(found.mazes), filling_rounds(found.mazes))
    parts = {
        "all": judged[side],
        "within 8 rounds of either algorithm": judged[side] & (rounds <= 8),
        f"within 9 to {loops}": judged[side] & (rounds > 8) & (rounds <= loops),
        "beyond": judged[side] & (rounds > loops),
    }
    rates = []
    for name, where in parts.items():
        if where.any():
            of_mazes = (found.right[:, -1] & where).sum(axis=1), where.sum(axis=1)
            columns = (each[:, None].astype(float) for each in of_mazes)
            (rate,) = rates_over_layouts(layouts_of(found.mazes), *columns, seed=seed)
            rates.append(f"{name} {stated_interval(rate)}")
    print(f"{side} x {side}, {num_larger} mazes, cells right in the end: {', '.join(rates)}.")

# %% [markdown] What do heads look at?
# Mean attention of a cell's token to the cell at each offset, in the middle loop. A head that knows the lattice and not
# the walls would give an open and a walled neighbour the same.

# %% Kernels
per_loop = model.cfg.n_layers // loops
kernel = cell_kernel(model, answers.mazes.take(np.arange(min(num, 24))), seed=seed)
opened, walled = kernel.neighbours(seed=seed)
own, others = kernel.share("own cell", seed=seed), kernel.share("other cells", seed=seed)
pictured = [(loops // 2 * per_loop + layer, head) for layer in range(per_loop) for head in range(heads)]
for layer, head in pictured:
    at = layer * heads + head
    print(
        f"L{layer}H{head}: itself {own[at].value:.2f}, an open neighbour {stated_interval(opened[at])}, a walled one "
        f"{stated_interval(walled[at])}, all cells further away {others[at].value:.2f}."
    )
reach = min(3, size - 1)
window = slice(size - 1 - reach, size + reach)
with figure_style():
    figure = Figure(figsize=(WIDTH, 1.9 * per_loop), layout="constrained")
    for axes, (layer, head) in zip(figure.subplots(per_loop, heads, squeeze=False).ravel(), pictured, strict=True):
        values = kernel.by_offset[layer, head][window, window]
        blank = [""] * len(values)
        draw_grid(axes, values / values.max(), rows=blank, columns=blank, numbered=False)
        axes.set(title=f"L{layer}H{head}, most {values.max():.2f}", aspect="equal")
keep(figure, out, "kernels")

# %% [markdown] Where does the decision travel?
# Flip pairs differ in one edge, in up to four listed cells, and in the right step at a fork. The clean run's stream is
# put into the flipped run, at one loop and one group of positions: 1 where that alone brings the decision back.

# %% Patching by loop
pairs = make_pairs(model.tokenization, size=7, num=4 * num_pairs, depths=(3, 20), max_distance=16, seed=seed)
solved = solved_pairs(model, pairs)
print(solved.text)
pairs = pairs.take(solved.rows[:num_pairs])
patched = patch_map(model, flip_tokens(pairs), groups=position_groups(pairs), seed=seed)
places = [place for place in patched.places if place not in ("origin", "path before", "marks")]
effects = patched.effects[::per_loop, [patched.places.index(place) for place in places]]
with figure_style():
    figure = Figure(figsize=(WIDTH * 0.62, 0.8 + 0.2 * loops), layout="constrained")
    axes = figure.subplots()
    draw_grid(axes, effects, rows=[str(loop + 1) for loop in range(loops)], columns=places, diverging=True)
    axes.set(ylabel="stream that enters loop", title="effect of denoising")
keep(figure, out, "patching")

# %% [markdown] Setting the state of one cell
# In the middle of the search the state of one cell far from the target is replaced, once, by that of the target. If
# cells pass on a wave's state, those around it turn towards it, the nearer ones first. The control gives it the state
# of another far cell. Counted are cells where the way to the target and the way to that cell are different moves.

# %% A second source
when = loops // 2
transplants = transplant_target_state(model, answers.mazes, loop=when, loops=loops, seed=seed)
after = sorted({min(loops, when + later) for later in (1, 2, 4, 8, 16, 32)})
for loop in after:
    told = [
        ", ".join(f"{stated_interval(share)} at {low}-{high}" for (low, high), share in row.items())
        for row in (transplants.following(loop, control=control, seed=seed) for control in (False, True))
    ]
    print(f"{loop - when} loops later, cells that go to it, by steps from it: {told[0]}; control: {told[1]}.")
drawn = [loop for loop in after if loop - when in (2, 4, 8)]
curves = {
    f"{'control, ' * control}{loop - when} later": {
        high: share for (_, high), share in transplants.following(loop, control=control, seed=seed).items()
    }
    for control in (False, True)
    for loop in drawn
}
labels = ("steps from the cell, at most", "cells that go to it")
grey = [name for name in curves if name.startswith("control")]
keep(curves_figure(curves, labels=labels, grey=grey), out, "second_source")

# %% [markdown] A maze that changes in the middle
# After all loops the prompt becomes that of the other member of a flip pair: one edge closed, another opened, the
# target the same. What cells hold stays, and twice as many loops follow. Counted are cells whose shortest moves differ
# between the two.

# %% How a change travels
flips = make_pairs(model.tokenization, size=size, num=num_changed, depths=(2, 60), seed=seed).pairs
changing = edit_midway(model, flips.clean, flips.flipped, loop=loops, loops=3 * loops, seed=seed)
later = [loops + each for each in (0, 2, 4, 6, 10, 14, 22, 2 * loops) if each <= 2 * loops]
followed = {loop: changing.following(loop, seed=seed) for loop in later}
for loop, row in followed.items():
    told = ", ".join(f"{stated_interval(share)} at {low}-{high}" for (low, high), share in row.items())
    print(f"{loop - loops} loops later, cells that are right in the new maze, by steps from the change: {told}.")
travel = {
    f"{low} to {high} steps" if high < 400 else f"{low} steps and more": {
        loop - loops: row[low, high] for loop, row in followed.items() if (low, high) in row
    }
    for low, high in CHANGE_BINS
}
labels = ("loops after the change", "cells right in the new maze")
keep(curves_figure(travel, labels=labels), out, "change")

# %% [markdown] What this does not show
# - That the model computes either algorithm as such: what is compared is when cells are right, not how they come to be.
# - Anything about cells that never settle; their share stands above.
# - That a head is needed for what it looks at. Attention proposes; ablation and patching decide.
# - Why cells fail in larger mazes: the grids say which do.
