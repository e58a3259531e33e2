"""Tables for people."""

from typing import Any

from maze_rl.evaluation.results import Estimate, EvaluationResult


def print_evaluation(result: EvaluationResult) -> None:
    """Print one line per size: rates with 95 % intervals, beside the baselines."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    title = f"{result.model}: greedy rollouts, {result.num_per_size} held-out {result.algorithm} mazes per size"
    table = Table(title=title, box=box.SIMPLE)
    for name in ("size", "shortest", "95 %", "reaches", "valid", "Manhattan", "random", "hard"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in result.rows:
        size = f"{row.size}" if row.in_training_range else f"{row.size}*"
        interval = f"{row.shortest.low:.2f}-{row.shortest.high:.2f}"
        failed = row.solved_where_manhattan_fails
        table.add_row(
            size, _rate(row.shortest), interval, _rate(row.reaches), _rate(row.valid),
            _rate(row.baselines["manhattan"]), _rate(row.baselines["random_non_backtracking"]),
            "-" if failed is None else _rate(failed),
        )  # fmt: skip
    console = Console()
    console.print(table)
    console.print("hard: rate of shortest paths on the mazes that Manhattan greedy fails.")
    if result.training_sizes:
        console.print("*: outside the sizes trained on.")


def print_bench(rows: list[dict[str, Any]], missing: list[str]) -> None:
    """Print the rows of the bench."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="ratios measured in one run, interleaved, medians")
    for name in ("what", "against", "ratio", "target", "holds"):
        table.add_column(name, justify="left" if name in ("what", "against") else "right")
    for row in rows:
        target = "reported" if row["target"] is None else row["target_text"]
        holds = "" if row["holds"] is None else ("yes" if row["holds"] else "NO")
        table.add_row(row["name"], row["against"], row["ratio_text"], target, holds)
    console = Console()
    console.print(table)
    for name in missing:
        console.print(f"not measured, {name} is missing: pip install -c constraints.txt -e '.[peers]'", markup=False)


def _rate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f}"
