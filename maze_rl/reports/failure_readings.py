"""What the figures of decisions, first errors and training say, in sentences computed from the data."""

from collections.abc import Sequence

import numpy as np

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.loss_kinds import JsonDict, LossKind, kinds_of_rows
from maze_rl.reports.names import error_name
from maze_rl.reports.plugin_readings import rounds_reading
from maze_rl.reports.pooling import HazardStep, error_counts, first_errors_by_range, join, pooled_hazard
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_readings import sizes_text
from maze_rl.reports.success_tables import has_rollout_gap
from maze_rl.reports.training_figures import series

SURE = 1.96
"""Standard deviations at which a difference is called one."""


def decision_reading(evaluation: EvaluationResult) -> Statement:
    """State the rates at forks and at forced steps at the largest size, and name the widest rollout gap."""
    rows = evaluation.teacher_forced
    if not rows:
        return NOTHING
    last = rows[-1]
    said = Statement(
        "Behind a shortest path so far, what does the model write next? A step stands at a fork or is forced; beside "
        "the steps there is the path's end, and its first cell where the model writes that too, so all predictions "
        "together can be right more or less often than either kind of step."
    )
    if last.fork_accuracy and last.forced_accuracy:
        said += Statement(
            "At size {size} it is right at {fork:.1%} ({fork_low:.1%} to {fork_high:.1%}) of {forks:,} forks and at "
            "{forced:.1%} ({forced_low:.1%} to {forced_high:.1%}) of {forced_num:,} forced steps.",
            {
                "size": last.size,
                "fork": last.fork_accuracy.value,
                "fork_low": last.fork_accuracy.low,
                "fork_high": last.fork_accuracy.high,
                "forks": last.fork_accuracy.num,
                "forced": last.forced_accuracy.value,
                "forced_low": last.forced_accuracy.low,
                "forced_high": last.forced_accuracy.high,
                "forced_num": last.forced_accuracy.num,
            },
        )
    if not has_rollout_gap(evaluation):
        return said
    widest = max(rows, key=lambda row: abs(row.rollout_gap))
    if abs(widest.rollout_gap) < 0.0005:
        return said + Statement("The product of its per-step success is the rollout rate at every size.")
    sizes = [row.size for row in rows if abs(row.rollout_gap) == abs(widest.rollout_gap)]
    return said + Statement(
        "The product of its per-step success differs from the rollout rate by at most {gap:.1f} points ("
        + ("size" if len(sizes) == 1 else "sizes")
        + " {gap_sizes}).",
        {"gap": 100 * abs(widest.rollout_gap), "gap_sizes": sizes_text(sizes)},
    )


def first_error_reading(evaluation: EvaluationResult) -> Statement:
    """Name the commonest kind of first error, or the kinds that are equally common, and where errors lie."""
    counts = error_counts([evaluation])
    failed = sum(counts.values())
    if not failed:
        return Statement("No rollout went wrong.")
    most = max(counts.values())
    kinds = [f"“{error_name(kind)}”" for kind, count in counts.items() if count == most]
    commonest = "error is {kinds} ({count:,}, {share:.0%})"
    if len(kinds) > 1:
        commonest = "errors are {kinds} ({count:,} each, {share:.0%})"
    said = Statement(
        "{failed:,} of {rollouts:,} rollouts went wrong; the commonest first " + commonest + ".",
        {
            "failed": failed,
            "rollouts": sum(row.num for row in evaluation.first_errors),
            "kinds": " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1]))),
            "count": most,
            "share": most / failed,
        },
    )
    placed = [(row.mean_relative_position, row.num - row.counts.get("none", 0)) for row in evaluation.first_errors]
    known = [(place, num) for place, num in placed if place is not None and num]
    if known:
        mean = sum(place * num for place, num in known) / sum(num for _, num in known)
        said += Statement("On average it comes {place:.0%} of the way along the path.", {"place": mean})
    return said


def hazard_reading(evaluation: EvaluationResult) -> Statement:
    """Say whether errors compound at a constant rate, or come more often late on the path."""
    said = Statement("Dashed: what a constant hazard at every size, fitted to that size, would give.")
    for inside, name in ((False, "other"), (True, "trained"), (None, "all")):
        rows = first_errors_by_range(evaluation, inside)
        stretches = pooled_hazard(rows)
        if len(stretches) >= 4 and sum(stretch.errors for stretch in stretches) >= 20:
            return said + _early_and_late(stretches, f"{name} sizes ({sizes_text([row.size for row in rows])})")
    return said


def _early_and_late(stretches: Sequence[HazardStep], sizes: str) -> Statement:
    """Compare the errors late on the path with what constant hazards predict, given their total."""
    half, seen, split = sum(stretch.at_risk for stretch in stretches) / 2, 0, 0
    while split < len(stretches) - 1 and (split == 0 or seen + stretches[split].at_risk <= half):
        seen += stretches[split].at_risk
        split += 1
    late, total = join(stretches[split:]), join(stretches)
    share = late.expected / total.expected if total.expected else 0.0
    if not 0.0 < share < 1.0:
        return NOTHING
    deviation = (late.errors - total.errors * share) / (total.errors * share * (1 - share)) ** 0.5
    verdict = "no clear difference: errors come as if they merely compounded"
    if abs(deviation) > SURE:
        verdict = f"they come {'later' if deviation > 0 else 'earlier'} than if they merely compounded"
    return Statement(
        "On {hazard_sizes}, {late:,} of {total:,} first errors come at step {boundary} or later, where constant "
        "hazards predict {predicted:,.0f}: " + verdict + ".",
        {
            "hazard_sizes": sizes,
            "late": late.errors,
            "total": total.errors,
            "boundary": late.first,
            "predicted": total.errors * share,
        },
    )


def training_reading(run: RunSummary) -> Statement:
    """Say from where to where the losses fell, kind by kind, and what validation reached."""
    said = NOTHING
    for place, (kind, rows) in enumerate(kinds_of_rows(run.config, run.metrics).items()):
        if not kind.is_game:
            said += _fall(kind, rows, place)
    at, shortest = series(run.metrics, "validation_exact")
    if len(shortest):
        best = int(np.argmax(shortest))
        mazes = run.setting("training.validation_mazes")
        of = "" if mazes is None else " of {validation_mazes:,} mazes"
        where = "step" if np.count_nonzero(shortest == shortest[best]) == 1 else "first at step"
        said += Statement(
            "In validation it ended with {validation:.1%}"
            + of
            + " on which every next token is right (best {best_validation:.1%}, "
            + where
            + " {best_step:,}).",
            {"validation": float(shortest[-1]), "best_validation": float(shortest[best]), "best_step": int(at[best])}
            | ({} if mazes is None else {"validation_mazes": mazes}),
        )
    return said + rounds_reading(run.metrics)


def _fall(kind: LossKind, rows: Sequence[JsonDict], place: int) -> Statement:
    steps, losses = series(rows, "loss")
    if not len(losses):
        return NOTHING
    part = max(1, len(losses) // 50)
    values = {
        "kind": kind.title,
        "first_loss": float(np.median(losses[:part])),
        "last_loss": float(np.median(losses[-part:])),
        "first_step": int(steps[0]),
        "last_step": int(steps[-1]),
        "part": part,
    }
    said = (
        "The training loss ({kind}) went from {first_loss:.3f} to {last_loss:.3f} between steps {first_step:,} and "
        "{last_step:,} (medians of the first and last {part:,} recorded)."
    )
    for name in values:
        said = said.replace(f"{{{name}", f"{{{name}_{place}")
    return Statement(said, {f"{name}_{place}": value for name, value in values.items()})
