"""What the figures of several runs say, in sentences computed from the data."""

from collections.abc import Sequence

import numpy as np

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.names import baseline_kind
from maze_rl.reports.pooling import FEWEST, rate_on, sizes_new_to_all
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_readings import sizes_text
from maze_rl.reports.success_tables import span
from maze_rl.reports.training_figures import series


def comparison_headline(runs: Sequence[RunSummary]) -> Statement:
    """Say how often each run is right on the sizes that are new to all of them."""
    sizes = sizes_new_to_all([run.evaluation for run in runs])
    rated = [(rate_on(run.evaluation, sizes), run.name) for run in runs]
    known = sorted(((rate, name) for rate, name in rated if rate), key=lambda pair: -pair[0].value)
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
    for place, (rate, name) in enumerate(known):
        values |= {
            f"name_{place}": name,
            f"rate_{place}": rate.value,
            f"low_{place}": rate.low,
            f"high_{place}": rate.high,
            f"num_{place}": rate.num,
        }
    return Statement(
        "On sizes that none of them was trained on ({sizes}), shortest paths are walked by "
        + "; by ".join(parts)
        + ".",
        values,
    )


def comparison_reading(runs: Sequence[RunSummary]) -> Statement:
    """Say whether the test mazes were the same, and what may be concluded from the intervals."""
    if len({run.evaluation.maze_digest for run in runs}) == 1:
        return Statement(
            "All runs walked the same test mazes. Results are kept as rates, so differences are not paired: a paired "
            "test would be sharper than comparing these intervals."
        )
    return Statement("The runs walked different test mazes. Baselines in the figures are those of the first run.")


def sizes_reading(runs: Sequence[RunSummary]) -> Statement:
    """State every run's rate at the largest size that all of them walked, and Manhattan greedy's."""
    common = set.intersection(*({row.size for row in run.evaluation.rows} for run in runs))
    if not common:
        return NOTHING
    largest = max(common)
    rows = [next(row for row in run.evaluation.rows if row.size == largest) for run in runs]
    rates = [(run.name, f"{row.shortest.value:.1%}") for run, row in zip(runs, rows, strict=True)]
    greedy = [rate for name, rate in rows[0].baselines.items() if baseline_kind(name) == "manhattan"]
    if greedy:
        same = len({run.evaluation.maze_digest for run in runs}) == 1
        walker = "Manhattan greedy" if same else f"Manhattan greedy (on the mazes of {runs[0].name})"
        rates.append((walker, f"{greedy[0].value:.1%}"))
    return Statement(
        "At size {largest}, shortest paths are walked on: {listed}.", {"largest": largest, "listed": _listed(rates)}
    )


def lengths_reading(runs: Sequence[RunSummary]) -> Statement:
    """State at which path length every run first succeeds less than half of the time."""
    places = [(run.name, _below_half(run.evaluation)) for run in runs]
    return Statement("The rate first falls below one half at: {listed}.", {"listed": _listed(places)})


def _below_half(evaluation: EvaluationResult) -> str:
    rows = [row for row in evaluation.by_length if row.num >= FEWEST]
    if not rows:
        return f"(no bin holds {FEWEST} mazes)"
    row = next((row for row in rows if row.shortest.value < 0.5), None)
    return f"nowhere up to {rows[-1].high} steps" if row is None else f"{span(row.low, row.high)} steps"


def trainings_reading(runs: Sequence[RunSummary]) -> Statement:
    """State at which loss every run ended, by the median of its last fiftieth."""
    ends = []
    for run in runs:
        losses = series(run.metrics, "loss")[1]
        if len(losses):
            ends.append((run.name, f"{float(np.median(losses[-max(1, len(losses) // 50) :])):.3f}"))
    if not ends:
        return NOTHING
    return Statement(
        "The loss ended at (nats, median of the last fiftieth): {listed}. Losses of different kinds, on different "
        "mazes or tokens, do not compare.",
        {"listed": _listed(ends)},
    )


def _listed(values: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values)
