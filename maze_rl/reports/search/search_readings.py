"""The sentences at the top of the page: the verdict, and what the scorecard says."""

from collections.abc import Mapping

from maze_rl.interp.finding import Finding
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.interp.scorecard import SCORES
from maze_rl.interp.verdict import Judgement
from maze_rl.reports.content import Statement
from maze_rl.reports.search.loops.size_section import breaking_reading
from maze_rl.reports.search.loops.spreading_section import settling_reading
from maze_rl.reports.search.scorecard_figures import MEANINGS
from maze_rl.reports.search.search_result import JudgedResult, LoopSearchResult
from maze_rl.reports.search.stated import NOT_MEASURED, is_known, paragraph, sentence


def headline(result: JudgedResult) -> Statement:
    """State the verdict with the scores it stands on."""
    judgement, setting = result.judgement, result.setting
    verdict = sentence(
        "{name} on {size}×{size} {algorithm} mazes: {verdict}.",
        name=result.name,
        size=setting.size,
        algorithm=setting.algorithm,
        verdict=judgement.text,
    )
    if isinstance(result, LoopSearchResult):
        seen = settling_reading(result), breaking_reading(result), _NOT_KNOWN
        return paragraph(verdict, _judged_on(judgement), *seen)
    return paragraph(verdict, _judged_on(judgement), *(_group(judgement.judged.scores, kind) for kind in _LEADS))


_NOT_KNOWN = Statement("What is not known: whether it computes that algorithm as such, and why far cells fail.")
_SHOWN = {
    False: "hand-built searchers (H1 breadth-first wave, H3 dead-end filling); below: models that do not search (N1 "
    "untrained, N2 greedy, N3 computes a wave it never reads, N4 memorizer) and the untrained control.",
    True: "hand-built searchers (H5 breadth-first wave, H6 dead-end filling, H7 both at once); below: models that do "
    "not search (N6 untrained, N7 greedy, N8 computes a wave it never reads) and the untrained control.",
}
"""What the figure of the scorecard shows beside a model, with loops or without."""


def _judged_on(judgement: Judgement) -> Statement:
    """State which mazes the verdict is of, by the reach that was measured."""
    reach = judgement.reach
    if reach.whole:
        return sentence("Its choices show no end of its reach on these mazes, {steps} steps.", steps=reach.steps)
    if judgement.within is not None:
        return sentence(
            "Its choices reach {reach} (L_eff {l_eff}), and it is judged on mazes within that.",
            reach=reach.text,
            l_eff=reach.curve.joint.look_ahead,
        )
    return sentence(
        "Its choices reach {steps} steps beyond what Manhattan greedy explains: too few mazes that tell search from "
        "rules lie within that, and it is judged on mazes as they come.",
        steps=reach.steps,
    )


def _group(scores: Mapping[str, Finding], kind: str) -> Statement:
    """List the scores of one verdict."""
    chosen = {score: each for score, each in scores.items() if _kind(each) == kind}
    if not chosen:
        return Statement("")
    parts, values = [], {}
    for score, each in chosen.items():
        part = sentence(f"{score} ({MEANINGS[score]}) {{{score.lower()}}}", **{score.lower(): each.effect})
        parts.append(part.template.removesuffix(f" {NOT_MEASURED}"))
        values |= part.values
    return Statement(f"{_LEADS[kind]}: {'; '.join(parts)}.", values)


_LEADS = {"yes": "Yes", "no": "No", "unclear": "Unclear", NOT_MEASURED: "Not measured"}


def _kind(finding: Finding) -> str:
    return finding.verdict if is_known(finding.effect) else NOT_MEASURED


def scorecard_reading(result: JudgedResult) -> Statement:
    """State how the model stands beside its control and the calibration models."""
    control = result.battery.untrained
    reading = sentence("The untrained control: {control}.", control=control.verdict)
    if result.calibration:
        searchers = [name for name in result.calibration if name.startswith("H")]
        right = sum(result.calibration_searches.get(name, False) == name.startswith("H") for name in result.calibration)
        reading += sentence(
            "Models of known algorithm: {right} of {models} judged rightly ({searchers} search, {others} do not).",
            right=right,
            models=len(result.calibration),
            searchers=len(searchers),
            others=len(result.calibration) - len(searchers),
        )
    return reading


def scorecard_lead(result: JudgedResult) -> Statement:
    """Explain the figure and the rule of the verdict."""
    unmeasured = [score for score in SCORES if not is_known(result.judgement.judged.scores[score].effect)]
    lead = Statement(
        "A model searches if S1, S3 and S5 say yes, and S2 or S4 with them, on mazes within its reach. Blue: the model "
        "with its 95% interval; dashed: the threshold; triangles above: " + _SHOWN[isinstance(result, LoopSearchResult)]
    )
    for score in unmeasured:
        lead += sentence(
            f"{score} could not be measured: {_REASONS[score]}.",
            **{
                f"mazes_{score}": result.judgement.judged.scores[score].num_mazes,
                f"layouts_{score}": result.judgement.judged.scores[score].num_layouts,
                "fewest": FEWEST_MAZES,
            },
        )
    return lead


_REASONS = {
    "S1": "{mazes_S1} pairs have a change far enough away, and an interval needs {fewest}",
    "S2": "the probes gave no score on {mazes_S2} mazes",
    "S3": "no pair is left to swap between ({mazes_S3} mazes)",
    "S4": "{mazes_S4} mazes ({layouts_S4} layouts) have a fork where the nearest cell is the wrong one, and an "
    "interval needs {fewest} layouts",
    "S5": "fewer than {fewest} layouts have a far fork where Manhattan greedy is wrong",
}
"""Why a score is missing."""
