"""The scorecard: five graded scores of one model on one set of mazes, and what they come to together.

======  =======================================================================  =====================================
S1      one far edge changes, and the choice follows as the oracle demands       `behaviour/flip_rate`
S2      a search's variable is in the stream before the path starts              `probes/distance_probe`
S3      with another maze's variable the choice is what it demands there         `interventions/interchange`
S4      the steps the choice looks ahead grow over several layers                `behaviour/compute_frontier`
S5      the choices are right where simple rules are wrong                       `behaviour/rule_exclusion`
======  =======================================================================  =====================================

The mazes are demanding ones: the choices are those of mazes with at least one fork that needs a look-ahead k* of four
or more and at which Manhattan greedy is wrong, and the flips lie four or more steps away. On easy mazes everything
solves nearly everything, and nothing can be told.

A model *searches* on a distribution of mazes if S1, S3 and S5 say yes, and S2 or S4 with them. S2 alone says that it
represents, S1 alone that it plans as far as behaviour shows. Attention scores stand beside, and decide nothing.

Each score has mazes of its own, from a seed of its own. Where a split has few mazes of a size, sets would share them
all the same, and 95 % intervals claim more mazes than there are: that is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.mazes import MazeSpec, spec_from_arguments
from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import check_square
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.attention.adjacency_heads import AdjacencyHeads, find_adjacency_heads
from maze_rl.interp.behaviour.compute_frontier import ComputeFrontier, compute_frontier
from maze_rl.interp.behaviour.flip_rate import FAR, FlipRates, flip_rates
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion, exclude_rules
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import Decisions, decision_streams, find_decisions, read_out
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.interventions.interchange import Interchange, interchange
from maze_rl.interp.probes.distance_probe import LatentState, ProbeScore, latent_state, untrained_scores
from maze_rl.interp.requirements import (
    check_mazes,
    require_edges_in_prompt,
    require_no_hooks,
    require_origin_in_prompt,
    require_plain_stream,
)
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.untrained import untrained_twin
from maze_rl.plain_numbers import check_seed
from maze_rl.seeding import stream_key
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.tokenization import Tokenization

Progress = Callable[[str, float], None]
SCORES = ("S1", "S2", "S3", "S4", "S5")
_BLOCK, _MOST_SEARCHED = 512, 400
"""Mazes looked through at once, and in all for each one that is asked for."""


@dataclass(frozen=True, kw_only=True)
class Setting(Shown):
    """The mazes a model is judged on.

    Raises:
        ConfigurationError: A size, count, distance or seed is none.
    """

    size: int
    """Cells per side, as 7 or ``"7"``."""
    algorithm: str = "dfs"
    split: str | None = "test"
    num_mazes: int = 300
    """Demanding mazes, for behaviour and attention."""
    num_pairs: int = 300
    """Flip pairs whose change is far, one from each maze."""
    num_probed: int = 600
    """Mazes for probes; half are fitted on."""
    num_swapped: int = 2048
    """Mazes for interchange; about one in ten is swapped into."""
    max_distance: int | None = None
    """Longest shortest path, and distance from fork to target; None for no limit."""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_square("size", self.size))
        check_field_types(self)
        check_seed(self.seed)
        for name in ("num_mazes", "num_pairs", "num_probed", "num_swapped"):
            check_count(name, getattr(self, name))
        if self.max_distance is not None:
            check_count("max_distance", self.max_distance, 2)  # a fork next to its target decides nothing


@dataclass(frozen=True, eq=False)
class Materials(Shown):
    """What every model of one tokenization is shown."""

    setting: Setting
    decisions: Decisions
    pairs: PatchingPairs
    probed: MazeBatch
    swapped: RecombinedMazes


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorecard(Shown):
    """All scores of one model; each keeps the details it was made from."""

    setting: Setting
    logits: Float[Tensor, "decision d_vocab"]
    """At the decisions of the materials."""
    flips: FlipRates
    latent: LatentState
    swaps: Interchange
    frontier: ComputeFrontier
    rules: RuleExclusion
    adjacency: AdjacencyHeads

    def _headline(self) -> str:
        return scores_line(self.verdict, self.scores)

    def _repr_html_(self) -> str:
        return scores_html("search scorecard", self.verdict, self.scores)

    @property
    def scores(self) -> dict[str, Finding]:
        """S1 to S5."""
        return {
            "S1": self.flips.finding,
            "S2": self.latent.best.finding,
            "S3": self.swaps.finding,
            "S4": self.frontier.finding,
            "S5": self.rules.finding,
        }

    @property
    def searches(self) -> bool:
        """The combined verdict: S1, S3 and S5, and S2 or S4."""
        says = {name: finding.verdict == "yes" for name, finding in self.scores.items()}
        return says["S1"] and says["S3"] and says["S5"] and (says["S2"] or says["S4"])

    @property
    def verdict(self) -> str:
        """What may be said, in a few words."""
        verdicts = {name: finding.verdict for name, finding in self.scores.items()}
        if self.searches:
            return "searches" if self.latent.holds == "nothing" else f"searches, by {self.latent.holds}"
        core = [verdicts[name] for name in ("S1", "S3", "S5")]
        if "no" not in core and ("unclear" in core or "unclear" in (verdicts["S2"], verdicts["S4"])):
            return "unclear: too few mazes for these intervals"
        if verdicts["S3"] == "no":
            if verdicts["S1"] == "yes":
                return "plans, as far as behaviour shows; no causal search state found"
            return "represents, does not use" if verdicts["S2"] == "yes" else "no search found"
        told = {answer: [name for name in SCORES if verdicts[name] == answer] for answer in ("yes", "no")}
        return "; ".join(f"{answer} to {', '.join(names)}" for answer, names in told.items() if names)


def gather(tokenization: Tokenization, setting: Setting) -> Materials:
    """Make the mazes, decisions and pairs of a setting; streams of the seed keep them apart.

    Raises:
        UnknownNameError: The algorithm is none that makes mazes without cycles.
        ConfigurationError: Too few mazes have a flip pair, the split has too few mazes of this size, or the prompt
            lists no edges or lacks the origin.
    """
    _check_prompt(tokenization.layout)
    check_setting(setting)
    probed = _mazes(setting, np.arange(setting.num_probed), "probes")
    _check_variety(setting, probed)
    pairs = make_pairs(
        tokenization,
        size=setting.size,
        num=setting.num_pairs,
        depths=(FAR, setting.size**2),
        algorithm=setting.algorithm,
        split=setting.split,
        max_distance=setting.max_distance,
        seed=_seed(setting, "pairs"),
    )
    demanding = find_decisions(tokenization, demanding_mazes(tokenization, setting), seed=setting.seed)
    swapped = recombine_mazes(
        tokenization,
        _spec(setting),
        num=setting.num_swapped,
        max_distance=setting.max_distance,
        seed=_seed(setting, "interchange"),
    )
    return Materials(setting, demanding, pairs, probed, swapped)


def _check_variety(setting: Setting, batch: MazeBatch) -> None:
    kinds = len(np.unique(maze_hashes(batch)))
    if kinds < len(batch) / 2:
        raise ConfigurationError(
            f"{len(batch)} {setting.algorithm} mazes of {setting.size} x {setting.size} in the split "
            f"{setting.split or 'of all'} are {kinds} different ones, rotated or reflected: use larger mazes."
        )


def pairs_of_any_depth(tokenization: Tokenization, setting: Setting) -> PatchingPairs:
    """Return twice as many flip pairs as the scorecard has, at any distance from the fork.

    Depths are as even as mazes allow: a model that follows near changes alone is patched there.
    """
    return make_pairs(
        tokenization,
        size=setting.size,
        num=2 * setting.num_pairs,
        depths=(0, setting.size**2),
        algorithm=setting.algorithm,
        split=setting.split,
        max_distance=setting.max_distance,
        seed=_seed(setting, "any depth"),
    )


def check_setting(setting: Setting) -> None:
    """Check, before anything is made, that a setting can be met.

    Raises:
        UnknownNameError: The algorithm is none that makes mazes without cycles.
        ConfigurationError: The mazes are too small for a far flip.
    """
    if setting.algorithm not in TREES:
        raise unknown_name("algorithm without cycles", setting.algorithm, TREES)
    if setting.size < FAR:
        raise ConfigurationError(
            f"size is {setting.size}: a flip {FAR} steps away needs at least {FAR} x {FAR} cells; use larger mazes."
        )


def control_probes(model: HookedTransformer, materials: Materials) -> dict[str, ProbeScore]:
    """Return how well the variables are read from the model's untrained twin; the same for all weights of one shape."""
    seed = materials.setting.seed
    return untrained_scores(untrained_twin(model, seed + 1), materials.probed, seed=seed)


def demanding_mazes(tokenization: Tokenization, setting: Setting) -> MazeBatch:
    """Return mazes that have, on the way, a far fork at which Manhattan greedy is wrong.

    Raises:
        ConfigurationError: There are too few of them among the mazes of this size and algorithm.
    """
    found: list[MazeBatch] = []
    num = searched = 0
    while num < setting.num_mazes:
        if searched >= _MOST_SEARCHED * setting.num_mazes:
            raise ConfigurationError(
                f"{num} of {searched} {setting.size} x {setting.size} {setting.algorithm} mazes have a fork that needs "
                f"look-ahead {FAR} and that Manhattan greedy gets wrong: use a larger size or fewer mazes."
            )
        block = _mazes(setting, np.arange(searched, searched + _BLOCK), "decisions")
        decisions = find_decisions(tokenization, block, seed=setting.seed)
        far = decisions.is_fork & (decisions.look_ahead >= FAR)
        wrong = ~(manhattan(decisions) & decisions.optimal).any(axis=1)
        found.append(block.take(np.unique(decisions.maze[far & wrong])))
        num, searched = num + len(found[-1]), searched + _BLOCK
    joined = (np.concatenate([getattr(part, name) for part in found]) for name in ("connections", "origins", "targets"))
    return trusted_batch(*joined).take(np.arange(setting.num_mazes))


def score(
    model: HookedTransformer,
    materials: Materials,
    *,
    untrained: Mapping[str, ProbeScore] | None = None,
    progress: Progress = lambda doing, done: None,
) -> Scorecard:
    """Give a model its five scores.

    Args:
        model: The model; its tokenization is the one the materials were made for.
        materials: Mazes and pairs.
        untrained: Scores of the untrained control's probes, where they are known (`control_probes`).
        progress: Called with (what is being done, share done).

    Raises:
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or it cannot be scored.
    """
    check_scored(model)
    setting, decisions = materials.setting, materials.decisions
    check_mazes(model, setting.size, min(setting.num_mazes, setting.num_pairs, setting.num_probed))
    progress("behaviour", 0.0)
    streams = decision_streams(model, decisions)
    logits = read_out(model, streams[:, -1])
    rules = exclude_rules(decisions, logits, seed=setting.seed)
    flips = flip_rates(model, materials.pairs)
    frontier = compute_frontier(model, decisions, streams=streams, seed=setting.seed)
    progress("attention", 0.2)
    adjacency = find_adjacency_heads(model, decisions, seed=setting.seed)
    progress("probes", 0.4)
    if untrained is None:
        untrained = control_probes(model, materials)
    latent = latent_state(model, materials.probed, untrained=untrained, seed=setting.seed)
    progress("interchange", 0.7)
    swaps = interchange(model, materials.swapped, variable=latent.best_variable, seed=setting.seed)
    progress("done", 1.0)
    return Scorecard(
        setting=setting,
        logits=logits,
        flips=flips,
        latent=latent,
        swaps=swaps,
        frontier=frontier,
        rules=rules,
        adjacency=adjacency,
    )


def check_scored(model: HookedTransformer) -> None:
    """Check, before anything is made, that every score is right for a model.

    Raises:
        ConfigurationError: It has loops or hooks, its prompt lists no edges, or the origin is not in it.
    """
    _check_prompt(tokenization_of(model).layout)
    require_plain_stream(model, "the scorecard")
    require_no_hooks(model, "the scorecard")


def _check_prompt(layout: Layout) -> None:
    require_edges_in_prompt(layout, "the scorecard")
    require_origin_in_prompt(layout, "the scorecard")


def _mazes(setting: Setting, indices: Int64[ndarray, " num"], stream: str) -> MazeBatch:
    spec = _spec(setting, max_path_length=setting.max_distance)
    return generate_mazes(spec, indices, _seed(setting, stream)).batches[0]


def _spec(setting: Setting, **ends: int | None) -> MazeSpec:
    return spec_from_arguments(sizes=(setting.size,), algorithm=setting.algorithm, split=setting.split, **ends)


def _seed(setting: Setting, stream: str) -> int:
    """Return a seed of its own for each set of mazes, so that they meet by chance alone."""
    return stream_key(setting.seed, "scorecard", stream) >> 1
