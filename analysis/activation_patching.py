"""Where does a model hold a decision that one edge of the maze decides?

Activation patching, step by step, for somebody who does it for the first time. Two mazes differ in one edge and
demand different steps at one fork. A model runs on both; then an activation of the one run is put into the other, one
place at a time, and what the decision does is measured. First by hand with the hooks of TransformerLens, then with
`patch_map`, which is fast and gives the same; with groups of positions, both directions, heads and controls; at last
on a network whose algorithm we know, because its weights were set by hand.

Expect the changed edge's own token to carry everything in the first layer and the fork's token in the last: this is
so in any model that solves the pair. What lies between tells one algorithm from another. About a minute on one core.
"""

# %% imports
from functools import partial
from time import perf_counter

import numpy as np
import torch
from transformer_lens.utilities import get_act_name

from maze_rl.calibration.hand_built import READING_LAYERS, build_hand_built
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.patching_pairs import flip_tokens, make_pairs, pair_logits, solved_pairs
from maze_rl.interp.inputs.position_groups import position_groups
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.pair_patching import control_map
from maze_rl.interp.requirements import require_edges_in_prompt
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.model_files import load_model
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.heat_grids import grids_figure
from maze_rl.reports.search.patching_figures import strongest
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import pair_figure
from maze_rl.tokenization.tokenization import load_tokenization

# %% parameters
run = "maze-5to9-causal"
out = "studies/activation_patching"
size = 5
num_pairs = 200
depths = (0, 1)
most_patched = 48
seed = 0

# %% [markdown] Pairs that differ in one edge
# A flip pair is two mazes. At the fork, the clean maze demands one step and the flipped maze another, because one
# edge was taken out and another put in; both edges are written into the same slot of the list, so that the two
# prompts are equal token by token but for that slot. The depth K is how many steps the nearer change lies from the
# fork. The parameters ask for K of 0 or 1: weak models solve few pairs beyond. A pair the model does not solve in
# both mazes has no decision that could be moved, so it is left out, and counted.

# %% Make the pairs
model = load_model(run)
require_edges_in_prompt(model.tokenization.layout, "this study")
made = make_pairs(model.tokenization, size=size, num=num_pairs, depths=depths, seed=seed)
solved = solved_pairs(model, made)
print(f"{run}: {solved.text}.")
if len(solved.rows) == 0:
    raise ConfigurationError(
        f"{run} solves no pair of size {size}: patching asks how a decision is made, so there must be one."
    )
pairs = made.take(solved.rows[:most_patched])
print(f"Patched below: {len(pairs)} pairs, one from each maze.")

# %% One pair, as mazes
margins = pair_logits(model, pairs.clean, pairs.position) - pair_logits(model, pairs.flipped, pairs.position)
rows = torch.arange(len(pairs))
surest = margins[rows, pairs.right] - margins[rows, pairs.wrong]
shown = int(torch.where(torch.from_numpy(pairs.depth == pairs.depth.max()), surest, -torch.inf).argmax())
print(f"Shown is a pair of depth {pairs.depth[shown]}: of these, the one whose two mazes the model tells apart best.")
print("Each maze's shortest path is a band; the arrow is the right step at the fork; the framed edge was swapped.")
keep(pair_figure(pairs.pairs, shown), out, "pair")

# %% The same pair, as tokens
words, position = model.tokenization.layout.words, int(pairs.position[shown])
clean, flipped = (tokens[[shown], : position + 1] for tokens in (pairs.clean, pairs.flipped))
slot = int(pairs.slot[shown].nonzero()[0])
print(" ".join(words[token] for token in clean[0]))
print(f"The prompts differ at position {slot}: {words[clean[0, slot]]} in clean, {words[flipped[0, slot]]} in flipped.")

# %% [markdown] What is measured
# The logit difference: how much the model prefers the clean maze's step to the flipped maze's, at the fork's token,
# which is the last one here. It is linear in the last residual stream and does not saturate, as probabilities do.

# %% Run the model on both mazes
right, wrong = pairs.right[shown], pairs.wrong[shown]


def logit_difference(logits):
    """Return by how much the clean maze's step is preferred to the flipped one's."""
    return (logits[0, -1, right] - logits[0, -1, wrong]).item()


with torch.no_grad():
    logits, cache = model.run_with_cache(clean)
    in_clean, in_flipped = logit_difference(logits), logit_difference(model(flipped))
print(f"Logit difference: {in_clean:+.2f} in the clean maze, {in_flipped:+.2f} in the flipped one.")

# %% [markdown] Patch by hand
# Run the flipped maze. At one layer and one position, put in the residual stream of the clean run. An effect of 0
# leaves the decision of the flipped maze as it was, an effect of 1 restores that of the clean one: *denoising*.

# %% Every layer, every position


def put_clean(stream, hook, position):
    """Put in the clean run's activation at one position."""
    stream[:, position] = cache[hook.name][:, position]
    return stream


started = perf_counter()
by_hand = np.zeros((model.cfg.n_layers, position + 1))
for layer, place in np.ndindex(*by_hand.shape):
    hooks = [(get_act_name("resid_pre", layer), partial(put_clean, position=place))]
    with torch.no_grad():
        patched = logit_difference(model.run_with_hooks(flipped, fwd_hooks=hooks))
    by_hand[layer, place] = (patched - in_flipped) / (in_clean - in_flipped)
seconds_by_hand = perf_counter() - started

# %% The same with patch_map
started = perf_counter()
fast = patch_map(model, flip_tokens(pairs.take(np.array([shown]))))
seconds = perf_counter() - started
effects = fast.effects[:, : position + 1]
print(f"By hand: {by_hand.size} runs in {seconds_by_hand:.1f} s. patch_map: {seconds:.1f} s.")
print(f"The largest difference of the two maps is {np.abs(effects - by_hand).max():.1e}.")
named = [words[token] for token in clean[0]]
keep(
    grids_figure({"one pair: effect of the residual stream by layer and token": effects}, columns=named, across=1),
    out,
    "by_position",
)

# %% [markdown] All pairs at once
# In another maze the same edge stands elsewhere in the list, so positions cannot be compared, but roles can: the
# changed slot, the other edges of the path, edges off the path, origin, target, the path before the fork, the marks
# between them, and the fork. The tokens of a group are patched together. *Denoising* asks what is enough to bring the
# clean decision back, *noising* what is needed to keep it: the flipped run's activations go into the clean run.

# %% Denoise and noise, by groups
tokens, groups = flip_tokens(pairs), position_groups(pairs)
denoise = patch_map(model, tokens, groups=groups, seed=seed)
noise = patch_map(model, tokens, groups=groups, direction="noise", seed=seed)
for layer, row in enumerate(np.nan_to_num(denoise.effects)):
    best = int(row.argmax())
    stated = stated_interval(denoise.interval(layer, denoise.places[best], seed=seed))
    print(f"Layer {layer}: the {denoise.places[best]} restores most of the clean decision, {stated}.")
print("Which place is named was chosen on the pairs that its interval is of: so largest effects lean upwards.")

# %% [markdown] Two controls
# Any push of this length might move the logits: so a random step, as long as the real one, is patched in its place.
# And the model might react to any edge near the fork: so the same is done with a control maze, which differs from the
# clean one by a swap of like depth, in a slot of its own, that leaves the right step as it is. A model that decides by
# the path is near 0 in both. Where the second is not, the decision leans on edges that should not matter, in the units
# of those that do.

# %% Random steps, and edges that do not matter
random_step = patch_map(model, tokens, groups=groups, source="random_step", seed=seed)
control = control_map(model, pairs, denoise, seed)
maps = {
    "restores the decision (denoising)": denoise.effects,
    "destroys the decision (noising)": noise.effects,
    "control: a random step of equal length": random_step.effects,
    "control: an edge that does not matter": control.effects,
}
for title, each in list(maps.items())[2:]:
    layer, place = np.unravel_index(np.abs(np.nan_to_num(each)).argmax(), each.shape)
    print(f"{title}: the largest effect in size is {each[layer, place]:+.2f}, layer {layer}, {denoise.places[place]}.")
keep(grids_figure(maps, columns=denoise.places), out, "groups")

# %% Heads
heads = patch_map(model, tokens, component="head", groups=groups, seed=seed)
largest = strongest(heads.effects)
for layer, head in zip(*np.unravel_index(np.argsort(-largest, axis=None)[:3], largest.shape), strict=True):
    place = heads.places[int(np.nanargmax(np.nan_to_num(heads.effects[layer, head])))]
    stated = stated_interval(heads.interval(int(layer), place, int(head), seed=seed))
    print(f"Head {head} of layer {layer} at the {place}: {stated}, chosen on the same pairs.")
keep(
    grids_figure(
        {"each head's largest effect over the groups": largest},
        across=1,
        width=4.8,
        columns=[f"head {head}" for head in range(model.cfg.n_heads)],
    ),
    out,
    "heads",
)

# %% [markdown] A network whose answer is known
# The hand-built wave runs a breadth-first search from the target in the stream of every token: layers 0 and 1 read
# the prompt, layer 2 + r reads the edges that lie r steps from the target. The first of the fork's neighbours it
# reaches is the decision. So we know its map. The slot is worth 1 until the first of the two swapped edges is read,
# and 0 after both; in between it depends on which neighbour a wave that saw both edges, or neither, would reach first
# (neither: a draw, 0.5). No group but slot and fork has any effect. If patching is to be trusted on a trained model,
# it must find this, pair by pair.

# %% The same map for the wave
tokenization = load_tokenization("edges", canvas=size)
wave = build_hand_built("wave", tokenization, n_layers=12, seed=seed)
far = make_pairs(
    tokenization, size=size, num=24, depths=(2, 64), max_distance=wave.cfg.n_layers - READING_LAYERS, seed=seed
)
print(f"The wave, on far pairs (K of 2 and more): {solved_pairs(wave, far).text}.")
known = patch_map(wave, flip_tokens(far), groups=position_groups(far), seed=seed)


def steps_to_target(mazes, edges):
    """Return how far each edge's nearer end is from the target."""
    row, col = edges[:, 1], edges[:, 2]
    ends = (row, col), (row + (edges[:, 0] == 0), col + (edges[:, 0] == 1))
    distances = solve_batch(mazes).distances
    return np.minimum(*(distances[np.arange(len(edges)), *end] for end in ends))


removed, added = (
    steps_to_target(far.pairs.clean, far.pairs.removed),
    steps_to_target(far.pairs.flipped, far.pairs.added),
)
layers = np.arange(wave.cfg.n_layers)
to_right, to_wrong = layers <= READING_LAYERS + removed[:, None], layers > READING_LAYERS + added[:, None]
rows = np.arange(len(far))
way_right = solve_batch(far.pairs.clean).distances[rows, *far.pairs.right.T]
way_wrong = solve_batch(far.pairs.flipped).distances[rows, *far.pairs.wrong.T]
sooner = np.sign(way_wrong - way_right)[:, None]
predicted = (1 + np.where(to_right & to_wrong, sooner, to_right.astype(int) - to_wrong)) / 2
measured = known.numerators[:, :, 0] / known.denominators[:, :1]
print(
    f"Prediction and patch agree within 0.01 in {(np.abs(measured - predicted) < 0.01).mean():.1%} of all cases",
    end=" ",
)
print(f"({len(far)} pairs, {len(layers)} layers); the largest gap is {np.abs(measured - predicted).max():.3f}.")
others = np.abs(known.effects[:, 1:-1]).max()
print(f"The largest effect of any group but slot and fork is {others:.3f}.")
keep(grids_figure({run: denoise.effects, "hand-built wave": known.effects}, columns=denoise.places), out, "wave")

# %% [markdown] What this does not show
# - Which algorithm runs. A map says where the decision is held, not how it came there; a greedy rule that looks at
#   the edges of the fork has such a map as well.
# - Anything about pairs the model fails at, or about deeper ones than were patched: see the counts above.
# - Direction. Denoising and noising need not agree: what is held twice is enough, and not needed.
# - Whether parts act alone. One place is patched at a time; `maze_rl.interp.interventions.path_patching` follows edges
#   between them.
