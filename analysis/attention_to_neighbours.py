"""Do heads look at the open neighbours of the current cell, and does it matter for the choice?

A maze model chooses its next step at the token of the cell it stands on. A head that looks from there at the edges of
this very cell, and not at edges behind walls, is called an adjacency head (Ivanitskiy et al. 2023, arXiv 2312.02566).
The score of every head is measured in a trained model, in the same network before training, and in two networks whose
weights were set by hand: a breadth-first search, and a greedy rule that searches nothing. Then heads are taken out.

Expect such heads in any model that steps through mazes legally: looking at neighbours tells apart models that know the
maze from those that do not, and says nothing on search. Less than two minutes on one core.
"""

# %% parameters
run = "maze-5to9-causal"
out = "studies/attention_to_neighbours"
size = 5
num = 200
seed = 0

# %% [markdown] The score
# At a decision in cell u, add up a head's attention to the tokens of the open edges at u. Subtract what it gives as
# many *walled* edges: edges at cells that lie next to u on the lattice, but behind a wall. A head that knows the
# lattice and not the maze looks at both alike and scores 0; one that looks at nothing but the open edges scores 1.
# Heads are chosen on half of the mazes and measured on the other half.

# %% Score every head of four models
import numpy as np
import torch
from matplotlib.figure import Figure
from transformer_lens.utilities import get_act_name

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices
from maze_rl.interp.interventions.head_ablation import ablate_heads
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.model_files import load_model
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.palette import light
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.attention_figures import edge_attention
from maze_rl.reports.search.heat_grids import draw_grid
from maze_rl.reports.search.interval_rows import IntervalRow, interval_rows
from maze_rl.reports.search.maze_overlays import EdgeOverlay, overlay_figure
from maze_rl.reports.search.search_result import DecisionAttention, example_decision
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.tokenization.tokenization import load_tokenization

model = load_model(run)
tokenization = load_tokenization("edges", canvas=size)
models = {
    run: model,
    "untrained": untrained_twin(model, seed),
    "hand-built wave": build_hand_built("wave", tokenization, n_layers=10, seed=seed),
    "hand-built greedy": build_hand_built("greedy", tokenization, n_layers=3, seed=seed),
}
spec = spec_from_arguments(sizes=(size,), algorithm="dfs", split="test")
mazes, others = (generate_mazes(spec, first + np.arange(num), seed).batches[0] for first in (0, num))
decisions = {name: find_decisions(each.tokenization, mazes, seed=seed) for name, each in models.items()}
found = {name: find_adjacency_heads(each, decisions[name], seed=seed) for name, each in models.items()}
for name, each in found.items():
    print(
        f"{name}: the best head is head {each.head[1]} of layer {each.head[0]} with a score of "
        f"{stated_interval(each.finding.effect)}; heads confirmed: {len(each.confirmed)} of {each.scores.size}."
    )

# %% [markdown] Heads by layers
# Scores of all heads; framed ones are confirmed, on mazes they were not chosen on.

# %% Draw the heads
with figure_style():
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1)
    widths = [len(each.scores) for each in found.values()]
    places = [*top.subplots(1, 2, width_ratios=widths[:2]), *bottom.subplots(1, 2, width_ratios=widths[2:])]
    for axes, (name, each) in zip(places, found.items(), strict=True):
        outlined = np.zeros(each.scores.shape, np.bool_)
        for layer, head in each.confirmed:
            outlined[layer, head] = True
        layers, heads = ([str(index) for index in range(length)] for length in each.scores.shape)
        draw_grid(axes, each.scores.T, rows=heads, columns=layers, diverging=True, outlined=outlined.T)
        axes.set(title=name, xlabel="layer", ylabel="head")
keep(figure, out, "heads")

# %% [markdown] The control that matters
# Where does the attention of each best head go? The rows compare equal numbers of edges: those at the current cell,
# those of cells next door but behind a wall, and all others.

# %% Open, walled and far edges
rows = []
for name, each in found.items():
    shown = {"open edges here": each.incident, "walled edges next door": each.walled, "other edges": each.far}
    for index, (what, interval) in enumerate(shown.items()):
        colour = ("blue", "vermillion", "reference-mid")[index]
        rows.append(IntervalRow(name=f"{name}: {what}", interval=interval, colour=colour, gap_before=index == 0))
with figure_style():
    figure = interval_rows(rows, label="share of the best head's attention, on as many edges", limits=(-0.02, 1.02))
for name, each in found.items():
    print(f"{name}: {each.incident.value:.0%} to open edges here, {each.walled.value:.0%} to as many walled ones.")
keep(figure, out, "controls")

# %% [markdown] One maze
# An example is no evidence, but shows what the numbers mean. The diamond is the cell the model stands on.

# %% Where the best heads look
drawn = []
for name in list(models)[:3]:
    chosen, (layer, head) = decisions[name], found[name].head
    row = example_decision(chosen)
    hook = get_act_name("pattern", layer)
    with torch.inference_mode():
        tokens = chosen.tokens[chosen.maze[row]][None]
        _, cache = models[name].run_with_cache(tokens, names_filter=hook, return_type=None)
    attention = DecisionAttention(
        what=name, layer=layer, head=head, decision=row, pattern=cache[hook][0, head, chosen.position[row]].numpy()
    )
    edges, values = edge_attention(attention, chosen)
    here = (int(chosen.cells[row, 0]), int(chosen.cells[row, 1]))
    drawn.append(
        EdgeOverlay(
            maze=mazes[int(chosen.maze[row])],
            here=here,
            edges=edges,
            title=f"{name}\nhead {head} of layer {layer}",
            values=values,
            scale=1.0,
            key="share of attention",
        )
    )
with figure_style():
    figure = overlay_figure(drawn)
keep(figure, out, "one_maze")

# %% [markdown] Take heads out
# Looking at something does not mean using it. So the best head's output is replaced by what it was in another maze
# (resample ablation), and right choices at forks are counted, on other mazes than those that named the head. The
# control: the other heads of its layer, one at a time; there may be adjacency heads among them. Then the best heads of
# the layers that have confirmed ones (three layers at most) together, against all sets with as many heads in each of
# these layers.

# %% Ablate the best heads
best_in_layer = {}
for layer, head in sorted(found[run].confirmed, key=lambda place: -found[run].scores[place]):
    best_in_layer.setdefault(layer, (layer, head))
together = list(best_in_layer.values())[:3] or [found[run].head]
asked = find_decisions(model.tokenization, others, seed=seed)
ablated = {
    "best head": ablate_heads(model, asked, [found[run].head], how="resample", seed=seed),
    f"{len(together)} heads together": ablate_heads(model, asked, together, how="resample", seed=seed),
}
for what, each in ablated.items():
    print(
        f"{what} {each.heads}: right choices at forks fall from {each.right_rate.value:.2f} to "
        f"{each.ablated_rate.value:.2f}, a drop of {stated_interval(each.drop)}."
    )
    if not len(each.random_drops):
        print("There is no other set of these layers: nothing to compare the drop with.")
        continue
    print(
        f"{len(each.random_drops)} other sets of the same layers lose {each.random_drops.mean():.2f} on average, "
        f"{each.random_drops.max():.2f} at most; the drop beyond their mean is {stated_interval(each.beyond_random)}: "
        f"{each.finding.verdict} (threshold {each.finding.threshold})."
    )

# %% The chosen sets among all sets like them
with figure_style():
    figure = Figure(figsize=(9.6, 1.9), layout="constrained")
    axes = figure.subplots()
    for place, each in enumerate(ablated.values()):
        axes.scatter(
            each.random_drops,
            [place] * len(each.random_drops),
            s=40,
            color=light("reference-light"),
            edgecolor=light("reference-mid"),
            zorder=2,
        )
        axes.plot(each.drop[1:], [place] * 2, color=light("blue"), zorder=3)
        axes.plot(each.drop.value, place, "o", color=light("blue"), markersize=7, zorder=4)
    axes.set_yticks(range(len(ablated)), list(ablated))
    axes.set(
        ylim=(1.5, -0.5), xlabel="right choices at forks lost (blue: chosen heads; grey: other sets of these layers)"
    )
keep(figure, out, "ablation")

# %% [markdown] Local or far?
# A search that ran in these heads would be lost where much look-ahead k* is needed; a local rule is lost everywhere, or
# near by.

# %% Loss by the look-ahead needed
whole = ablated["best head"]
print(
    f"Without the best head, forks with k* up to {whole.split_at} lose {stated_interval(whole.shallow_drop)}, those "
    f"beyond {stated_interval(whole.deep_drop)}."
)
side = "deep" if whole.deep_drop.low > whole.shallow_drop.high else "shallow"
apart = whole.deep_drop.low > whole.shallow_drop.high or whole.shallow_drop.low > whole.deep_drop.high
print(f"The loss is larger at {side} forks." if apart else "The two intervals overlap: neither side is told apart.")

# %% [markdown] Why this decides nothing
# Both hand-built networks have adjacency heads, one of them searches and the other does not. So the score of a trained
# model may be as high as it likes: it tells that the maze is read, and is silent on what is then done with it.

# %% The same score, two algorithms
for name in ("hand-built wave", "hand-built greedy", run):
    forks = decisions[name].take(decisions[name].is_fork & (decisions[name].look_ahead >= 4))
    right = right_choices(forks, decision_logits(models[name], forks))
    print(
        f"{name}: adjacency score {found[name].finding.effect.value:.2f}; right at {right.mean():.2f} of the "
        f"{len(forks)} forks that need a look-ahead of 4 or more (a draw: {forks.chance.mean():.2f})."
    )

# %% [markdown] What this does not show
# - That attention decides: it proposes heads, and interventions judge them.
# - That other heads are idle: a head may read the edges at an earlier token and pass them on.
# - That the ablated heads do only this: taking a head out removes all it does. Its replacement is also unusual input
#   for later layers, which is why other sets of the same layers are the control.
