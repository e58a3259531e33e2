"""Does a model hold the distances to the target before it takes its first step?

A breadth-first search computes, for every cell, the steps to the target. If a model did so, a linear probe of its
residual stream at the last token of the prompt should read them. But probes are quick to say yes: distances follow in
part from the coordinates, and a network with random weights passes on a good deal of its input. So each probe is judged
by what it explains *beyond* what is known without search, against four controls that have nothing to find, and beside
a network that is known to hold the distances, because its weights were set by hand.

Expect yes for the hand-built search. A small trained model may well say no, and still choose well: a search may run
later, at the tokens of the path, or not at all. About a minute and a half on one core.
"""

# %% parameters
run = "maze-5to9-causal"
out = "studies/distance_field_probes"
size = 5
num = 400
seed = 0

# %% [markdown] The score
# For each cell v a ridge regression predicts d(v), the steps from v to the target, from the stream at `<PATH_START>`.
# It stands on base features: origin, target, with it the Manhattan distance, and the open sides of each cell. The score
# is the share of the base's squared error that the stream removes: 0 for nothing new, 1 for all. Layers and strengths
# are chosen on half of the mazes, scores are those of the other half.

# %% Make mazes and models, and probe for distances
import numpy as np
from matplotlib.figure import Figure

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.probes.distance_probe import latent_state
from maze_rl.interp.probes.emergence import NEVER, emergence
from maze_rl.interp.probes.on_path_probe import on_path_probe
from maze_rl.interp.probes.wall_probe import wall_probe
from maze_rl.interp.requirements import require_origin_in_prompt
from maze_rl.intervals import Interval
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.model_files import load_model
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.palette import light
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.heat_grids import draw_grid
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.layer_curves import layer_names
from maze_rl.reports.search.probe_figures import CONTROL_NAMES, emergence_shares
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.tokenization.tokenization import load_tokenization

model = load_model(run)
require_origin_in_prompt(model.tokenization.layout, "this study")
wave = build_hand_built("wave", load_tokenization("edges", canvas=size), n_layers=10, seed=seed)
twins = {run: untrained_twin(model, seed), "hand-built wave": untrained_twin(wave, seed)}
models = {run: model, "hand-built wave": wave}
mazes = generate_mazes(spec_from_arguments(sizes=(size,), algorithm="dfs", split="test"), np.arange(num), seed).batches[
    0
]
states = {
    name: latent_state(each, mazes, control_model=twins[name], variables=("distance",), seed=seed)
    for name, each in models.items()
}
for name, state in states.items():
    probe = state.probes["distance"]
    print(
        f"{name}: the stream explains {probe.score.value:.1%} of what the base leaves open, the best control "
        f"({probe.finding.control_name}) {probe.finding.control.value:.1%}. Beyond it: "
        f"{stated_interval(probe.finding.effect)}, {probe.finding.verdict} (threshold {probe.finding.threshold})."
    )

# %% [markdown] The controls
# *Other mazes*: the same distances, handed to the wrong mazes; what is left is overfitting. *Control task* (Hewitt and
# Liang 2019, arXiv 1909.03368): a random number for each maze and cell, which nothing but memory could give.
# *Embeddings*: the mean of the prompt's embeddings, a bag of tokens without any computation. *Untrained*: the same
# network with fresh weights, which mixes tokens, but never learned to.

# %% Scores with their controls
rows = []
for name, state in states.items():
    probe = state.probes["distance"]
    rows.append(IntervalRow(name=name, interval=probe.score.interval, colour="blue", bold=True, gap_before=bool(rows)))
    rows += [
        IntervalRow(name=f"control: {CONTROL_NAMES[what]}", interval=each.interval)
        for what, each in probe.controls.items()
    ]
with figure_style():
    figure = interval_rows(rows, label="share of d(v) explained beyond the base features", limits=(-0.05, 1.02))
keep(figure, out, "controls")

# %% Curves by layer
with figure_style():
    figure = Figure(figsize=(9.6, 2.9), layout="constrained")
    for axes, (name, state) in zip(figure.subplots(1, 2, sharey=True), states.items(), strict=True):
        probe = state.probes["distance"]
        for (what, each), style in zip(probe.controls.items(), (":", "-.", "--", "-"), strict=True):
            places = [0] if len(each.by_layer) == 1 else range(len(each.by_layer))
            axes.plot(
                places,
                each.by_layer,
                color=light("reference-mid"),
                linestyle=style,
                linewidth=1.4,
                label=CONTROL_NAMES[what],
                marker="D" if len(places) == 1 else "",
                markersize=4,
            )
        axes.plot(probe.score.by_layer, color=light("blue"), marker="o", markersize=4.5, label=name)
        axes.set_xticks(range(len(probe.score.by_layer)), layer_names(len(probe.score.by_layer)))
        axes.set(title=name, xlabel="read after layer (E: embedding)", ylim=(-0.08, 1.02))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    figure.axes[0].set_ylabel("share explained beyond base")
keep(figure, out, "layers")

# %% [markdown] The walls
# A model may know its maze and not search it. The same kind of probe, for every pair of neighbouring cells: is the edge
# between them open? The untrained control is the one to watch: random attention averages the list of edges into the
# last token, and from an average of few vectors in many dimensions a linear probe reads off which they were.

# %% Probe for open edges
walls = {name: wall_probe(each, mazes, control_model=twins[name], seed=seed) for name, each in models.items()}
for name, each in walls.items():
    print(
        f"{name}: open edges are told with an AUROC of {stated_interval(each.auroc)}, where the rate of each edge "
        f"gives {each.baseline_auroc:.2f}. The stream explains {stated_interval(each.probe.score.interval)} of them, "
        f"the best control ({each.probe.finding.control_name}) {stated_interval(each.probe.finding.control)}: "
        f"{each.probe.finding.verdict}."
    )

# %% [markdown] The path, before it starts
# Take the cells at least four steps from both ends: does the stream tell which of them lie on the path? The baseline
# is the straight corridor between origin and target, the control the untrained network.

# %% Probe for cells of the path
on_path = {name: on_path_probe(each, mazes, control_model=twins[name], seed=seed) for name, each in models.items()}
rows = []
for name, each in on_path.items():
    print(
        f"{name}: AUROC {stated_interval(each.auroc)}; beyond the better control ({each.finding.control_name}): "
        f"{stated_interval(each.finding.effect)}, {each.finding.verdict} (threshold {each.finding.threshold})."
    )
    flat = Interval(*[walls[name].baseline_auroc] * 3)
    rows += [
        IntervalRow(name=f"{name}: open edges", interval=walls[name].auroc, colour="blue", bold=True, gap_before=True),
        IntervalRow(name="rate of each edge", interval=flat),
        IntervalRow(name=f"{name}: cells of the path", interval=each.auroc, colour="blue", bold=True),
        IntervalRow(name="straight corridor", interval=each.baseline),
    ]
    if each.untrained is not None:
        rows.append(IntervalRow(name="untrained, cells of the path", interval=each.untrained))
with figure_style():
    figure = interval_rows(rows, label="AUROC", limits=(0.4, 1.02), marks=[(0.5, "chance")])
keep(figure, out, "walls_and_path")

# %% [markdown] Layer by layer
# A wave reaches one step further with each layer, so a cell's distance should become known the later, the farther the
# cell is. Each column of the grid is a distance and adds up to 1: in which layer is it known, and stays so, or never?
# Read the share of cells that become known before the correlation. A probe that learned nothing gives every cell about
# the mean distance, and is right, by luck, in the columns there: the correlation over such cells means nothing.

# %% When distances become known
emerges = {name: emergence(each, mazes, seed=seed) for name, each in models.items()}
for name, each in emerges.items():
    print(
        f"{name}: {each.known.value:.0%} of the cells become known; over those, layer and distance correlate by "
        f"{stated_interval(each.finding.effect)}, and {stated_interval(each.slope)} steps are gained a layer."
    )
    reach = each.reach.max()
    held = f"all distances up to {reach}" if reach >= 0 else "no distance, not even at the target"
    print(f"{name}: in its best layer, at least half of the cells are right at {held}.")

# %% Draw them
with figure_style():
    figure = Figure(figsize=(9.6, 5.4), layout="constrained")
    layers = [each.cfg.n_layers for each in models.values()]
    for axes, (name, each) in zip(figure.subplots(2, 1, height_ratios=layers), emerges.items(), strict=True):
        shares = emergence_shares(each, models[name].cfg.n_layers)
        shares = shares[:, np.isfinite(shares).any(axis=0)]
        names = ["E", *map(str, range(models[name].cfg.n_layers)), "never"]
        steps = [str(step) for step in np.unique(each.distance)]
        draw_grid(axes, shares[::-1], rows=names[::-1], columns=steps, numbered=False)
        axes.set(title=name, xlabel="steps to the target", ylabel="known from layer")
keep(figure, out, "emergence")

# %% [markdown] What the probes come to
# The verdict is that of the first score, as in the scorecard: the other probes stand beside it.

# %% In words
probe = states[run].probes["distance"].finding
print(
    f"Does {run} hold the distances before it starts? {probe.verdict.capitalize()}: "
    f"{stated_interval(probe.effect)} of what could be explained, where the hand-built wave has "
    f"{stated_interval(states['hand-built wave'].probes['distance'].finding.effect)}. "
    f"{(emerges[run].first_layer == NEVER).mean():.0%} of its cells are never known."
)

# %% [markdown] What this does not show
# - That a variable which is read is used: only interventions tell (`maze_rl.interp.interventions.interchange`).
# - That a variable which is not read is not there: probes are linear, and look at one token. A model may search at the
#   tokens of the path, one step at a time, or hold distances in a code that no linear map undoes.
# - Anything about other sizes. Distances of farther cells are harder to hold, and to read.
