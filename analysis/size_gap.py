"""Does a model do worse on larger mazes because they are larger, or because their paths are longer?

Mazes larger than those of training have longer shortest paths, and a longer path has more places to go wrong: a drop
with size says little by itself. Here a model walks mazes of sizes inside and outside its training, beside walkers
without a model on the same mazes. Then sizes are compared at equal path length: what the sizes of training would
score with the path lengths of the larger mazes is computed, and the gap is cut in two, a part due to length and a
part that is left for size. Decisions with the right path so far (teacher forcing) show the same without the piling up
of errors.

The answer depends on how the model was trained: cells that stood at few places of the canvas cost accuracy by size
alone, whatever the path. Without a model that is right on its own sizes, there is little gap to explain. About a
minute of one core.
"""

# %% imports
import numpy as np
from matplotlib.figure import Figure

from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.length_bins import LENGTH_BINS
from maze_rl.intervals import Interval
from maze_rl.models.model_files import load_model
from maze_rl.reports.palette import ERROR_COLOURS, light
from maze_rl.reports.pooling import pool
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.seeding import numpy_generator
from maze_rl.workflows.evaluate import evaluate

# %% parameters
run = "maze-5to9-causal"
out = "studies/size_gap"
sizes = (5, 7, 9, 10, 11, 12)
num = 150
seed = 0

# %% [markdown] Walks on mazes of each size
# All mazes are from the test split: nothing trained on them, whatever their size. A walk is greedy, and right if it
# is a shortest path from origin to target, ended there. Manhattan greedy knows the walls around it and takes the open
# neighbour nearest to the target; look-ahead 4 also sees the target and closed branches within four steps.

# %% Evaluate
model = load_model(run)
trained = [size for size in model.about.get("sizes", ()) if isinstance(size, int)]
walked = [size for size in sizes if size <= model.tokenization.canvas]
if not set(walked) & set(trained) or set(walked) <= set(trained):
    raise ConfigurationError(
        f"{run} was trained on sizes {', '.join(map(str, trained)) or 'that are not recorded'}: of the sizes {walked}, "
        "which fit its canvas, some must be among these and some not; set `sizes` in the study's parameters."
    )
result = evaluate(model, walked, num, seed=seed)
print(f"{run} was trained on sizes {', '.join(map(str, trained))}; its canvas is of size {model.tokenization.canvas}.")
for row in result.rows:
    where = "inside" if row.in_training_range else "outside"
    against = "{:+.2f} ({:+.2f} to {:+.2f})".format(*list(vars(row.against_manhattan).values())[:3])
    print(
        f"size {row.size}, {where}: shortest paths {row.shortest.value:.2f} "
        f"({row.shortest.low:.2f} to {row.shortest.high:.2f}), less Manhattan greedy {against}."
    )

# %% By size


def interval(estimate):
    """Return an estimate as an interval."""
    return Interval(estimate.value, estimate.low, estimate.high)


names = {"manhattan": "Manhattan greedy", "look_ahead_4": "look-ahead 4", "untrained": "untrained"}
curves = {run: {row.size: interval(row.shortest) for row in result.rows}}
for key, name in names.items():
    curves[name] = {row.size: interval(row.baselines[key]) for row in result.rows}
inside = [row.size for row in result.rows if row.in_training_range]
band = (min(inside) - 0.4, max(inside) + 0.4, "sizes of training")
keep(
    curves_figure(curves, labels=("cells per side", "shortest paths"), grey=list(names.values()), band=band),
    out,
    "by_size",
)

# %% [markdown] The same walks by path length
# Each maze goes into a bin of path lengths; sizes inside and outside training are pooled. If length were all, the two
# curves would lie on each other wherever both have mazes.

# %% Inside and outside at equal length
sides = {"sizes of training": inside, "other sizes": [row.size for row in result.rows if not row.in_training_range]}
starts = [low for low, _ in LENGTH_BINS] + [LENGTH_BINS[-1][1] + 1]
bins = {
    name: {
        place: pool([cell.shortest for cell in result.grid if cell.size in of and cell.low == low])
        for place, low in enumerate(starts)
    }
    for name, of in sides.items()
}
by_length = {name: {place: interval(one) for place, one in found.items() if one} for name, found in bins.items()}
ticks = {place: f"{low}–{high}" for place, (low, high) in enumerate(LENGTH_BINS)} | {len(LENGTH_BINS): f"{starts[-1]}+"}
ticks = {place: name for place, name in ticks.items() if any(place in found for found in by_length.values())}
keep(curves_figure(by_length, labels=("steps of the shortest path", "shortest paths"), ticks=ticks), out, "by_length")

# %% [markdown] The gap in two
# With r(b) the rate inside training in bin b, and n(b) the number of mazes outside: sum n(b) r(b) / sum n(b) is what
# the model would score outside if only length mattered. From the rate inside to this is the part of length; from this
# to the rate outside, what is left for size. Bins in which one of the two sides has fewer than 10 mazes are left out,
# and what that leaves out is said. Intervals: rates drawn from their posteriors (Jeffreys), bin by bin, where mazes of
# one layout count as fewer than they are.

# %% Length and size
num_in, num_out = (np.array([one.num if one else 0 for one in found.values()]) for found in bins.values())
shared = [place for place in range(len(starts)) if num_in[place] >= 10 and num_out[place] >= 10]
if not shared:
    raise ConfigurationError(f"no path length has 10 mazes inside and outside: num is {num}, use more.")
kept_in, kept_out = num_in[shared].sum() / num_in.sum(), num_out[shared].sum() / num_out.sum()
print(f"Compared are bins with {kept_in:.0%} of the mazes inside and {kept_out:.0%} of those outside.")
random = numpy_generator(seed, "size_gap")


def drawn(found):
    """Return the rates of the bins compared, [draw, bin]: as they are, then 4000 times drawn."""
    compared = [found[place] for place in shared]
    rates, independent = (np.array([getattr(one, what) for one in compared]) for what in ("value", "effective"))
    draws = random.beta(rates * independent + 0.5, (1 - rates) * independent + 0.5, (4000, len(shared)))
    return np.vstack([rates, draws])


rates_in, rates_out = map(drawn, bins.values())
weights_in, weights_out = (total[shared] / total[shared].sum() for total in (num_in, num_out))
parts = {
    "gap": rates_in @ weights_in - rates_out @ weights_out,
    "of it, path length": rates_in @ weights_in - rates_in @ weights_out,
    "of it, left for size": (rates_in - rates_out) @ weights_out,
}
gaps = {name: Interval(values[0], *np.quantile(values[1:], (0.025, 0.975))) for name, values in parts.items()}
for name, gap in gaps.items():
    print(f"{name}: {stated_interval(gap)}.")
length_counts, size_counts = (gaps[name].low > 0 for name in ("of it, path length", "of it, left for size"))
print(
    {
        (True, True): "Longer paths and the size itself both cost accuracy.",
        (True, False): "Longer paths explain the gap; no cost of the size itself is seen beyond them.",
        (False, True): "The size itself costs accuracy, beyond what longer paths do.",
        (False, False): "Neither part can be told from nothing with so many mazes.",
    }[length_counts, size_counts]
)

# %% [markdown] Single decisions
# Asked about each cell of the shortest path, with the right path so far, the model cannot pile up errors. Only forks
# are decisions; at all other cells one step is open. A drop here is a drop of the decision itself, not of path
# length, though larger mazes also have forks that need more look-ahead.

# %% Fork accuracy by size
rows = {row.size: row for row in result.teacher_forced}
forced = {
    "at forks": {size: interval(row.fork_accuracy) for size, row in rows.items() if row.fork_accuracy},
    "where one step is open": {
        size: interval(row.forced_accuracy) for size, row in rows.items() if row.forced_accuracy
    },
    "mass on open steps": {size: interval(row.legal_mass) for size, row in rows.items()},
}
for size, rate in forced["at forks"].items():
    print(f"size {size}: right at forks {stated_interval(rate)}.")
labels = ("cells per side", "accuracy, with the right path so far")
keep(curves_figure(forced, labels=labels, grey=["mass on open steps"], band=band), out, "forks")

# %% Where walks first go wrong
errors = {row.size: row for row in result.first_errors}
for size, row in errors.items():
    if row.mean_relative_position is not None and row.mean_look_ahead is not None:
        place, needed = f"{row.mean_relative_position:.0%} of the path", f"a look-ahead of {row.mean_look_ahead:.1f}"
        print(f"size {size}: the first error comes after {place} on average, where {needed} was needed.")
kinds = [kind for kind in next(iter(errors.values())).counts if kind != "none"]
kinds = sorted(kinds, key=lambda kind: -sum(row.counts[kind] for row in errors.values()))[:5]
with figure_style():
    figure = Figure(figsize=(6.4, 2.9))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.1, right=0.72, bottom=0.17, top=0.95)
    bottom = np.zeros(len(errors))
    for kind in kinds:
        share = np.array([row.counts[kind] / row.num for row in errors.values()])
        axes.bar(
            [str(size) for size in errors],
            share,
            bottom=bottom,
            color=light(ERROR_COLOURS.get(kind, "reference-mid")),
            width=0.7,
            label=kind.replace("_", " "),
        )
        bottom += share
    axes.set(xlabel="cells per side", ylabel="share of walks", ylim=(0, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
keep(figure, out, "first_errors")

# %% [markdown] What this does not show
# - Causes. Length is matched; look-ahead, number of forks and tokens of the prompt still differ between sizes, and
#   the part left for size is the part of all of these.
# - Bins are coarse: within one, larger mazes have somewhat longer paths, which counts as size here.
# - Sizes beyond the canvas: the model cannot even write them.
# - Seeds of training: this is one model. Whether a recipe generalizes takes several runs (`maze-rl report RUN...`).
