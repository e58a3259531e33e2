"""How many steps ahead does a model see at forks, and could a rule of thumb do as well?

At a fork, the oracle knows k*: how many steps one must look ahead to choose rightly, because the target shows up or all
other branches turn out to be dead ends. Right choices as a function of k* are a psychometric curve, and where it falls
off is the effective look-ahead. The curve is first tried on networks set by hand whose reach we know, then drawn for a
trained model beside ideal look-ahead and Manhattan greedy on the very same forks; at last the choice is read out after
every layer, and compared with simple rules.

Expect a weak model to lie on the greedy curve: right at many forks, even far ones, without seeing ahead. That is why
the fit has greedy as a fallback. Less than a minute on one core.
"""

# %% parameters
run = "maze-5to9-causal"
out = "studies/look_ahead_curves"
size = 5
num = 600
reaches = (2, 4, 6, 8)
seed = 0

# %% [markdown] Does the curve find a reach that is known?
# The hand-built wave searches from the target, one step each layer. If the heads of its later layers are cut, it knows
# the distances up to some reach R, and no others: at a fork d steps from the target it is right if d <= R + 1, as its
# best neighbour lies at d - 1, and draws beyond. A search from the target is limited by the distance, so the horizontal
# axis is d here, not k*.

# %% Networks of known reach
import numpy as np
from matplotlib.figure import Figure

from maze_rl.calibration.hand_built import READING_LAYERS, build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.interp.behaviour.compute_frontier import compute_frontier
from maze_rl.interp.behaviour.look_ahead import ideal_curves, look_ahead
from maze_rl.interp.behaviour.rule_exclusion import exclude_rules
from maze_rl.interp.behaviour.simple_rules import manhattan, right_share
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.model_files import load_model
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.palette import light
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.search.behaviour_figures import draw_rates, rule_name, rules_figure
from maze_rl.reports.search.layer_curves import layer_names
from maze_rl.reports.search.stated import stated_interval
from maze_rl.reports.study_figures import curves_figure
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.tokenization.tokenization import load_tokenization

model = load_model(run)
mazes = generate_mazes(spec_from_arguments(sizes=(size,), algorithm="dfs", split="test"), np.arange(num), seed).batches[
    0
]
tokenization = load_tokenization("edges", canvas=size)
few = find_decisions(tokenization, mazes.take(np.arange(min(num, 200))), seed=seed)
depth = READING_LAYERS + max(reaches) + 1
known = {}
for reach in reaches:
    wave = build_hand_built("ablated", tokenization, n_layers=depth, reach=reach, seed=seed)
    known[reach] = look_ahead(few, right_choices(few, decision_logits(wave, few)), axis="distance", seed=seed)
    fit = known[reach].joint
    print(
        f"A wave of reach {reach}, right up to d = {reach + 1}: the fit falls at {stated_interval(fit.look_ahead)} "
        f"steps, the area under the curve is {stated_interval(known[reach].steps_seen)} steps."
    )
recovered = [reach + 1 <= known[reach].joint.look_ahead.value <= reach + 2 for reach in reaches]
print(f"The fit falls between the last distance the wave knows and the next in {sum(recovered)} of {len(reaches)}.")

# %% Draw their curves
with figure_style():
    figure = Figure(figsize=(9.6, 3.0), layout="constrained")
    axes = figure.subplots()
    for level, (reach, curve) in zip((8, 12, 16, 20), known.items(), strict=False):
        shown = [place for place, forks in enumerate(curve.num_forks) if forks >= 8]
        steps = [curve.steps[place] for place in shown]
        axes.plot(
            steps,
            [100 * curve.right_rate[place].value for place in shown],
            marker="o",
            markersize=4,
            color=light(f"ramp-{level}"),
            label=f"reach {reach}",
        )
        axes.axvline(curve.joint.look_ahead.value, color=light(f"ramp-{level}"), linewidth=1, linestyle=(0, (2, 2)))
    axes.set(
        xlabel="d, steps from the fork to the target (dashed: fitted look-ahead)",
        ylabel="right choices, %",
        ylim=(-3, 103),
    )
    axes.legend(frameon=False, loc="lower left")
keep(figure, out, "known_reach")

# %% [markdown] The model
# Now the trained model, over k*. Two fits: the plain one takes a model that does not see far enough to draw among the
# options; the other lets it fall back on Manhattan greedy, with a weight. Ideal look-ahead of L steps is right where
# k* <= L and greedy beyond; L = 0 is Manhattan greedy.

# %% Its curve, with ideals on the same forks
decisions = find_decisions(model.tokenization, mazes, seed=seed)
logits = decision_logits(model, decisions)
curve = look_ahead(decisions, right_choices(decisions, logits), seed=seed)
ideals = ideal_curves(decisions, seed=seed)
print(f"{run}, {num} mazes of {size} x {size}, {sum(curve.num_forks)} forks:")
for name, fit in {"a draw": curve.plain, "Manhattan greedy with a weight": curve.joint}.items():
    if fit.where == "within":
        print(f"- falling back on {name}, it sees {stated_interval(fit.look_ahead)} steps ahead.")
    elif fit.where == "greedy":
        print(f"- falling back on {name}, no look-ahead is needed: greedy alone explains the choices.")
    else:
        side = {"below": "low", "above": "high"}[fit.where]
        print(f"- falling back on {name}, no look-ahead within the data fits: the curve is {side} throughout.")
print(f"- the weight of greedy where it does not see is {curve.joint.fallback:.2f} (0: draws, 1: greedy).")
print(f"- the area under its curve is {stated_interval(curve.steps_seen)} steps; of the ideals:")
for ahead, ideal in ideals.items():
    print(f"  {'Manhattan greedy' if ahead == 0 else f'look-ahead {ahead}'}: {stated_interval(ideal.steps_seen)}")

# %% Draw it
with figure_style():
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    axes = figure.subplots()
    for shade, (ahead, ideal) in zip(("reference", *["reference-light"] * 4), ideals.items(), strict=True):
        style = (0, (5, 2)) if ahead == 0 else "solid"
        rates = [100 * rate.value for rate in ideal.right_rate]
        axes.plot(ideal.steps, rates, color=light(shade), linewidth=1.3, linestyle=style)
        if 0 < ahead < max(ideal.steps):
            axes.text(ahead + 0.4, 88, f"sees {ahead}", fontsize=8, color=light("muted"))
    draw_rates(axes, list(curve.steps), list(curve.right_rate), "blue")
    axes.set_xticks(curve.steps, [f"{k}\n{forks}" for k, forks in zip(curve.steps, curve.num_forks, strict=True)])
    axes.set(xlabel="k*, steps one must see ahead; below: forks", ylabel="right choices at forks, %", ylim=(-3, 109))
    axes.set_title(f"blue: {run}; dashed: Manhattan greedy; grey: ideal look-ahead")
keep(figure, out, "curve")

# %% [markdown] Where greedy is wrong
# At some forks no open step brings the target nearer in Manhattan distance *and* is right. Heuristics get no credit
# there: a model that sees ahead is right at them too, one that follows greedy is wrong more often than by a draw.

# %% Right choices where greedy is right, and where it is wrong
right = right_choices(decisions, logits)
greedy = right_share(decisions, manhattan(decisions))
parts = {"greedy is right": greedy == 1, "greedy is wrong": greedy == 0}
curves = {}
for name, chosen in parts.items():
    part, right_there = decisions.take(chosen & decisions.is_fork), right[chosen & decisions.is_fork]
    of_part = look_ahead(part, right_there, seed=seed)
    points = zip(of_part.steps, of_part.right_rate, of_part.num_forks, strict=True)
    curves[f"where {name}"] = {k: rate for k, rate, forks in points if forks >= 8}
    print(
        f"Where {name} ({len(part)} forks), {run} is right at {right_there.mean():.2f}, a draw would be at "
        f"{part.chance.mean():.2f}."
    )
labels = ("k*, steps one must see ahead", "right choices at forks")
keep(curves_figure(curves, labels=labels), out, "where_greedy_is_wrong")

# %% [markdown] After every layer
# The residual stream at forks where greedy is wrong goes through the final layer norm and the unembedding after every
# layer, and the likeliest option is the choice. The steps seen are the area under the chance-normalised curve over d,
# which is not let rise again where it fell. A search of one step a layer gains about one step a layer, a heuristic
# nothing. Forks where greedy is wrong lie far from the target, so that the first step seen is a large one.

# %% Steps seen, layer by layer
whole = build_hand_built("wave", tokenization, n_layers=depth, seed=seed)
others = find_decisions(tokenization, mazes, seed=seed)
frontiers = {
    run: compute_frontier(model, decisions, axis="distance", seed=seed),
    "untrained": compute_frontier(untrained_twin(model, seed), decisions, axis="distance", seed=seed),
    "hand-built wave": compute_frontier(whole, others, axis="distance", seed=seed),
}
print(
    f"The forks nearest to the target are pooled: one who is right at all of them sees {frontiers[run].steps[0]} steps."
)
for name, each in frontiers.items():
    print(
        f"{name}: {each.steps_seen[-1].value:.1f} steps after the last layer; growth from the first to the last third "
        f"of the layers, the largest rise left out, {stated_interval(each.finding.effect)}: {each.finding.verdict} "
        f"(threshold {each.finding.threshold})."
    )
with figure_style():
    figure = Figure(figsize=(9.6, 2.9), layout="constrained")
    axes = figure.subplots()
    for (name, each), colour in zip(reversed(frontiers.items()), ("green", "reference-mid", "blue"), strict=True):
        seen = np.array(each.steps_seen)
        axes.plot(seen[:, 0], color=light(colour), marker="o", markersize=4, label=name)
        axes.fill_between(range(len(seen)), seen[:, 1], seen[:, 2], color=light(colour), alpha=0.15, linewidth=0)
    axes.set_xticks(range(whole.cfg.n_layers + 1), layer_names(whole.cfg.n_layers + 1))
    axes.set(xlabel="read after layer (E: embedding)", ylabel="steps seen, over d")
    axes.legend(frameon=False, loc="upper left")
keep(figure, out, "layers")

# %% [markdown] Which rule does it look like?
# For each simple rule: how often the model's choice at a fork is one of the rule's picks, and the model's skill at far
# forks (k* of 4 and more) where the rule is wrong: 1 for a searcher, 0 for a draw, below 0 for one who follows the
# rule. Ticks in the figure tell how often the rule itself is right.

# %% Simple rules
rules = exclude_rules(decisions, logits, seed=seed)
alike, hardest = rules.most_alike, rules.hardest
print(
    f"Most alike: {rule_name(alike.name)}, in {stated_interval(alike.agreement)} of the forks; the rule is right in "
    f"{alike.rule_right.value:.2f} of them."
)
if hardest is not None:
    print(
        f"Least skill where a rule is wrong: {stated_interval(hardest.skill)}, against {rule_name(hardest.name)} in "
        f"{hardest.num_mazes} mazes. Do simple rules fail to explain the choices (S5)? {rules.finding.verdict}."
    )
with figure_style():
    with_forks = np.unique(decisions.maze[decisions.is_fork])
    figure = rules_figure(rules, layouts_of(decisions.batch)[with_forks])
keep(figure, out, "rules")

# %% [markdown] What this does not show
# - What the model computes. A curve that falls at L steps fits a search of L steps, and any rule as good.
# - A look-ahead beyond what these mazes need: small mazes have few forks of large k*, see the counts below the axis.
# - That no search is there: a search that is right at some mazes and fails at others flattens the curve like a draw.
# - Causes. Whether the choice follows one changed edge far away is asked with flip pairs
#   (`maze_rl.interp.behaviour.flip_rate`).
