"""Why are probes and attention alone not enough to say that a model searches?

A tour of models whose algorithm is known, because their weights were set by hand. The wave searches: it spreads a
breadth-first front from the target and steps to the neighbour the front reached first. The decoy computes the very
same front, layer by layer, and then does not read it: it steps to the open neighbour nearest to the target in
Manhattan distance. The greedy model does this without any front; the untrained one has the wave's shape and random
weights. Each is asked by the scores of the toolkit, and we can see which scores are right about whom.

Expect attention to praise all three hand-built models, and probes the decoy as much as the wave; only changing the
maze, or the activations, tells them apart. At the end: what gradients tell of weights so sharp, and what softer ones
change. About a minute on one core.
"""

# %% imports
import numpy as np

from maze_rl.calibration.hand_built import READING_LAYERS, build_hand_built
from maze_rl.calibration.softness import SHARP, SOFT
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.inputs.patching_pairs import flip_tokens, make_pairs, solved_pairs
from maze_rl.interp.inputs.position_groups import CHANGED, FORK, position_groups
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import attribution_maps
from maze_rl.interp.materials import Setting, demanding_mazes, gather
from maze_rl.interp.scorecard import score
from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import agreement_figure, curves_figure, verdicts_figure
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.solve import solve_with_model

# %% parameters
out = "studies/calibration_tour"
size = 4
n_layers = 12
num = 100
num_patched = 32
seed = 0

# %% [markdown] Four models
# All read the same tokens and have the same depth. The hand-built ones have their residual stream turned into a
# random basis, so that nothing can be read off single dimensions: a method that finds the front must look for it.

# %% Build them
tokenization = load_tokenization("edges", canvas=size)
models = {
    kind: build_hand_built(kind, tokenization, n_layers=n_layers, seed=seed) for kind in ("wave", "decoy", "greedy")
}
models["untrained"] = untrained_twin(models["wave"], seed=seed)
for name, model in models.items():
    print(f"{name}: {model.cfg.n_layers} layers, {model.cfg.n_heads} heads, {model.cfg.d_model} dimensions.")

# %% [markdown] One maze, four walks
# The maze is the first in which Manhattan distance points the wrong way at a fork where one must look four steps
# ahead or more. Where the neighbours are easy, all sensible models walk alike, and nothing can be learned about them.

# %% Let each walk
reach = n_layers - READING_LAYERS
# a split of 4 x 4 mazes has few different ones; nothing here was trained, so that all splits may be used
setting = Setting(
    size=size,
    split=None,
    num_mazes=num,
    num_pairs=num,
    num_probed=2 * num,
    within=Within("distance", reach),
    seed=seed,
)
maze = demanding_mazes(tokenization, setting)[0]
items = []
for name, model in models.items():
    walk = solve_with_model(model, maze, seed=seed)
    print(f"{name}: {walk.verdict}.")
    items.append(GalleryItem(maze=maze, title=name, solution=walk.solution.path, walk=walk.cells))
keep(plot_gallery(items, side=2.2), out, "walks")

# %% [markdown] Every score of every model
# The same mazes, flip pairs and thresholds for all. Each score is judged against its controls, the untrained model
# among them; `yes` means that the whole interval lies beyond the threshold.

# %% Ask
materials = gather(tokenization, setting)
cards = {name: score(model, materials) for name, model in models.items()}
for name, card in cards.items():
    print(f"{name}: {card.verdict}.")

# %% [markdown] Attention
# Does some head look from the current cell at the edges it lies on, rather than at those of cells behind a wall? All
# models that respect walls need such a head, whatever they then do. It is no evidence of search.

# %% Adjacency heads
adjacency = {name: find_adjacency_heads(model, materials.decisions, seed=seed) for name, model in models.items()}
for name, found in adjacency.items():
    print(
        f"{name}: attention to the own edges beyond the control {stated_interval(found.finding.effect)}, "
        f"verdict {found.finding.verdict}."
    )

# %% [markdown] Probes
# Can the distance of every cell to the target be read off the residual stream where the path starts, before a step is
# made, beyond what the walls and Manhattan distance tell anyway? In the wave and in the decoy the front passes here,
# and the probe is right to find it in both. Only one of the two uses it.

# %% Probe by layer
curves = {}
for name, card in cards.items():
    probe = card.latent.probes["distance"]
    curves[name] = dict(enumerate(np.clip(probe.score.by_layer, 0, 1)))
    print(f"{name}: share explained beyond the controls {stated_interval(probe.finding.effect)}.")
keep(curves_figure(curves, labels=("layers behind", "share of the distances explained")), out, "probes")

# %% [markdown] Change the maze, or the activation
# A flip pair changes one edge, four steps or more from the fork, so that the right step changes: does the model
# follow? An interchange swaps only the probed variable between the runs on two mazes with one fork and one target: does
# the choice become the step that the one's open neighbours and the other's variable demand together, and neither alone?

# %% Flips and interchange
for name, card in cards.items():
    print(
        f"{name}: right flips less false ones {stated_interval(card.flips.finding.effect)}; "
        f"choices that follow the swapped {card.swaps.variable} beyond the control's "
        f"{stated_interval(card.swaps.finding.effect)}."
    )

# %% The whole table
titles = {
    "S1": "S1: far flips",
    "S2": "S2: probe",
    "S3": "S3: interchange",
    "S4": "S4: reach grows",
    "S5": "S5: beats rules",
}
findings = {
    name: {"attention": adjacency[name].finding} | {titles[key]: found for key, found in card.scores.items()}
    for name, card in cards.items()
}
fooled = [
    title
    for title in next(iter(findings.values()))
    if findings["decoy"][title].verdict == findings["wave"][title].verdict
]
print(f"The decoy has the wave's verdict in: {', '.join(fooled)}. In all others it has not.")
keep(verdicts_figure(findings), out, "verdicts")

# %% [markdown] Gradients
# Attribution patching estimates every patch from a gradient, in two runs instead of hundreds. Sharp weights saturate
# each softmax and each step, so that a gradient may say little about what a real change does. `SOFT` weights keep the
# algorithm and give up exactness. For each pair, layer and place (the changed slot, the fork) the exact patch stands
# beside two estimates: the gradient at the flipped run, and the mean of eight gradients on the way from the flipped
# to the clean embeddings.

# %% Estimates beside exact patches
pairs = make_pairs(tokenization, size=size, num=3 * num_patched, depths=(0, size * size), max_distance=reach, seed=seed)
panels = {}
for name, soft in {"sharp": SHARP, "soft": SOFT}.items():
    model = build_hand_built("wave", tokenization, n_layers=n_layers, soft=soft, seed=seed)
    solved = solved_pairs(model, pairs)
    print(f"{name} wave: {solved.text}.")
    chosen = pairs.take(solved.rows[:num_patched])
    tokens, groups = flip_tokens(chosen), position_groups(chosen)
    groups = {place: groups[place] for place in (CHANGED, FORK)}
    exact = patch_map(model, tokens, groups=groups)
    effects = exact.numerators / exact.denominators[:, None]
    for title, steps in (("one gradient", None), ("eight gradients", 8)):
        maps = attribution_maps(model, tokens, components=("resid_pre",), groups=groups, steps=steps)
        estimates = maps["resid_pre"].numerators / exact.denominators[:, None]
        close = (np.abs(estimates - effects) < 0.1).mean()
        every, far = (
            np.corrcoef(estimates[rows].ravel(), effects[rows].ravel())[0, 1]
            for rows in (slice(None), np.asarray(chosen.depth) >= 2)
        )
        print(
            f"  {title}: {close:.0%} of the estimates within 0.1 of the exact effect; correlation {every:.2f},", end=" "
        )
        print(f"of the pairs with K of 2 and more alone {far:.2f}.")
        panels[f"{name}, {title}"] = (estimates.ravel(), effects.ravel())
keep(agreement_figure(panels, labels=("estimate", "exact effect")), out, "gradients")

# %% [markdown] What this does not show
# - That a trained model is like any of these. They show what the scores say of known algorithms, no more; a trained
#   model may search in a way none of them does.
# - That probes are of no use. They are right about what is represented; use is another question.
# - Rates of error over many instances. This is one of each kind: `maze-rl selftest` judges many.
# - That soft gradients are exact: the soft wave solves fewer pairs, only those are compared, and far pairs alone are
#   few; their correlations are printed apart, and need not improve.
