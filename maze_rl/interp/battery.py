"""Every test of the battery on one model, for its page: the scorecard, and what is known beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.attention.edge_consolidation import (
    ConsolidationAttention,
    EdgeConsolidation,
    consolidation_applies,
    measure_consolidation,
)
from maze_rl.interp.attention.frontier_heads import FrontierHeads, find_frontier_heads, frontier_attention
from maze_rl.interp.behaviour.flip_rate import FlipRates, LogitSensitivity, flip_rates, logit_sensitivity
from maze_rl.interp.behaviour.look_ahead import LookAhead, ideal_curves, look_ahead
from maze_rl.interp.inputs.cell_features import split_halves
from maze_rl.interp.inputs.decisions import Decisions, find_decisions, right_choices
from maze_rl.interp.inputs.patching_pairs import (
    PatchingPairs,
    SolvedPairs,
    control_tokens,
    flip_tokens,
    solved_pairs,
)
from maze_rl.interp.inputs.position_groups import FORK, position_groups
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import Confirmation, attribution_maps, confirm, shortlist
from maze_rl.interp.interventions.edge_steering import SteeringResult, steer_edges
from maze_rl.interp.interventions.head_ablation import AblationResult, ablate_heads
from maze_rl.interp.interventions.logit_attribution import LogitAttribution, logit_attribution
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.probes.doubling import GrowthOfReach, fit_growth
from maze_rl.interp.probes.emergence import Emergence, emergence
from maze_rl.interp.probes.on_path_probe import OnPathProbe, on_path_probe
from maze_rl.interp.probes.wall_probe import WallProbe, wall_probe
from maze_rl.interp.requirements import FEWEST_MAZES, require_causal_prompt
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.interp.scorecard import (
    Materials,
    Progress,
    Scorecard,
    check_scored,
    control_probes,
    pairs_of_any_depth,
    score,
)
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.untrained import untrained_twin

_PATCHED_PAIRS, _SHORTLIST, _MOST_ABLATED = 48, 20, 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Patching(Shown):
    """Patching of the solved pairs; LD is the logit difference of right and wrong next step."""

    pairs: PatchingPairs
    """The pairs that were patched."""
    denoise: PatchMap
    """Residual stream by layer and group of positions."""
    noise: PatchMap
    random_step: PatchMap
    """Control of `denoise`: random steps as long as the real ones."""
    control: PatchMap
    """Denoising of control pairs, whose edge does not matter, in units of the flips' logit differences; its changed
    slot is the one the control changes."""
    heads: PatchMap
    """Heads by layer and group, denoising."""
    confirmation: Confirmation
    """Nodes that attribution shortlists on one half of the pairs, patched exactly on the other."""
    direct: LogitAttribution
    """What every component writes into the logit difference of the clean mazes."""
    example: int
    """Row of the pair that `by_position` shows."""
    by_position: PatchMap
    """Residual stream by layer and position of the example, denoising."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Battery(Shown):
    """All results."""

    scorecard: Scorecard
    untrained: Scorecard
    """Of the untrained twin, on the same mazes."""
    flips: FlipRates
    """Of pairs of any depth, as are sensitivity, patching and steering; those of S1 are in the scorecard."""
    curve: LookAhead
    ideal: Mapping[int, LookAhead]
    """Curves of ideal look-ahead on the same forks; 0 is Manhattan greedy."""
    sensitivity: LogitSensitivity
    consolidation: EdgeConsolidation
    frontier: FrontierHeads | None
    """None for a model of one layer."""
    walls: WallProbe
    on_path: OnPathProbe
    emergence: Emergence
    growth: GrowthOfReach
    solved: SolvedPairs
    patching: Patching | None
    """None where too few pairs are solved for an interval."""
    steering: SteeringResult
    ablated: tuple[tuple[int, int], ...]
    """(layer, head) of the heads that attention scores named, ablated together."""
    ablation: AblationResult | None
    """On the probes' mazes, which had no part in naming them; None where none is named."""

    def _headline(self) -> str:
        return scores_line(self.scorecard.verdict, self.scorecard.scores)

    def _repr_html_(self) -> str:
        return scores_html("search battery", self.scorecard.verdict, self.scorecard.scores)


def run_battery(
    model: HookedTransformer, materials: Materials, *, progress: Progress = lambda doing, done: None
) -> Battery:
    """Run every test on a model and its untrained twin.

    Args:
        model: The model.
        materials: Mazes and pairs of its tokenization, from `scorecard.gather`.
        progress: Called with (what is being done, share done).

    Raises:
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or a test does not fit it.
    """
    check_tested(model)
    seed, decisions = materials.setting.seed, materials.decisions
    pairs = pairs_of_any_depth(tokenization_of(model), materials.setting)
    twin = untrained_twin(model, seed)
    probes = control_probes(model, materials)
    card = score(model, materials, untrained=probes, progress=lambda doing, done: progress(doing, 0.25 * done))
    untrained = score(
        twin,
        materials,
        untrained=probes,
        progress=lambda doing, done: progress("the untrained control", 0.25 + 0.15 * done),
    )
    progress("look-ahead", 0.4)
    curve = look_ahead(decisions, right_choices(decisions, card.logits), seed=seed)
    progress("attention", 0.45)
    frontier, consolidation = attention_scores(model, decisions, seed)
    progress("probes", 0.5)
    walls = wall_probe(model, materials.probed, control_model=twin, seed=seed)
    on_path = on_path_probe(model, materials.probed, control_model=twin, seed=seed)
    emerges = emergence(model, materials.probed, seed=seed)
    progress("patching", 0.6)
    solved = solved_pairs(model, pairs)
    patching = patch(model, pairs, solved, seed) if len(solved.rows) >= 2 * FEWEST_MAZES else None
    progress("steering", 0.8)
    layers = range(max(1, min(3, model.cfg.n_layers - 1)))
    steering = steer_edges(model, pairs, layers=layers, strengths=(1.0, 2.0, 4.0), seed=seed)
    progress("ablation", 0.9)
    named = named_heads(card, consolidation, frontier)
    return Battery(
        scorecard=card,
        untrained=untrained,
        flips=flip_rates(model, pairs),
        curve=curve,
        ideal=ideal_curves(decisions, seed=seed),
        sensitivity=logit_sensitivity(model, pairs, seed=seed),
        consolidation=consolidation,
        frontier=frontier,
        walls=walls,
        on_path=on_path,
        emergence=emerges,
        growth=growth_of_reach(emerges),
        solved=solved,
        patching=patching,
        steering=steering,
        ablated=named,
        ablation=_ablated(model, materials, named) if named else None,
    )


def check_tested(model: HookedTransformer) -> None:
    """Check, before anything is made, that every test of the battery is right for a model.

    Raises:
        ConfigurationError: It has loops or a visible prompt, its prompt lists no edges, or the origin is not in it.
    """
    check_scored(model)
    require_causal_prompt(model, "the battery of search tests")


def _ablated(model: HookedTransformer, materials: Materials, heads: tuple[tuple[int, int], ...]) -> AblationResult:
    """Ablate heads on other mazes than those that named them."""
    seed = materials.setting.seed
    asked = find_decisions(tokenization_of(model), materials.probed, seed=seed)
    return ablate_heads(model, asked, heads, how="resample", seed=seed)


def attention_scores(
    model: HookedTransformer, decisions: Decisions, seed: int
) -> tuple[FrontierHeads | None, EdgeConsolidation]:
    """Measure frontier heads (None for a model of one layer) and consolidation in one run."""
    rings = frontier_attention(model, decisions, seed=seed) if model.cfg.n_layers > 1 else {}
    ends = ConsolidationAttention(model, decisions) if consolidation_applies(decisions) else None
    reducers = [*rings.values(), *([] if ends is None else [ends])]
    if reducers:
        stream_patterns(model, decisions, reducers)
    frontier = find_frontier_heads(model, decisions, attention=rings, seed=seed) if rings else None
    return frontier, measure_consolidation(model, decisions, attention=ends, seed=seed)


def patch(model: HookedTransformer, pairs: PatchingPairs, solved: SolvedPairs, seed: int) -> Patching:
    """Patch the pairs that the model solves, one half to find nodes and other layouts to confirm them."""
    chosen = pairs.take(solved.rows[:_PATCHED_PAIRS])
    tokens, groups = flip_tokens(chosen), position_groups(chosen)
    denoise = patch_map(model, tokens, groups=groups, seed=seed)
    halves = split_halves(chosen.pairs.clean, seed)
    found, confirmed = chosen.take(halves.fit), chosen.take(halves.held_out)
    maps = attribution_maps(model, flip_tokens(found), groups=position_groups(found), steps=5)
    example = int(np.argmax(chosen.depth))
    return Patching(
        pairs=chosen,
        denoise=denoise,
        noise=patch_map(model, tokens, groups=groups, direction="noise", seed=seed),
        random_step=patch_map(model, tokens, groups=groups, source="random_step", seed=seed),
        control=control_map(model, chosen, denoise, seed),
        heads=patch_map(model, tokens, component="head", groups=groups, seed=seed),
        confirmation=confirm(
            model,
            maps,
            shortlist(maps, _SHORTLIST),
            flip_tokens(confirmed),
            groups=position_groups(confirmed),
            seed=seed,
        ),
        direct=logit_attribution(
            model, chosen.clean, chosen.position, chosen.right, chosen.wrong, layouts=chosen.layouts
        ),
        example=example,
        by_position=patch_map(model, flip_tokens(chosen.take(np.array([example]))), seed=seed),
    )


def control_map(model: HookedTransformer, pairs: PatchingPairs, flips: PatchMap, seed: int = 0) -> PatchMap:
    """Patch the control pairs, whose own slot is the changed one, in units of the flips' logit differences."""
    groups = position_groups(pairs, pairs.control_slot)
    control = patch_map(model, control_tokens(pairs), groups=groups, seed=seed)
    present = torch.stack(list(groups.values()), dim=1).any(dim=2).numpy()
    # every pair has a fork
    units = flips.denominators[:, [flips.places.index(FORK)]]
    return replace(control, denominators=present * units)


def growth_of_reach(emerges: Emergence) -> GrowthOfReach:
    """Fit the reach by layer, as far as it is known."""
    return fit_growth(np.where(emerges.reach < 0, np.nan, emerges.reach.astype(np.float64)))


def named_heads(
    card: Scorecard, consolidation: EdgeConsolidation, frontier: FrontierHeads | None
) -> tuple[tuple[int, int], ...]:
    """Return the heads that the attention scores name: confirmed ones, two of each at most, lower layers first."""
    named = list(card.adjacency.confirmed[:2])
    if consolidation.heads is not None and consolidation.consolidates:
        named += consolidation.heads
    if frontier is not None and frontier.direction != "none":
        anchored = frontier.anchors[frontier.winner]
        named += list(zip(range(anchored.layers[0], anchored.layers[1] + 1), anchored.heads, strict=True))[:2]
    return tuple(dict.fromkeys(named))[:_MOST_ABLATED]
