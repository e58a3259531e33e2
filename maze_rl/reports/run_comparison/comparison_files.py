"""A comparison as files: pictures, the numbers behind them, and a page of text that shows both."""

import csv
import io
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from maze_rl.configs.experiment import SMALLEST_JUDGED_SIZE
from maze_rl.reports.loss_kinds import LossKind
from maze_rl.reports.run_comparison.curve_figures import learning_figure
from maze_rl.reports.run_comparison.groups import Comparison, Group, JsonDict
from maze_rl.reports.run_comparison.learning_curves import Quantity, curves, differences, recorded
from maze_rl.reports.run_comparison.measure_figures import places_figure, verdict_figure
from maze_rl.reports.run_comparison.rates import rate_table, rates
from maze_rl.reports.run_comparison.verdicts import Verdict, verdict_table, verdicts
from maze_rl.reports.vector_graphics import figure_style, save_png
from maze_rl.strict_json import json_text

CURVES, VERDICTS, PLACES = "curves.png", "verdicts.png", "places.png"
NUMBERS, POINTS, PAGE = "numbers.json", "curves.csv", "comparison.md"


def write_comparison(comparison: Comparison, out: str | PathLike[str]) -> Path:
    """Write pictures, numbers and page to `out`; return the page."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = verdicts(comparison)
    pictures = {CURVES: "Learning curves by tokens."}
    with figure_style():
        save_png(learning_figure(comparison), out / CURVES)
        if found:
            pictures[VERDICTS] = "Differences and their intervals."
            save_png(verdict_figure(found), out / VERDICTS)
        places = places_figure(comparison)
        if places is not None:
            pictures[PLACES] = "By maze size or disturbance."
            save_png(places, out / PLACES)
    (out / NUMBERS).write_text(json_text(numbers(comparison, found), indent=1) + "\n", encoding="utf-8")
    (out / POINTS).write_text(points_text(comparison), encoding="utf-8")
    page = out / PAGE
    page.write_text(page_text(comparison, found, pictures), encoding="utf-8")
    return page


def numbers(comparison: Comparison, found: Sequence[Verdict]) -> JsonDict:
    """Return everything the pictures and the page show, curves left out."""
    return {
        "title": comparison.title,
        "target": comparison.target.name,
        "control": comparison.control,
        "columns": columns_of(comparison.groups),
        "table": [table_row(group, comparison.groups) for group in comparison.groups],
        "rates": [rate.to_json() for rate in rates(comparison)],
        "verdicts": [verdict.to_json() for verdict in found],
        "measures": {
            group.name: {str(run.seed): dict(run.measures) for run in group.runs} for group in comparison.groups
        },
        "failed": {group.name: group.failed for group in comparison.groups if group.failed},
    }


def points_text(comparison: Comparison) -> str:
    """Return the curves and differences as CSV: a line per quantity, group and point."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "quantity",
            "arm",
            "tokens",
            "mean",
            "lowest_seed",
            "highest_seed",
            "minus_target",
            "interval_low",
            "interval_high",
        ]
    )
    for quantity in recorded(comparison.groups):
        gaps = {gap.group: gap for gap in differences(comparison.groups, comparison.target, quantity)}
        nothing = np.full(1, np.nan)
        for curve in curves(comparison.groups, quantity):
            gap = gaps.get(curve.group)
            ends = [nothing] * 3 if gap is None else [gap.mean, gap.low, gap.high]
            columns = np.broadcast_arrays(curve.mean, curve.low, curve.high, *ends)
            for tokens, *values in zip(curve.tokens, *columns, strict=True):
                cells = [f"{value:.6g}" if np.isfinite(value) else "" for value in values]
                if any(cells):
                    writer.writerow([_quantity_name(quantity), curve.group, f"{tokens:.0f}", *cells])
    return text.getvalue()


def _quantity_name(quantity: Quantity) -> str:
    return quantity.key if quantity.kind is None else f"{quantity.key} ({quantity.kind.title})"


def columns_of(groups: Sequence[Group]) -> dict[str, str]:
    """Return key of a table row -> title; a loss of another kind is another column."""
    training = list(dict.fromkeys(kind for group in groups for kind in group.training_kinds))
    validation = list(dict.fromkeys(group.validation_kind for group in groups))
    return {
        "arm": "arm",
        "seeds": "seeds",
        **{_key("final_loss", kind, training): _loss_title("final train loss", kind) for kind in training},
        **{
            _key("best_validation_loss", kind, validation): _loss_title("best validation loss", kind)
            for kind in validation
        },
        "best_validation_exact": "best validation exact, %",
        "cpu_seconds": "train CPU seconds",
        "inference": "inference tokens per second",
        "tokens": "tokens",
        "generated": "tokens generated",
        "trained_parameters": "parameters trained",
        "folded_parameters": "folded",
    }


def _key(name: str, kind: LossKind, kinds: Sequence[LossKind]) -> str:
    return name if len(kinds) == 1 else f"{name}: {kind.title}"


def _loss_title(words: str, kind: LossKind) -> str:
    better = f" ({kind.direction})" if kind.direction else ""
    return f"{words}: {kind.title}{better}"


def table_row(group: Group, groups: Sequence[Group]) -> JsonDict:
    """Return the facts of a group, means over its seeds; None for what was not recorded.

    Args:
        group: The group.
        groups: All that are compared, whose kinds of losses make the columns.
    """
    training = list(dict.fromkeys(kind for each in groups for kind in each.training_kinds))
    validation = list(dict.fromkeys(each.validation_kind for each in groups))
    exact = [
        [row["validation_exact"] for row in run.metrics if row.get("validation_exact") is not None]
        for run in group.runs
    ]
    best = _mean([run.best("validation_loss") for run in group.runs])
    return {
        "arm": group.name,
        "seeds": len(group.runs),
        **{
            _key("final_loss", kind, training): _mean([run.final_loss(kind) for run in group.runs]) for kind in training
        },
        **{
            _key("best_validation_loss", kind, validation): best if group.validation_kind == kind else None
            for kind in validation
        },
        "best_validation_exact": _mean([100 * max(each) if each else None for each in exact]),
        "cpu_seconds": _mean([run.metrics[-1].get("cpu_seconds") for run in group.runs]),
        "inference": group.mean("inference_tokens_per_second"),
        "tokens": group.tokens,
        "generated": _mean([run.generated_tokens for run in group.runs]) or None,
        "trained_parameters": _mean([run.trained_parameters for run in group.runs]),
        "folded_parameters": _mean([run.folded_parameters for run in group.runs]),
    }


def _mean(values: Sequence[Any]) -> float | None:
    return None if any(value is None for value in values) else float(np.mean(values))


def cell_text(key: str, value: Any) -> str:
    """Write a cell of the table."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    name = key.partition(":")[0]
    digits = {"final_loss": 4, "best_validation_loss": 4, "best_validation_exact": 1, "cpu_seconds": 1}.get(name, 0)
    return f"{value:,.{digits}f}"


def shown_columns(columns: Mapping[str, str], rows: Sequence[JsonDict]) -> list[str]:
    """Return the keys of the columns in which some row has a value."""
    return [key for key in columns if any(row[key] is not None for row in rows)]


def page_text(comparison: Comparison, found: Sequence[Verdict], pictures: dict[str, str]) -> str:
    """Return the page as Markdown."""
    rows = [table_row(group, comparison.groups) for group in comparison.groups]
    columns = columns_of(comparison.groups)
    keys = shown_columns(columns, rows)
    parts = [f"# {comparison.title}", comparison.text]
    reached = [rate.to_json() for rate in rates(comparison)]
    if reached:
        parts.append(_markdown_table(*rate_table(reached)))
    if found:
        parts.append(_markdown_table(*verdict_table(found)))
    parts += [
        "\n".join(_failure_text(group) for group in comparison.groups if group.failed),
        _markdown_table([columns[key] for key in keys], [[cell_text(key, row[key]) for key in keys] for row in rows]),
        _notes(comparison, keys),
        *(f"![{words}]({name})" for name, words in pictures.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _failure_text(group: Group) -> str:
    runs = "1 run" if group.failed == 1 else f"{group.failed} runs"
    return f"- {group.name}: {runs} stopped with an error (diverged, for example), left out of all numbers here"


def _markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, rule, *rows))


def _notes(comparison: Comparison, keys: Sequence[str]) -> str:
    """Say how the numbers were made."""
    notes = [
        "Means over seeds. Final train loss: the last 5 % of the steps with such a loss. Losses of unlike kinds have "
        "columns and panels of their own; that of a game is against an opponent of its own, so less of it is no better "
        "model.",
        "Inference: greedy rollouts, tokens written per second of this run's own time, so a busy machine lowers it."
        if "inference" in keys
        else "",
        f"Differences in the curves are from {comparison.target.name}, seed by seed, by tokens; between recorded "
        "points curves are interpolated linearly; bands of differences are 95 % intervals over seeds.",
    ]
    if comparison.control is not None:
        notes.append(
            "Rates: with the 95 % t interval of their mean over seeds. "
            "Verdicts: differences of runs with the same seed (same first weights, same mazes in the same order) with "
            "the 95 % t interval of their mean; nothing is corrected for the number of verdicts. The intervals are "
            "over seeds on one fixed set of test mazes: how other mazes would fare is not in them. Sizes under "
            f"{SMALLEST_JUDGED_SIZE} x {SMALLEST_JUDGED_SIZE} have few different mazes and are not judged."
        )
    return " ".join(note for note in notes if note)
