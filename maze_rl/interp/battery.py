"""Every test of the battery on one model of causal prompts, for its page: a table of tests with one signature.

The verdict comes first, and the scores of the untrained twin. What stands beside is a row of `TESTS`: a name, which is
the field of `Battery` that keeps what it finds, and a function of the `Subject`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.adjacency_heads import AdjacencyHeads, find_adjacency_heads
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
from maze_rl.interp.inputs.decisions import Decisions, find_decisions, right_choices
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, SolvedPairs, solved_pairs
from maze_rl.interp.interventions.edge_steering import SteeringResult, steer_edges
from maze_rl.interp.interventions.head_ablation import AblationResult, ablate_heads
from maze_rl.interp.interventions.interchange import Interchange
from maze_rl.interp.interventions.pair_patching import Patching, patch
from maze_rl.interp.judged_battery import JudgedBattery, judge_beside_twin, run_tests
from maze_rl.interp.materials import Materials, pairs_of_any_depth
from maze_rl.interp.probes.doubling import GrowthOfReach, fit_growth
from maze_rl.interp.probes.emergence import Emergence, emergence
from maze_rl.interp.probes.on_path_probe import OnPathProbe, on_path_probe
from maze_rl.interp.probes.wall_probe import WallProbe, wall_probe
from maze_rl.interp.requirements import FEWEST_MAZES, require_causal_prompt
from maze_rl.interp.scorecard import Progress, check_scored
from maze_rl.interp.verdict import Judgement
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.untrained import untrained_twin

_MOST_ABLATED = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Battery(JudgedBattery):
    """All results."""

    solved: SolvedPairs
    flips: FlipRates
    """Of pairs of any depth, as are sensitivity, patching and steering; those of S1 are in the scorecard."""
    curve: LookAhead
    ideal: Mapping[int, LookAhead]
    """Curves of ideal look-ahead on the same forks; 0 is Manhattan greedy."""
    sensitivity: LogitSensitivity
    adjacency: AdjacencyHeads
    consolidation: EdgeConsolidation
    frontier: FrontierHeads | None
    """None for a model of one layer."""
    walls: WallProbe
    on_path: OnPathProbe
    emergence: Emergence
    growth: GrowthOfReach
    patching: Patching | None
    """None where too few pairs are solved for an interval."""
    steering: SteeringResult
    ablated: tuple[tuple[int, int], ...]
    """(layer, head) of the heads that attention scores named, ablated together."""
    ablation: AblationResult | None
    """On the probes' mazes, which had no part in naming them; None where none is named."""

    @property
    def swaps(self) -> Interchange:
        """What S3 is from, on mazes as they come."""
        found = self.scorecard.swaps
        assert isinstance(found, Interchange)  # prompts here are causal
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject(Shown):
    """One model under study, and what its tests are shown; what several of them need is made once."""

    model: HookedTransformer
    twin: HookedTransformer
    """Of random weights."""
    materials: Materials
    judgement: Judgement

    @property
    def seed(self) -> int:
        """Seed of controls and draws."""
        return self.materials.setting.seed

    @property
    def decisions(self) -> Decisions:
        """Of demanding mazes."""
        return self.materials.decisions

    @cached_property
    def pairs(self) -> PatchingPairs:
        """Flip pairs of any depth."""
        return pairs_of_any_depth(tokenization_of(self.model), self.materials.setting)

    @cached_property
    def solved(self) -> SolvedPairs:
        """Which of them the model solves."""
        return solved_pairs(self.model, self.pairs)

    @cached_property
    def emergence(self) -> Emergence:
        """In which layer each distance is first known."""
        return emergence(self.model, self.materials.probed, seed=self.seed)

    @cached_property
    def adjacency(self) -> AdjacencyHeads:
        """Heads that look at the edges of the current cell."""
        return find_adjacency_heads(self.model, self.decisions, seed=self.seed)

    @cached_property
    def attention(self) -> tuple[FrontierHeads | None, EdgeConsolidation]:
        """Frontier heads and consolidation, of one run."""
        return attention_scores(self.model, self.decisions, self.seed)

    @cached_property
    def named(self) -> tuple[tuple[int, int], ...]:
        """Heads that attention scores name."""
        frontier, consolidation = self.attention
        return named_heads(self.adjacency, consolidation, frontier)


def _curve(subject: Subject) -> LookAhead:
    right = right_choices(subject.decisions, subject.judgement.card.logits)
    return look_ahead(subject.decisions, right, seed=subject.seed)


def _walls(subject: Subject) -> WallProbe:
    return wall_probe(subject.model, subject.materials.probed, control_model=subject.twin, seed=subject.seed)


def _on_path(subject: Subject) -> OnPathProbe:
    return on_path_probe(subject.model, subject.materials.probed, control_model=subject.twin, seed=subject.seed)


def _patching(subject: Subject) -> Patching | None:
    enough = len(subject.solved.rows) >= 2 * FEWEST_MAZES
    return patch(subject.model, subject.pairs, subject.solved, subject.seed) if enough else None


def _steering(subject: Subject) -> SteeringResult:
    layers = range(max(1, min(3, subject.model.cfg.n_layers - 1)))
    return steer_edges(subject.model, subject.pairs, layers=layers, strengths=(1.0, 2.0, 4.0), seed=subject.seed)


def _ablation(subject: Subject) -> AblationResult | None:
    """Ablate the named heads on other mazes than those that named them."""
    if not subject.named:
        return None
    asked = find_decisions(tokenization_of(subject.model), subject.materials.probed, seed=subject.seed)
    return ablate_heads(subject.model, asked, subject.named, how="resample", seed=subject.seed)


TESTS: Mapping[str, Callable[[Subject], Any]] = MappingProxyType(
    {
        "solved": lambda subject: subject.solved,
        "flips": lambda subject: flip_rates(subject.model, subject.pairs),
        "curve": _curve,
        "ideal": lambda subject: ideal_curves(subject.decisions, seed=subject.seed),
        "sensitivity": lambda subject: logit_sensitivity(subject.model, subject.pairs, seed=subject.seed),
        "adjacency": lambda subject: subject.adjacency,
        "frontier": lambda subject: subject.attention[0],
        "consolidation": lambda subject: subject.attention[1],
        "walls": _walls,
        "on_path": _on_path,
        "emergence": lambda subject: subject.emergence,
        "growth": lambda subject: growth_of_reach(subject.emergence),
        "patching": _patching,
        "steering": _steering,
        "ablated": lambda subject: subject.named,
        "ablation": _ablation,
    }
)
"""Field of `Battery` -> the test that fills it."""


def run_battery(
    model: HookedTransformer, materials: Materials, *, progress: Progress = lambda doing, done: None
) -> Battery:
    """Judge a model and its untrained twin, and run every test.

    Args:
        model: The model.
        materials: Mazes and pairs of its tokenization, from `materials.gather`.
        progress: Called with (what is being done, share done).

    Raises:
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or a test does not fit it.
    """
    check_tested(model)
    twin = untrained_twin(model, materials.setting.seed)
    judgement, untrained = judge_beside_twin(model, twin, materials, progress)
    subject = Subject(model=model, twin=twin, materials=materials, judgement=judgement)
    return Battery(judgement=judgement, untrained=untrained, **run_tests(TESTS, subject, progress))


def check_tested(model: HookedTransformer) -> None:
    """Check, before anything is made, that every test of the battery is right for a model.

    Raises:
        ConfigurationError: It has loops or a visible prompt, its prompt lists no edges, or the origin is not in it.
    """
    check_scored(model)
    require_causal_prompt(model, "the battery of search tests")


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


def growth_of_reach(emerges: Emergence) -> GrowthOfReach:
    """Fit the reach by layer, as far as it is known."""
    return fit_growth(np.where(emerges.reach < 0, np.nan, emerges.reach.astype(np.float64)))


def named_heads(
    adjacency: AdjacencyHeads, consolidation: EdgeConsolidation, frontier: FrontierHeads | None
) -> tuple[tuple[int, int], ...]:
    """Return the heads that the attention scores name: confirmed ones, two of each at most, lower layers first."""
    named = list(adjacency.confirmed[:2])
    if consolidation.heads is not None and consolidation.consolidates:
        named += consolidation.heads
    if frontier is not None and frontier.direction != "none":
        anchored = frontier.anchors[frontier.winner]
        named += list(zip(range(anchored.layers[0], anchored.layers[1] + 1), anchored.heads, strict=True))[:2]
    return tuple(dict.fromkeys(named))[:_MOST_ABLATED]
