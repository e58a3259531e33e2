"""What a report does not show, said on the page itself."""

from collections.abc import Iterable, Sequence

from maze_rl.evaluation.results import FEWEST_LAYOUTS
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.run_summary import RunSummary


def limits(runs: Sequence[RunSummary]) -> list[Statement]:
    """List the limits of these results, from what was and was not measured."""
    evaluations = [run.evaluation for run in runs]
    algorithms = _unique(each.algorithm for each in evaluations)
    others = _unique(row.algorithm for each in evaluations for row in each.by_algorithm)
    tested = [row.size for run in runs for row in run.evaluation.rows]
    points = [
        _other_weights(runs),
        Statement(
            "Other kinds of maze. Test mazes come from {algorithm}"
            + (", in the section on algorithms also from {others}" if set(others) - set(algorithms) else "")
            + "; loops, densities and branching that these do not make were not tried.",
            {
                "algorithm": ", ".join(algorithms),
                "others": ", ".join(name for name in others if name not in algorithms),
            },
        ),
        Statement(
            "That the model searches. A high rate is compatible with heuristics and with memory of local patterns; "
            "what it computes has to be read from its activations.",
        ),
        Statement(
            "What size does by itself. Larger mazes have longer paths; only cells of the heat map in one row, "
            "and comparisons at equal path length, tell size from it.",
        ),
        Statement("Sampling. Paths were decoded greedily, one per maze; nothing is known of other temperatures."),
    ]
    if tested:
        points.append(Statement("Anything beyond size {largest}, the largest tested.", {"largest": max(tested)}))
    return points + [_other_kind(run, len(runs) > 1) for run in runs if _is_of_other_kind(run)]


def _other_weights(runs: Sequence[RunSummary]) -> Statement:
    """Say that the intervals are over mazes, not over trainings."""
    seeds = {run.fact("seed") for run in runs}
    models = _counted(len(runs), "model")
    values: dict[str, object] = {"sets": _counted(len({run.evaluation.maze_digest for run in runs}), "fixed set")}
    if not all(run.is_recorded_training for run in runs):
        return Statement(
            "How other weights would fare. Intervals are over the layouts of {sets} of test mazes, walked by {models}: "
            "differences between trainings are not in them.",
            values | {"models": models},
        )
    return Statement(
        "How another training run would fare. Intervals are over the layouts of {sets} of test mazes; "
        "{runs} trained, from {seeds}: differences between seeds are not in them.",
        values | {"runs": f"{models} {'was' if len(runs) == 1 else 'were'}", "seeds": _counted(len(seeds), "seed")},
    )


def _is_of_other_kind(run: RunSummary) -> bool:
    trained = run.algorithms_trained
    return bool(trained) and run.evaluation.algorithm not in trained


def _other_kind(run: RunSummary, several: bool) -> Statement:
    return Statement(
        "The effect of size alone"
        + (" in {run}" if several else "")
        + ": the test mazes ({tested_on}) are of another kind than the training mazes ({trained_on}).",
        {
            "run": run.name,
            "tested_on": run.evaluation.algorithm,
            "trained_on": ", ".join(sorted(run.algorithms_trained)),
        },
    )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def few_layouts(runs: Sequence[RunSummary]) -> Statement:
    """Warn of the sizes with fewer layouts than `FEWEST_LAYOUTS`, in any run; nothing where there are none."""
    places: dict[tuple[int, int | None, int], list[str]] = {}
    for run in runs:
        for row in filter(lambda row: row.few_layouts, run.evaluation.rows):
            places.setdefault((row.size, row.layouts, row.num), []).append(run.name)
    if not places:
        return NOTHING
    said, values = [], {"fewest_layouts": FEWEST_LAYOUTS}
    for i, ((size, layouts, mazes), names) in enumerate(sorted(places.items())):
        of_some = len(names) < len(runs)  # runs that walked the same mazes share the caution
        said.append(f"size {{size_{i}}}: {{layouts_{i}:,}} of {{mazes_{i}:,}} mazes" + f" ({{names_{i}}})" * of_some)
        values |= {f"size_{i}": size, f"layouts_{i}": layouts, f"mazes_{i}": mazes}
        values |= {f"names_{i}": ", ".join(names)} if of_some else {}
    return Statement(
        "Caution: fewer than {fewest_layouts} different layouts (walls up to rotation and reflection) at "
        + "; ".join(said)
        + ". What the model does there says little of other mazes: the intervals count layouts.",
        values,
    )


def _counted(number: int, noun: str) -> str:
    return f"{'one' if number == 1 else number} {noun}" + ("" if number == 1 else "s")
