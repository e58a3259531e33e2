"""When in training do the parts of a search appear: looking through openings, a state that spreads, longer paths?

`maze-5to9-cpu` comes with the weights after 20 to 2000 of its 2200 steps. Each of these is asked the same questions on
the same test mazes: does the head that ends up looking through openings do so yet? Can how far ahead a cell must look
be read from its stream, beyond what a look around tells? How far from the target are cells right?

Expect the head first, then cells close to the target, then the state and with it cells further away: nothing can spread
before cells look at their open neighbours. Two minutes on one core.
"""

# %% parameters
run = "maze-5to9-cpu"
out = "studies/when_it_learns"
size = 7
num = 80
seed = 0

# %% [markdown] One head
# The head is chosen once, in the trained model and on mazes of its own: the one that gives an open neighbour more than
# a walled one by most. What it does at each checkpoint is then measured on other mazes, so nothing is selected there.

# %% The head that looks through openings
import numpy as np

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import answers_by_loop
from maze_rl.interp.attention.cell_kernel import cell_kernel
from maze_rl.interp.inputs.cell_features import degrees
from maze_rl.interp.maze_draws import layouts_of, rates_over_layouts
from maze_rl.interp.probes.cell_probes import probe_cells
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.model_files import checkpoint_steps, load_model
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure

trained, kept = load_model(run), checkpoint_steps(run)
if not kept:
    raise ConfigurationError(f"{run}: no checkpoints lie beside this model: use one with some, such as maze-5to9-cpu.")
loops = trained.loops
spec = spec_from_arguments(sizes=(size,), algorithm="dfs", split="test")
mazes, others = (generate_mazes(spec, np.arange(num), each).batches[0] for each in (seed, seed + 1))
few = np.arange(min(num, 24))


def looks(model, shown) -> tuple[np.ndarray, list, list]:
    """Return by how much more an open neighbour gets than a walled one, head by head; and both with intervals."""
    opened, walled = cell_kernel(model, shown.take(few), seed=seed).neighbours(seed=seed)
    return np.array([o.value - w.value for o, w in zip(opened, walled, strict=True)]), opened, walled


gains, _, _ = looks(trained, others)
middle = loops // 2 * trained.cfg.n_layers // loops * trained.cfg.n_heads
best = int(middle + gains[middle : middle + trained.cfg.n_layers // loops * trained.cfg.n_heads].argmax())
layer, head = divmod(best, trained.cfg.n_heads)
print(f"L{layer}H{head}, in loop {loops // 2 + 1} of {loops}: {gains[best]:.2f} more for an open neighbour.")

# %% [markdown] Every checkpoint
# The probe reads min(d, h), the steps one must look ahead at a cell, from its stream in the middle loop, beyond what is
# known one step around; only cells with three or more count. Its control is the network before training. Cells are
# right where their likeliest answer, asked alone after all loops, is a shortest move; cells with one open side are left
# out.

# %% The same questions of all of them
bins = ((1, 4), (5, 8), (9, 16), (17, 60))
steps = [*kept, int(trained.about["steps"])]
curves: dict[str, dict[int, object]] = {"attention: open": {}, "attention: walled": {}, "look-ahead, probed": {}}
right: dict[str, dict[int, object]] = {f"d {low} to {high}": {} for low, high in bins}
control = probe_cells(untrained_twin(trained), mazes, loops=(loops // 2,), seed=seed)
for step in steps:
    model = trained if step == steps[-1] else load_model(run, checkpoint=step)
    _, opened, walled = looks(model, mazes)
    curves["attention: open"][step], curves["attention: walled"][step] = opened[best], walled[best]
    probe = probe_cells(model, mazes, loops=(loops // 2,), seed=seed).probes["look-ahead"]
    curves["look-ahead, probed"][step] = probe.scores[0]
    answers = answers_by_loop(model, mazes, seed=seed)
    found = answers.right[:, -1] & (degrees(mazes) >= 2)
    for (low, high), row in zip(bins, right.values(), strict=True):
        counted = (answers.distances >= low) & (answers.distances <= high) & (degrees(mazes) >= 2)
        sums = ((each & counted).sum(axis=1)[:, None].astype(float) for each in (found, counted))
        (row[step],) = rates_over_layouts(layouts_of(mazes), *sums, seed=seed)
untrained = control.probes["look-ahead"].scores[0]
for name, row in (curves | right).items():
    print(f"{name}: " + ", ".join(f"{step} {stated_interval(each)}" for step, each in row.items()))
print(
    f"look-ahead, probed in the untrained network: {stated_interval(untrained)}; in the trained one with the labels of "
    f"other mazes: {stated_interval(probe.other_mazes[0])}"
)

# %% One figure of each
ticks = {place: str(step) if step < 1000 else f"{step / 1000:g}k" for place, step in enumerate(steps)}
together = curves | {"cells right, d 9 to 16": right["d 9 to 16"]}


def placed(rows: dict[str, dict[int, object]]) -> dict[str, dict[int, object]]:
    """Return curves with checkpoints side by side, whatever lies between them."""
    return {name: {steps.index(step): each for step, each in row.items()} for name, row in rows.items()}


keep(
    curves_figure(placed(together), labels=("training step", "share"), grey=["attention: walled"], ticks=ticks),
    out,
    "parts",
)
keep(curves_figure(placed(right), labels=("training step", "cells that are right"), ticks=ticks), out, "solved")

# %% [markdown] What this does not show
# - That one causes the other: that one comes first is what a cause would need, no more.
# - Anything between checkpoints, or of another run: this is one seed. The first four checkpoints were made later, on
#   another machine.
# - That a probe's variable is used; the study of how the model searches has the causal tests.
