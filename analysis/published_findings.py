"""Do two published findings on maze transformers show up in a small one?

Maze transformers read a list of edges, each spelled `a <--> b ;`, and write a path. Two findings on them:

- *Adjacency heads.* Some heads look from the current cell at its open neighbours (Ivanitskiy et al. 2023, Structured
  World Representations in Maze-Solving Transformers, arXiv 2312.02566).
- *Edge consolidation.* Some heads gather the two cells of an edge at its last token, the `;` (Spies et al. 2024,
  Transformers Use Causal World Models in Maze-Solving Tasks, arXiv 2412.11867).

Both are measured in a trained model, in the same network with fresh weights, and in a network whose weights were set by
hand, which has both by construction; adjacency heads also in a larger model that reads each edge as one token. Where
the run has checkpoints, they are followed through training, beside the rate of right choices. Expect the findings in a
model that got far enough, and in no untrained one; in one that is too small or was trained too briefly there may be
neither. About a minute on one core, and ten seconds more for each checkpoint.

A third finding, that next-token prediction fails on path-star graphs (Bachmann and Nagarajan 2024, arXiv 2403.06963),
is about training, so it has a script of its own: `python experiments/path_star.py`.
"""

# %% parameters
run = "maze-4to5-unique-cells"
reads_edges = "maze-5to9-causal"
out = "studies/published_findings"
num = 200
most_checkpoints = 6
seed = 0

# %% [markdown] What is measured
# *Adjacency score* of a head: its attention from a decision's token to the open edges at the current cell, less what it
# gives as many edges of cells next door, behind a wall. *Consolidation score*: its attention from the `;` of an edge to
# the edge's own first (or second) cell, less what the tokens before and after the `;` give to the places as far back. A
# head that looks a fixed number of tokens back wherever it stands scores 0 in the second. Scores are shares of a head's
# attention; heads are chosen on half of the mazes and measured on the other half.

# %% Measure a trained, an untrained and a hand-built model
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import ConfigurationError
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.attention.edge_consolidation import ENDPOINTS, measure_consolidation
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.intervals import bootstrap_ratio
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.build import build_model
from maze_rl.models.model_files import load_model
from maze_rl.models.untrained import untrained_twin
from maze_rl.models.verified_files import read_folder, read_tensors
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.heat_grids import draw_grid
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.checkpoints import WEIGHTS, checkpoint_steps
from maze_rl.workflows.run_folder import RunFolder

model, trained = load_model(run), Path(run).name
if model.tokenization.name != "unique_cells":
    raise ConfigurationError(f"{run} reads {model.tokenization.name}: only unique_cells spells edges `a <--> b ;`.")
size = max(model.about.get("sizes") or [model.tokenization.canvas])
by_hand = build_hand_built("wave", load_tokenization("unique_cells", canvas=size), n_layers=8, seed=seed)
models = {trained: model, "untrained": untrained_twin(model, seed), "set by hand": by_hand}
spec = spec_from_arguments(sizes=(size,), algorithm="dfs", split="test")
mazes = generate_mazes(spec, np.arange(num), seed).batches[0]
adjacency, consolidation = {}, {}
for name, each in models.items():
    decisions = find_decisions(each.tokenization, mazes, seed=seed)
    adjacency[name] = find_adjacency_heads(each, decisions, seed=seed)
    consolidation[name] = measure_consolidation(each, decisions, seed=seed)
larger = load_model(reads_edges)
for name, each in {reads_edges: larger, f"{reads_edges} untrained": untrained_twin(larger, seed)}.items():
    adjacency[name] = find_adjacency_heads(each, find_decisions(each.tokenization, mazes, seed=seed), seed=seed)
print(f"{trained}: {model.cfg.n_layers} layers of {model.cfg.n_heads} heads, on {num} mazes of {size} x {size}.")

# %% Adjacency heads
for name, each in adjacency.items():
    print(
        f"{name}: head {each.head[1]} of layer {each.head[0]} scores {stated_interval(each.finding.effect)}: "
        f"{each.finding.verdict} (threshold {each.finding.threshold})."
    )

# %% Edge consolidation
for name, each in consolidation.items():
    for endpoint, finding, (layer, head) in zip(ENDPOINTS, each.findings, each.heads, strict=True):
        print(
            f"{name}: head {head} of layer {layer} gathers the {endpoint} cell with {stated_interval(finding.effect)}: "
            f"{finding.verdict} (threshold {finding.threshold}; a cell of another edge: {finding.control.value:.2f})."
        )

# %% All heads
with figure_style():
    figure = Figure(
        figsize=(9.6, 0.8 + 0.24 * sum(each.cfg.n_layers + 3 for each in models.values())), layout="constrained"
    )
    places = figure.subplots(3, 3, height_ratios=[each.cfg.n_layers for each in models.values()])
    for row, name in zip(places, models, strict=True):
        scores = {"adjacency": adjacency[name].scores}
        scores |= {
            f"gathers the {endpoint} cell": consolidation[name].scores[place]
            for place, endpoint in enumerate(ENDPOINTS)
        }
        layers, heads = ([str(index) for index in range(length)] for length in adjacency[name].scores.shape)
        for axes, (what, values) in zip(row, scores.items(), strict=True):
            draw_grid(axes, values, rows=layers, columns=heads, diverging=True)
            axes.set(title=f"{name}: {what}" if axes is row[0] else what, ylabel="layer", xlabel="head")
keep(figure, out, "heads")

# %% [markdown] Over training
# The published findings come with a time: heads form as the model starts to solve mazes. If the run's folder has
# checkpoints, the same scores are taken from some of them, beside the rate of right choices at forks. A shipped model
# has none.

# %% Follow the checkpoints
folder = RunFolder(Path(run))
steps = checkpoint_steps(folder.checkpoints)
chosen = sorted({steps[round(place)] for place in np.linspace(0, len(steps) - 1, most_checkpoints)}) if steps else []
decisions = find_decisions(model.tokenization, mazes, seed=seed)
forks = decisions.take(decisions.is_fork)
stages = [(0, models["untrained"])]
for step in chosen:
    stage = build_model(folder.open().model, model.tokenization).eval()
    stage.load_state_dict(read_tensors(read_folder(folder.checkpoints / str(step), (WEIGHTS,))[WEIGHTS]))
    stages.append((step, stage))
curves = {"right choices at forks": {}, "adjacency": {}} | {
    f"gathers the {endpoint} cell": {} for endpoint in ENDPOINTS
}
for step, stage in stages if chosen else []:
    right = right_choices(forks, decision_logits(stage, forks))
    per_maze = (np.bincount(forks.maze, right, num), np.bincount(forks.maze, minlength=num).astype(float))
    curves["right choices at forks"][step] = bootstrap_ratio(*per_maze, layouts_of(mazes), seed=seed)
    curves["adjacency"][step] = find_adjacency_heads(stage, decisions, seed=seed).finding.effect
    for endpoint, finding in zip(ENDPOINTS, measure_consolidation(stage, decisions, seed=seed).findings, strict=True):
        curves[f"gathers the {endpoint} cell"][step] = finding.effect
    print(
        f"Step {step}: " + "; ".join(f"{what} {stated_interval(points[step])}" for what, points in curves.items()) + "."
    )
if not chosen:
    print(f"{run} has no checkpoints: nothing to follow.")

# %% Draw them
if chosen:
    figure = curves_figure(
        curves, labels=("training step", "rate, or share of attention"), grey=["right choices at forks"]
    )
    keep(figure, out, "training")


# %% [markdown] What came out
# A finding shows up if the trained model says yes and the untrained one does not. Consolidation asks for both cells; a
# model may also bring one of them along, through the token of the other.

# %% In words
heads = {name: each.finding for name, each in adjacency.items()}
found = {f"Adjacency heads in {trained}": (heads[trained], heads["untrained"])}
found[f"Adjacency heads in {reads_edges}"] = (heads[reads_edges], heads[f"{reads_edges} untrained"])
for place, endpoint in enumerate(ENDPOINTS):
    by_name = {name: each.findings[place] for name, each in consolidation.items()}
    found[f"Heads that gather the {endpoint} cell at `;` in {trained}"] = (by_name[trained], by_name["untrained"])
for what, (finding, control) in found.items():
    shows = finding.verdict == "yes" and control.verdict != "yes"
    print(
        f"{what} {'show up' if shows else 'do not show up'}: {stated_interval(finding.effect)}, "
        f"untrained {stated_interval(control.effect)}."
    )

# %% [markdown] What this does not show
# - That the papers' models and this one do the same: they are larger, saw other mazes, and were trained for longer.
# - That the heads matter. They are named by where they look; the studies on patching and on attention take them out.
# - A search. Reading the edges at `;`, and one's neighbours later, serves a greedy rule as well.
# - From one run, what training does in general: another seed may form its heads elsewhere, or later.
