"""What the figures of several runs say, in sentences computed from the data."""

from collections.abc import Sequence

import numpy as np

from maze_rl.evaluation.results import Estimate, EvaluationResult, PairedDifference
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.loss_kinds import LossKind, kinds_of_rows
from maze_rl.reports.names import baseline_kind
from maze_rl.reports.paired_runs import paired_rates, points_text, shown
from maze_rl.reports.pooling import FEWEST, rate_on, sizes_new_to_all
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_readings import sizes_text
from maze_rl.reports.success_tables import span
from maze_rl.reports.training_figures import series


def comparison_headline(runs: Sequence[RunSummary]) -> Statement:
    """Say how often each run is right on the sizes that are new to all of them, and how they differ from the first."""
    sizes = sizes_new_to_all([run.evaluation for run in runs])
    rated = [(rate_on(run.evaluation, sizes), run) for run in runs]
    known = [(rate, run) for rate, run in rated if rate]
    unknown = [run.name for run in runs if not run.evaluation.training_sizes]
    if unknown:
        return Statement(
            "What sizes {unknown} trained on, if any, is not recorded, so none is known to be new to all: success is "
            "shown by size below.",
            {"unknown": f"{', '.join(unknown)} {'was' if len(unknown) == 1 else 'were'}"},
        )
    if not known:
        return Statement("No size was tested in all runs and new to all of them: success is shown by size below.")
    parts = [
        f"{{name_{place}}} on {{rate_{place}:.1%}} ({{low_{place}:.1%}} to {{high_{place}:.1%}}) of "
        f"{{num_{place}:,}} mazes"
        for place in range(len(known))
    ]
    values: dict[str, object] = {"sizes": sizes_text(sizes)}
    for place, (rate, run) in enumerate(known):
        values |= {
            f"name_{place}": run.name,
            f"rate_{place}": rate.value,
            f"low_{place}": rate.low,
            f"high_{place}": rate.high,
            f"num_{place}": rate.num,
        }
    said = Statement(
        "On sizes that none of them was trained on ({sizes}), shortest paths are walked by "
        + "; by ".join(parts)
        + ".",
        values,
    )
    return said + _against_first(runs, sizes)


def _against_first(runs: Sequence[RunSummary], sizes: Sequence[int] | None) -> Statement:
    """State the paired difference of every further run from the first, where there is one."""
    found = [(run.name, paired_rates(run.evaluation, runs[0].evaluation, sizes)) for run in runs[1:]]
    listed = [(name, f"{points_text(gap)}{_verdict(gap)}") for name, gap in found if gap is not None]
    if not listed:
        return NOTHING
    return Statement(
        "Maze by maze, less {first}: {gaps}.",
        {"first": runs[0].name, "gaps": "; ".join(f"{name} {gap}" for name, gap in listed)},
    )


def _verdict(gap: PairedDifference) -> str:
    return "" if shown(gap) else " (no difference shown)"


def comparison_reading(runs: Sequence[RunSummary]) -> Statement:
    """Say whether the test mazes were the same, and what may be concluded from the intervals."""
    if len({run.evaluation.maze_digest for run in runs}) > 1:
        return Statement(
            "The runs walked different test mazes, so nothing is paired. Baselines in the figures are those of the "
            "first run."
        )
    if any(paired_rates(run.evaluation, runs[0].evaluation) is None for run in runs):
        return Statement(
            "All runs walked the same test mazes. An evaluation of an earlier version did not keep which mazes were "
            "solved, so differences are not paired: evaluate that run again."
        )
    return Statement(
        "All runs walked the same test mazes, so differences are taken maze by maze, with Newcombe's paired "
        "interval over layouts."
    ) + _one_training_each(runs)


def _one_training_each(runs: Sequence[RunSummary]) -> Statement:
    """Say that the intervals are not over trainings, of the runs that are known to be one."""
    trained = [run.name for run in runs if run.is_recorded_training]
    if not trained:
        return NOTHING
    which = "each" if len(trained) == len(runs) else "each of {trained}" if len(trained) > 1 else "{trained}"
    return Statement(
        f"One training run stands behind {which}: how another seed would fare is not in them.",
        {} if len(trained) == len(runs) else {"trained": ", ".join(trained)},
    )


def sizes_reading(runs: Sequence[RunSummary]) -> Statement:
    """State every run's rate at the largest size that all of them walked, and Manhattan greedy's."""
    common = set.intersection(*({row.size for row in run.evaluation.rows} for run in runs))
    if not common:
        return NOTHING
    largest = max(common)
    rows = [next(row for row in run.evaluation.rows if row.size == largest) for run in runs]
    rates = [(run.name, _rate_text(row.shortest)) for run, row in zip(runs, rows, strict=True)]
    greedy = [rate for name, rate in rows[0].baselines.items() if baseline_kind(name) == "manhattan"]
    if greedy:
        same = len({run.evaluation.maze_digest for run in runs}) == 1
        walker = "Manhattan greedy" if same else f"Manhattan greedy (on the mazes of {runs[0].name})"
        rates.append((walker, _rate_text(greedy[0])))
    said = Statement(
        "At size {largest}, shortest paths are walked on: {listed}.", {"largest": largest, "listed": _listed(rates)}
    )
    return said + _against_first(runs, [largest])


def _rate_text(rate: Estimate) -> str:
    return f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}) of {rate.num:,} mazes"


def lengths_reading(runs: Sequence[RunSummary]) -> Statement:
    """State at which path length every run first succeeds less than half of the time."""
    places = [(run.name, _below_half(run.evaluation)) for run in runs]
    return Statement("The rate first falls below one half at: {listed}.", {"listed": _listed(places)})


def _below_half(evaluation: EvaluationResult) -> str:
    rows = [row for row in evaluation.by_length if row.num >= FEWEST]
    if not rows:
        return f"(no bin holds {FEWEST} mazes)"
    row = next((row for row in rows if row.shortest.value < 0.5), None)
    if row is None:
        return f"nowhere up to {rows[-1].high} steps"
    return f"{span(row.low, row.high)} steps ({row.shortest.value:.1%} of {row.num:,} mazes)"


def trainings_reading(runs: Sequence[RunSummary]) -> Statement:
    """State at which loss every run ended, kind by kind, by the median of the last fiftieth of its rows."""
    ends: dict[LossKind, list[tuple[str, str]]] = {}
    for run in runs:
        for kind, rows in kinds_of_rows(run.config, run.metrics).items():
            losses = series(rows, "loss")[1]
            if len(losses):
                end = float(np.median(losses[-max(1, len(losses) // 50) :]))
                ends.setdefault(kind, []).append((run.name, f"{end:.3f}"))
    if not ends:
        return NOTHING
    values = {
        f"{part}_{place}": text
        for place, (kind, listed) in enumerate(ends.items())
        for part, text in (("kind", kind.title), ("listed", _listed(listed)))
    }
    said = "; ".join(f"{{kind_{place}}}: {{listed_{place}}}" for place in range(len(ends)))
    return Statement(f"Training losses at the end (median of the last fiftieth): {said}.", values)


def _listed(values: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values)
