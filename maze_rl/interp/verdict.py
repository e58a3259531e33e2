"""Does a model search, and how far? Its reach, its scores within the reach and without limit, and one verdict.

A search of few steps fails the mazes that ask for more, as a rule does. So the reach K is measured first
(`behaviour/reach`), and the scorecard is made twice: on mazes within K steps, which decide, and on mazes as they come,
which say what becomes of it beyond. The verdict is one of

- *searches within K steps*: the scorecard within the reach says so;
- *represents without use*: choices do not follow a search, though its variable can be read;
- *heuristic*: choices do not follow a search; so it is, too, where K is below 3: one step or two is a look around;
- *undecided*: K is 3, within which no demanding maze has a flip, or its interval holds 3, or too few mazes lie within
  K, or the scores do not tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.behaviour.reach import Reach, measure_reach
from maze_rl.interp.inputs.decisions import decision_logits, find_decisions, right_choices
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.materials import FEWEST_STEPS, Materials, Setting, gather, plain_mazes
from maze_rl.interp.probes.held_variables import ProbeScore
from maze_rl.interp.scorecard import Progress, Scorecard, Verdict, check_scored, score
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.tokenization.tokenization import Tokenization

LEAST_STEPS = 3
"""Steps from which on a reach is more than a look around."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Judgement(Shown):
    """The verdict on one model, with what it stands on."""

    reach: Reach
    card: Scorecard
    """On mazes as they come, of the setting that was asked for."""
    within: Scorecard | None
    """On mazes within the reach; None where there are too few, as below `FEWEST_STEPS`. The same as `card` where these
    mazes show no end of the reach."""

    @property
    def judged(self) -> Scorecard:
        """The scorecard that decides."""
        return self.card if self.within is None else self.within

    def _headline(self) -> str:
        return self.text

    @property
    def verdict(self) -> Verdict:
        """One of four."""
        if self.within is not None:
            return self.within.verdict
        interval = self.reach.curve.joint.look_ahead
        if self.reach.steps >= LEAST_STEPS or interval.high >= LEAST_STEPS:
            return "undecided"
        return "represents without use" if self.card.scores["S2"].verdict == "yes" else "heuristic"

    @property
    def text(self) -> str:
        """The verdict with K."""
        return f"searches within {self.reach.text}" if self.verdict == "searches" else self.verdict


def judge(
    model: HookedTransformer,
    setting: Setting,
    *,
    materials: Materials | None = None,
    untrained: Mapping[str, ProbeScore] | None = None,
    progress: Progress = lambda doing, done: None,
) -> Judgement:
    """Measure the reach of a model, score it within and without, and give the verdict.

    Args:
        model: A model that can be scored (`check_scored`).
        setting: Mazes as they come, or within a limit of the caller's.
        materials: What `gather` made of the setting, where it is there already.
        untrained: Scores of the untrained control's probes on these, where they are known (`control_probes`).
        progress: Called with (what is being done, share done).

    Raises:
        UnknownNameError: The algorithm is none that makes mazes without cycles.
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or it cannot be scored.
    """
    check_scored(model)
    tokenization = tokenization_of(model)
    progress("reach", 0.0)
    asked = find_decisions(tokenization, plain_mazes(setting, setting.num_mazes, "reach"), seed=setting.seed)
    right = right_choices(asked, decision_logits(model, asked))
    reach = measure_reach(asked, right, seed=setting.seed)
    materials = gather(tokenization, setting) if materials is None else materials
    card = score(model, materials, untrained=untrained, progress=lambda doing, done: progress(doing, 0.1 + 0.45 * done))
    within = None
    if reach.whole:
        within = card
    elif (near := _within_reach(tokenization, setting, reach)) is not None:
        within = score(model, near, progress=lambda doing, done: progress(f"{doing} within reach", 0.55 + 0.45 * done))
    progress("done", 1.0)
    return Judgement(reach=reach, card=card, within=within)


def _within_reach(tokenization: Tokenization, setting: Setting, reach: Reach) -> Materials | None:
    """Return materials within the reach; None where too few mazes of this size lie within."""
    if reach.steps < FEWEST_STEPS:
        return None
    try:
        return gather(tokenization, replace(setting, within=Within(reach.axis, reach.steps)))
    except ConfigurationError:  # there were enough without the limit
        return None
