"""Tables of how often rollouts and single decisions are right."""

from collections.abc import Sequence

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.ranges import format_range
from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.content import Column, Table
from maze_rl.reports.direct_labels import short_name
from maze_rl.reports.names import baseline_kind, baseline_name
from maze_rl.reports.paired_runs import paired_rates
from maze_rl.reports.pooling import baseline_names, rate_on, sizes_new_to_all, split_rate
from maze_rl.reports.run_summary import RunSummary

_SIZE = Column(key="size", title="size", kind="count", about="cells per side")
_TRAINED = Column(key="trained", title="trained", about="whether training mazes were like this")
_MAZES = Column(key="num", title="mazes", kind="count")
_LAYOUTS = Column(
    key="layouts", title="layouts", kind="count", about="different walls among the mazes, up to rotation and reflection"
)
_SHORTEST = Column(
    key="shortest", title="shortest, %", kind="percent", about="rollouts that walk a shortest path and stop"
)


def size_table(evaluation: EvaluationResult) -> Table:
    """Tabulate success by size, against Manhattan greedy."""
    columns = (
        _SIZE,
        _TRAINED,
        _MAZES,
        _LAYOUTS,
        _SHORTEST,
        Column(
            key="against_manhattan",
            title="vs Manhattan, points",
            kind="points",
            about="difference to Manhattan greedy on the same mazes",
        ),
        Column(
            key="hard",
            title="where Manhattan fails, %",
            kind="percent",
            about="shortest, among the mazes on which Manhattan greedy fails",
        ),
        Column(key="reaches", title="reaches, %", kind="percent", about="valid, ends at the target, and says so"),
        Column(key="valid", title="valid, %", kind="percent", about="starts at the origin and never crosses a wall"),
        Column(key="spl", title="SPL", kind="decimal", about="success weighted by path length, 0 to 1"),
        Column(
            key="progress",
            title="progress",
            kind="decimal",
            about="share of the distance to the target covered, 0 to 1",
        ),
    )
    rows = [
        {
            "size": row.size,
            "trained": row.in_training_range,
            "num": row.num,
            "layouts": row.layouts,
            "shortest": row.shortest,
            "against_manhattan": row.against_manhattan,
            "hard": row.solved_where_manhattan_fails,
            "reaches": row.reaches,
            "valid": row.valid,
            "spl": row.spl,
            "progress": row.progress,
        }
        for row in evaluation.rows
    ]
    return Table(
        name="by_size",
        caption="Greedy rollouts by maze size. Small type: 95% interval over layouts.",
        columns=columns,
        rows=rows,
        shaded=[row.in_training_range for row in evaluation.rows],
    )


def baseline_table(evaluation: EvaluationResult) -> Table:
    """Tabulate the rate of shortest paths of every baseline by size."""
    names = baseline_names(evaluation)
    columns = [_SIZE] + [Column(key=name, title=f"{baseline_name(name)}, %", kind="percent") for name in names]
    rows = [{"size": row.size} | {name: row.baselines[name] for name in names} for row in evaluation.rows]
    return Table(
        name="baselines",
        caption="Baselines by size: share of mazes with a shortest path.",
        columns=columns,
        rows=rows,
        folded=True,
        shaded=[row.in_training_range for row in evaluation.rows],
    )


def length_table(evaluation: EvaluationResult) -> Table:
    """Tabulate success by length of the shortest path."""
    first = evaluation.by_length[0].baselines if evaluation.by_length else {}
    names = [name for name in first if baseline_kind(name) == "manhattan"]
    columns = [
        Column(key="steps", title="steps", about="length of the shortest path"),
        _TRAINED,
        _MAZES,
        _LAYOUTS,
        _SHORTEST,
        *(Column(key=name, title=f"{baseline_name(name)}, %", kind="percent") for name in names),
    ]
    rows = [
        {
            "steps": span(row.low, row.high),
            "trained": row.in_training_range,
            "num": row.num,
            "layouts": row.layouts,
            "shortest": row.shortest,
        }
        | {name: row.baselines[name] for name in names}
        for row in evaluation.by_length
    ]
    return Table(
        name="by_length",
        caption="Greedy rollouts by length of the shortest path, all sizes together.",
        columns=columns,
        rows=rows,
        folded=True,
        shaded=[row.in_training_range for row in evaluation.by_length],
    )


def grid_table(evaluation: EvaluationResult) -> Table:
    """Tabulate success by size and length: rows are lengths, columns sizes."""
    sizes = sorted({cell.size for cell in evaluation.grid})
    spans = sorted({(cell.low, cell.high) for cell in evaluation.grid})
    cells = {(cell.low, cell.high, cell.size): cell.shortest for cell in evaluation.grid}
    columns = [Column(key="steps", title="steps")] + [
        Column(key=str(size), title=f"size {size}, %", kind="percent") for size in sizes
    ]
    rows = [
        {"steps": span(low, high)} | {str(size): cells.get((low, high, size)) for size in sizes} for low, high in spans
    ]
    return Table(
        name="by_size_and_length",
        caption="Shortest-path rate by path length (rows) and size (columns).",
        columns=columns,
        rows=rows,
        folded=True,
    )


def has_rollout_gap(evaluation: EvaluationResult) -> bool:
    """Tell whether a rollout can differ from its predictions on reference paths: not on trees, with one path each."""
    return evaluation.algorithm not in TREES


def decision_table(evaluation: EvaluationResult) -> Table:
    """Tabulate the teacher-forced metrics by size."""
    names = [
        (
            "token_accuracy",
            "all predictions, %",
            "percent",
            "steps, the path's end, and its first cell where the model writes that: the most likely token is right",
        ),
        ("fork_accuracy", "steps at forks, %", "percent", "the same of steps where more than one way leads on"),
        ("forced_accuracy", "forced steps, %", "percent", "the same of steps where only one way leads on"),
        ("legal_mass", "legal mass, %", "percent", "probability on cells that can be stepped to"),
        ("optimal_mass", "optimal mass, %", "percent", "probability on cells that are nearer to the target"),
        ("optimal_nll", "surprise, nats", "fine", "mean of −log optimal mass"),
        ("fork_calibration_error", "calibration error", "fine", "expected calibration error at forks, 10 bins"),
    ]
    if has_rollout_gap(evaluation):
        about = "product of per-step success on reference paths, minus the rollout rate"
        names.append(("rollout_gap", "rollout gap, points", "points", about))
    trained = {row.size: row.in_training_range for row in evaluation.rows}
    columns = [_SIZE] + [Column(key=key, title=title, kind=kind, about=about) for key, title, kind, about in names]
    rows = [{"size": row.size} | {key: getattr(row, key) for key, *_ in names} for row in evaluation.teacher_forced]
    return Table(
        name="decisions",
        caption="Next-cell predictions on reference shortest paths, by size.",
        columns=columns,
        rows=rows,
        shaded=[trained.get(row.size, False) for row in evaluation.teacher_forced],
    )


def comparison_table(runs: Sequence[RunSummary]) -> Table:
    """Tabulate several runs side by side; rates pool the sizes inside and outside each run's training sizes."""
    evaluations = [run.evaluation for run in runs]
    new = sizes_new_to_all(evaluations)
    gaps = [paired_rates(each, evaluations[0]) for each in evaluations[1:]]
    columns = [
        Column(key="run", title="run"),
        Column(key="sizes", title="trained on sizes"),
        Column(
            key="inside", title="trained sizes, %", kind="percent", about="shortest paths, sizes of its own training"
        ),
        Column(key="outside", title="other sizes, %", kind="percent", about="shortest paths, all other tested sizes"),
        Column(
            key="new",
            title="new to all, %",
            kind="percent",
            about=f"shortest paths, sizes that no run was trained on ({', '.join(map(str, new)) or 'none'})",
        ),
        Column(
            key="gap",
            title=f"all sizes less {short_name(runs[0].name)}, points",
            kind="points",
            about="difference of the rates of shortest paths maze by maze, with its paired interval",
        ),
        Column(key="largest", title="largest size", kind="count"),
        Column(key="at_largest", title="at largest, %", kind="percent", about="shortest paths at the largest size"),
        Column(key="num", title="mazes", kind="count", about="of all sizes together"),
        Column(key="num_parameters", title="parameters", kind="count"),
        Column(key="steps", title="steps", kind="count"),
        Column(key="leak_count", title="leaks", kind="count", about="training mazes that are not of the train split"),
        Column(key="maze_digest", title="test mazes", about="equal digests mean equal test mazes"),
    ]
    if not any(gaps):
        columns = [column for column in columns if column.key != "gap"]
    rows = [
        _comparison_row(run) | {"new": rate_on(run.evaluation, new), "gap": gap}
        for run, gap in zip(runs, [None, *gaps], strict=True)
    ]
    return Table(
        name="comparison",
        caption="The runs side by side. Small type: 95% interval over the layouts of the test mazes.",
        columns=columns,
        rows=rows,
    )


def _comparison_row(run: RunSummary) -> dict:
    rate = split_rate(run.evaluation, lambda row: row.shortest)
    last = run.evaluation.rows[-1] if run.evaluation.rows else None
    return {
        "run": run.name,
        "sizes": format_range(tuple(run.evaluation.training_sizes)) or None,
        "inside": rate.inside,
        "outside": rate.outside,
        "largest": last.size if last else None,
        "at_largest": last.shortest if last else None,
        "num": sum(row.num for row in run.evaluation.rows),
        "num_parameters": run.num_parameters,
        "steps": run.steps,
        "leak_count": run.leak_count,
        "maze_digest": run.evaluation.maze_digest[:12],
    }


def span(low: int, high: int) -> str:
    """Write a bin of path lengths: ``5–8``, or ``5`` where it is one length."""
    return str(low) if low == high else f"{low}–{high}"
