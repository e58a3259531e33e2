"""Tables of where rollouts go wrong, and of what a run was."""

from collections.abc import Sequence

from maze_rl.evaluation.results import EvaluationResult
from maze_rl.reports.content import Column, Table
from maze_rl.reports.course import course
from maze_rl.reports.names import NO_ERROR, error_name
from maze_rl.reports.pooling import error_counts
from maze_rl.reports.run_summary import RunSummary, flat_settings
from maze_rl.reports.setting_words import value_words
from maze_rl.reports.settings import compared_settings


def first_error_table(evaluation: EvaluationResult) -> Table:
    """Tabulate how many rollouts first went wrong in which way, by size."""
    kinds = list(error_counts([evaluation]))
    trained = {row.size: row.in_training_range for row in evaluation.rows}
    columns = [
        Column(key="size", title="size", kind="count"),
        Column(key="num", title="mazes", kind="count"),
        Column(key=NO_ERROR, title=error_name(NO_ERROR), kind="count"),
        *(Column(key=kind, title=error_name(kind), kind="count") for kind in kinds),
        Column(key="position", title="where, %", kind="percent", about="mean share of the way done at the error"),
        Column(key="look_ahead", title="look-ahead needed", kind="decimal", about="mean steps to see ahead there"),
        Column(
            key="hazard",
            title="errors per step, %",
            kind="percent",
            about="constant hazard, maximum likelihood",
        ),
    ]
    rows = [
        {"size": row.size, "num": row.num, NO_ERROR: row.counts.get(NO_ERROR, 0)}
        | {kind: row.counts.get(kind, 0) for kind in kinds}
        | {
            "position": row.mean_relative_position,
            "look_ahead": row.mean_look_ahead,
            "hazard": row.constant_hazard,
        }
        for row in evaluation.first_errors
    ]
    return Table(
        name="first_errors",
        caption="Number of rollouts by first error.",
        columns=columns,
        rows=rows,
        folded=True,
        shaded=[trained.get(row.size, False) for row in evaluation.first_errors],
    )


def setup_table(runs: Sequence[RunSummary]) -> Table:
    """Tabulate what each run was: of one run all facts, of several those in which they differ."""
    columns = [Column(key="fact", title="")] + [
        Column(key=f"run_{index}", title=run.name) for index, run in enumerate(runs)
    ]
    facts = _facts_of_all(runs)
    rows = [
        {"fact": label, **{f"run_{index}": value for index, value in enumerate(values)}}
        for label, values in facts.items()
        if len(runs) == 1 or len(set(values)) > 1
    ]
    trained = any(run.evaluation.training_sizes or run.steps for run in runs)
    caption = "What was trained, and on what." if trained else "What the model is."
    if len(runs) > 1:
        caption = "In what the runs differ." if rows else "The runs differ in no setting, and in nothing else recorded."
    return Table(name="setup", caption=caption, columns=columns, rows=rows)


def shared_table(runs: Sequence[RunSummary]) -> Table:
    """Tabulate what several runs have in common: facts, and settings that none of them has at its default."""
    rows = [
        {"fact": label, "value": values[0]} for label, values in _facts_of_all(runs).items() if len(set(values)) == 1
    ]
    columns = (Column(key="fact", title=""), Column(key="value", title="all runs"))
    caption = "What the runs have in common; settings at their defaults are left out."
    return Table(name="shared", caption=caption, columns=columns, rows=rows, folded=True)


def _facts_of_all(runs: Sequence[RunSummary]) -> dict[str, list[str | None]]:
    """Return label -> text of every run: facts that some run recorded, and, of several runs, changed settings."""
    facts = [run_facts(run) for run in runs]
    labels = dict.fromkeys(label for each in facts for label in each)
    found = {label: [each.get(label) for each in facts] for label in labels}
    if len(runs) > 1:
        found = compared_settings(runs) | found  # a fact says more than the setting of the same name
        found = {label: found[label] for label in dict.fromkeys([*labels, *found])}
    return {label: values for label, values in found.items() if any(value is not None for value in values)}


def run_facts(run: RunSummary) -> dict[str, str | None]:
    """Return what a reader wants to know of a run first, as label -> text; None where the run did not record it."""
    return {
        "trained on": run.trained_on,
        "phases": course(run.phases) or None,
        "loss": _text(run.fact("training.loss")),
        "update rule": _text(run.setting("training.update_rule")),
        "learning-rate controller": _text(run.setting("training.lr_controller")),
        "learning-rate schedule": _text(run.setting("training.schedule")),
        "optimizer": _text(run.setting("training.optimizer")),
        "parametrizations": _listed(run.setting("model.parametrizations")),
        "tokens": _tokens(run),
        "model": _shape(run),
        "parameters": f"{run.num_parameters:,}",
        "steps": _counted(run.steps),
        "batch": _batch(run),
        "mazes seen": _counted(run.mazes_seen),
        "tokens seen": _counted(run.tokens_seen),
        "duration": None if run.training_seconds is None else duration(run.training_seconds),
        "hardware": _text(run.setting("versions.hardware") or run.setting("hardware") or run.setting("device")),
        "seed": _text(run.fact("seed")),
    }


def _listed(value: Sequence[str] | None) -> str | None:
    return None if value is None else value_words(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _counted(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _batch(run: RunSummary) -> str | None:
    size = run.setting("training.batch_size")
    return None if size is None else f"{size * (run.setting('training.accumulation') or 1):,} mazes"


def _tokens(run: RunSummary) -> str | None:
    name, canvas = run.setting("tokenization.format"), run.setting("tokenization.canvas")
    return None if name is None else f"{name}" + (f", canvas {canvas}×{canvas}" if canvas else "")


def _shape(run: RunSummary) -> str | None:
    layers, width, heads = (run.setting(f"model.{key}") for key in ("n_layers", "d_model", "n_heads"))
    if layers is None:
        return None
    positions, loops = run.setting("model.positions"), run.setting("model.loops")
    if loops is not None:
        layers = f"{layers} × {loops}"
    return f"{layers} layers, width {width}, {heads} heads" + (f", positions: {positions}" if positions else "")


def duration(seconds: float | int) -> str:
    """Write a duration as people say it: ``48 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def configuration_table(run: RunSummary) -> Table:
    """Tabulate every setting of a run."""
    columns = (Column(key="setting", title="setting"), Column(key="value", title="value"))
    rows = [{"setting": path, "value": str(value)} for path, value in flat_settings(run.config) if path != "command"]
    caption = "The complete configuration." if run.is_run else "What is known of the model, whose run is not here."
    return Table(name="configuration", caption=caption, columns=columns, rows=rows, folded=True)
