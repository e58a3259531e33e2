"""The scorecard: five graded scores of one model on one set of mazes, and what they come to together.

======  ====================================================================  ====================  ====================
score   what it asks                                                          causal prompts        loops over cells
======  ====================================================================  ====================  ====================
S1      one far edge changes, and the choice follows as the oracle demands    `flip_rate`           `flip_rate`
S2      a search's variable is in the streams, not the answer alone           `distance_probe`      `cell_state`
S3      with another maze's state the choice is what the two demand together  `interchange`         `neighbour_states`
S4      the steps the choice looks ahead grow over several layers             `compute_frontier`    `compute_frontier`
S5      the choices are right where simple rules are wrong                    `rule_exclusion`      `rule_exclusion`
======  ====================================================================  ====================  ====================

A model *searches* on a distribution of mazes if S1, S3 and S5 say yes, and S2 or S4 with them. One that S1 or S5 denies
follows a *heuristic*, or, where S2 says yes, *represents without use*. All else is *undecided*: too few mazes for the
intervals, or behaviour as a search has it whose state was not found to be used (S3). Where heads look decides nothing.

What is chosen on the way is chosen on other mazes than it is judged on: in S2 variable and layer, in S3 layer and rank.
S5 is the least over all rules, S1 and S4 have no choice. Five scores are no five chances: the verdict asks for four of
them at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.behaviour.compute_frontier import ComputeFrontier, compute_frontier
from maze_rl.interp.behaviour.flip_rate import FlipRates, flip_rates
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion, exclude_rules
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import Variable
from maze_rl.interp.inputs.decisions import decision_streams, read_out
from maze_rl.interp.interventions.interchange import Interchange, interchange
from maze_rl.interp.interventions.neighbour_states import NeighbourStates, swap_neighbour_states
from maze_rl.interp.materials import Materials, Setting
from maze_rl.interp.probes.cell_state import cell_state, untrained_cell_scores
from maze_rl.interp.probes.distance_probe import latent_state, untrained_scores
from maze_rl.interp.probes.held_variables import LatentState, ProbeScore
from maze_rl.interp.requirements import (
    check_mazes,
    require_cells_by_loop,
    require_edges_in_prompt,
    require_no_hooks,
    require_origin_in_prompt,
    require_origin_on_path,
    require_plain_stream,
)
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.untrained import untrained_twin

Progress = Callable[[str, float], None]
Verdict = Literal["searches", "represents without use", "heuristic", "undecided"]
SCORES = ("S1", "S2", "S3", "S4", "S5")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorecard(Shown):
    """All scores of one model; each keeps the details it was made from."""

    setting: Setting
    logits: Float[Tensor, "decision d_vocab"]
    """At the decisions of the materials."""
    flips: FlipRates
    latent: LatentState
    swaps: Interchange | NeighbourStates
    frontier: ComputeFrontier
    rules: RuleExclusion

    def _headline(self) -> str:
        return scores_line(self.verdict, self.scores)

    def _repr_html_(self) -> str:
        return scores_html("search scorecard", self.verdict, self.scores)

    @property
    def scores(self) -> dict[str, Finding]:
        """S1 to S5."""
        return {
            "S1": self.flips.finding,
            "S2": self.latent.finding,
            "S3": self.swaps.finding,
            "S4": self.frontier.finding,
            "S5": self.rules.finding,
        }

    @property
    def searches(self) -> bool:
        """Whether the verdict is that it does."""
        return self.verdict == "searches"

    @property
    def verdict(self) -> Verdict:
        """What may be said of the model on these mazes."""
        return combined({name: finding.verdict for name, finding in self.scores.items()})


def combined(verdicts: Mapping[str, str]) -> Verdict:
    """Return what the verdicts of S1 to S5 come to together."""
    says = {answer: {name for name in SCORES if verdicts[name] == answer} for answer in ("yes", "no")}
    if {"S1", "S3", "S5"} <= says["yes"] and says["yes"] & {"S2", "S4"}:
        return "searches"
    if says["no"] & {"S1", "S5"}:
        return "represents without use" if "S2" in says["yes"] else "heuristic"
    return "undecided"


def control_probes(model: HookedTransformer, materials: Materials) -> dict[str, ProbeScore]:
    """Return how well the variables are read from the model's untrained twin; the same for all weights of one shape."""
    seed = materials.setting.seed
    twin = untrained_twin(model, seed + 1)
    if goes_by_loop(model):
        return untrained_cell_scores(twin, materials.probed, steps=_steps(materials.setting), seed=seed)
    return untrained_scores(twin, materials.probed, steps=_steps(materials.setting), seed=seed)


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
    setting, decisions, seed = materials.setting, materials.decisions, materials.setting.seed
    check_mazes(model, setting.size, min(setting.num_mazes, setting.num_pairs, setting.num_probed))
    progress("behaviour", 0.0)
    streams = decision_streams(model, decisions)
    logits = read_out(model, streams[:, -1])
    rules = exclude_rules(decisions, logits, far=setting.far, seed=seed)
    flips = flip_rates(model, materials.pairs, far=setting.far)
    frontier = compute_frontier(model, decisions, streams=streams, seed=seed)
    by_loop = goes_by_loop(model)
    progress("probes", 0.3)
    if untrained is None:
        untrained = control_probes(model, materials)
    if by_loop:
        latent = cell_state(model, materials.probed, untrained=untrained, steps=_steps(setting), seed=seed)
    else:
        latent = latent_state(model, materials.probed, untrained=untrained, steps=_steps(setting), seed=seed)
    progress("interchange", 0.7)
    if by_loop:
        swaps = swap_neighbour_states(model, materials.swapped, seed=seed)
    else:
        swaps = interchange(model, materials.swapped, variable=cast(Variable, latent.best.variable), seed=seed)
    progress("done", 1.0)
    return Scorecard(
        setting=setting,
        logits=logits,
        flips=flips,
        latent=latent,
        swaps=swaps,
        frontier=frontier,
        rules=rules,
    )


def goes_by_loop(model: HookedTransformer) -> bool:
    """Tell whether a model is scored loop by loop, at the cells of its prompt."""
    config = getattr(model, "maze_config", None)
    return config is not None and bool(config.looped) and tokenization_of(model).layout.lists_cells


def check_scored(model: HookedTransformer) -> None:
    """Check, before anything is made, that every score is right for a model.

    Raises:
        ConfigurationError: It has hooks; or it is neither a plain model whose prompt lists edges and names the origin,
            nor one with loops whose prompt lists cells and does not.
    """
    require_no_hooks(model, "the scorecard")
    if goes_by_loop(model):
        require_cells_by_loop(model, "the scorecard")
        require_origin_on_path(model, "the scorecard")
    else:
        require_edges_in_prompt(tokenization_of(model).layout, "the scorecard")
        require_origin_in_prompt(tokenization_of(model).layout, "the scorecard")
        require_plain_stream(model, "the scorecard")


def _steps(setting: Setting) -> int | None:
    """Return the steps that a search within the reach sees."""
    return None if setting.within is None else setting.within.steps
