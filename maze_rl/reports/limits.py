"""What a report does not show, said on the page itself."""

from collections.abc import Sequence

from maze_rl.evaluation.results import FEWEST_LAYOUTS, EvaluationResult
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.run_summary import RunSummary


def limits(runs: Sequence[RunSummary]) -> list[Statement]:
    """List the limits of these results, from what was and was not measured."""
    evaluation = runs[0].evaluation
    seeds = {str(run.setting("seed")) for run in runs}
    tested = [row.size for run in runs for row in run.evaluation.rows]
    trained = {str(phase.get("mazes", {}).get("algorithm")) for run in runs for phase in run.phases}
    points = [
        Statement(
            "How another training run would fare. Intervals are over the layouts of one fixed set of test mazes; "
            "{runs} trained, from {seeds}: differences between seeds are not in them.",
            {
                "runs": f"{_counted(len(runs), 'model')} {'was' if len(runs) == 1 else 'were'}",
                "seeds": _counted(len(seeds), "seed"),
            },
        ),
        Statement(
            "Other kinds of maze. All test mazes come from {algorithm}; loops, densities and branching that it does "
            "not make were not tried.",
            {"algorithm": evaluation.algorithm},
        ),
        Statement(
            "That the model searches. A high rate is compatible with heuristics and with memory of local patterns; "
            "what it computes has to be read from its activations.",
        ),
        Statement(
            "What size does by itself. Larger mazes have longer paths; only cells of the heat map in one row compare "
            "sizes at equal length.",
        ),
        Statement("Sampling. Paths were decoded greedily, one per maze; nothing is known of other temperatures."),
    ]
    if tested:
        points.append(Statement("Anything beyond size {largest}, the largest tested.", {"largest": max(tested)}))
    if trained and evaluation.algorithm not in trained:
        points.append(
            Statement(
                "The effect of size alone: the test mazes ({tested_on}) are of another kind than the training mazes "
                "({trained_on}).",
                {"tested_on": evaluation.algorithm, "trained_on": ", ".join(sorted(trained))},
            )
        )
    return points


def few_layouts(evaluation: EvaluationResult) -> Statement:
    """Warn of the sizes with fewer layouts than `FEWEST_LAYOUTS`; nothing where there are none."""
    few = [row for row in evaluation.rows if row.few_layouts]
    if not few:
        return NOTHING
    sizes = "; ".join(f"size {{size_{i}}}: {{layouts_{i}:,}} of {{mazes_{i}:,}} mazes" for i in range(len(few)))
    values = {
        f"{name}_{i}": value
        for i, row in enumerate(few)
        for name, value in (("size", row.size), ("layouts", row.layouts), ("mazes", row.num))
    }
    return Statement(
        "Caution: fewer than {fewest_layouts} different layouts (walls up to rotation and reflection) at "
        + sizes
        + ". What "
        "the model does there says little of other mazes: the intervals count layouts.",
        values | {"fewest_layouts": FEWEST_LAYOUTS},
    )


def _counted(number: int, noun: str) -> str:
    return f"{'one' if number == 1 else number} {noun}" + ("" if number == 1 else "s")
