"""Do lenses name the next cells of the path before the model says them: the logit lens, and a Jacobian lens?

At every cell of the path with three more, a lens is asked which of the cells one, two and three steps on by open ways
the path takes. The logit lens reads a stream as if it were the last; the Jacobian lens first carries it on by the mean
Jacobian to the end, over walks through training mazes. Cells are read where the path writes them and, where the prompt
lists cells, there too.

Expect the next cell to be named early, cells beyond it later and less surely, as the model never says them at this
place; and the Jacobian lens to lead, as what is meant for later steps counts for it too. Two minutes on one core.
"""

# %% parameters
run = "maze-5to9-cpu"
out = "studies/named_early"
size = 7
num = 100
fitted = 32
seed = 0

# %% [markdown] Fitted on training mazes, asked of test mazes
# The mean Jacobian takes one backward pass for each dimension of the stream. The layer at which each lens is best is
# chosen on training mazes that it was not fitted on.

# %% Ask both lenses at some layers
from typing import Any

import numpy as np

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.activations.jacobian_lens import AHEAD, Lens, Source, fit_jacobian_lens, next_cells
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.model_files import load_model
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure

model = load_model(run)
tokenization = tokenization_of(model)
most = model.cfg.n_layers - 1
layers = tuple(np.unique(np.linspace(0, most, min(most + 1, 8)).round().astype(int)).tolist())


def walks(split: str, count: int, stream: int) -> Decisions:
    """Return the decisions of some mazes."""
    spec = spec_from_arguments(sizes=(size,), algorithm="dfs", split=split)
    return find_decisions(tokenization, generate_mazes(spec, np.arange(count), stream).batches[0], seed=seed)


shown, others, asked = walks("train", fitted, seed), walks("train", num, seed + 1), walks("test", num, seed)
lenses: tuple[Lens, ...] = ("logit", "jacobian")
sources: tuple[Source, ...] = ("path", "prompt") if tokenization.layout.lists_cells else ("path",)
found, gains = {}, {}
for source in sources:
    lens = fit_jacobian_lens(model, shown, source=source, layers=layers)
    chosen_on, found[source] = next_cells(model, lens, others), next_cells(model, lens, asked)
    gains[source] = found[source].gain_at_best(chosen_on, seed)
counted = found["path"].chance < 1
chance = float(found["path"].chance[counted].mean())
print(f"By chance {chance:.2f} are right: cells 1, 2 and 3 steps on, where there are several ({counted.sum(axis=0)}).")
for source, each in found.items():
    for name in lenses:
        rates = each.rates(name, seed)
        print(f"read in the {source}, {name} lens: " + ", ".join(map(stated_interval, rates)))
    print(
        f"read in the {source}, best layer against best layer: {stated_interval(gains[source])} for the Jacobian lens"
    )

# %% One step after another
by_step: dict[str, dict[str, Any]] = {}
for source, each in found.items():
    last = {name: getattr(each, name)[:, -1] for name in lenses}
    by_step[source] = {
        name: [float(right[:, step][counted[:, step]].mean()) for step in range(AHEAD)] for name, right in last.items()
    }
    shown_rates = "; ".join(
        f"{name} {', '.join(f'{rate:.2f}' for rate in row)}" for name, row in by_step[source].items()
    )
    print(f"read in the {source} after the last layer, 1 to {AHEAD} steps on: {shown_rates}")

# %% One figure
curves = {
    f"{source}: {name} lens": dict(zip(layers, each.rates(name, seed), strict=True))
    for source, each in found.items()
    for name in lenses
}
curves["chance"] = dict.fromkeys(layers, chance)
keep(curves_figure(curves, labels=("read after layer", "choices right"), grey=["chance"]), out, "lenses")

# %% [markdown] What this does not show
# - That what a lens reads is used, or that what it cannot read is not there: a probe may read it.
# - What lenses of single mazes would show. A mean over mazes keeps what is the same in all of them, and which way leads
#   on is not.
