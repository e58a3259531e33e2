"""Reads a saved evaluation back: `EvaluationResult` from what `to_json` gave, of this version or an earlier one."""

from collections.abc import Iterable
from typing import Any

from maze_rl.evaluation.results import (
    AlgorithmRow,
    Estimate,
    EvaluationResult,
    Example,
    FirstErrorRow,
    GridCell,
    JsonDict,
    LengthRow,
    LookAheadRow,
    LoopRow,
    PairedDifference,
    SizeRow,
    StepRow,
    TeacherForcedRow,
)

_NOT_FINITE: JsonDict = {"value": float("nan"), "low": float("-inf"), "high": float("inf")}
"""What null stands for in an estimate: nothing measured, and ends that the data do not bound."""


def result_from_json(values: JsonDict) -> EvaluationResult:
    """Rebuild an `EvaluationResult` from `to_json`, or from a file with null for numbers that are not finite."""

    def estimate(item: JsonDict | None) -> Estimate | None:
        known = {} if item is None else {name: value for name, value in item.items() if value is not None}
        return Estimate(**{**_NOT_FINITE, **known}) if known else None

    def paired(item: JsonDict | None) -> PairedDifference | None:
        return None if item is None else PairedDifference(**item)

    def rebuild(kind: type, item: JsonDict, names: tuple[str, ...]) -> Any:
        changed: JsonDict = {name: estimate(item[name]) for name in names}
        if "baselines" in item:
            changed["baselines"] = {name: estimate(value) for name, value in item["baselines"].items()}
        if "against_baselines" in item:
            changed["against_baselines"] = {name: paired(value) for name, value in item["against_baselines"].items()}
        for name in {"against_manhattan", "against_kept"} & item.keys():
            changed[name] = paired(item[name])
        return kind(**(item | changed))

    def cells(items: Iterable[JsonDict]) -> list[GridCell]:
        return [rebuild(GridCell, item, ("shortest",)) for item in items]

    def algorithm_row(item: JsonDict) -> AlgorithmRow:
        by_length = {"by_length": cells(item.get("by_length", ()))}
        return rebuild(AlgorithmRow, item | by_length, ("shortest", "manhattan"))

    def look_ahead_row(item: JsonDict) -> LookAheadRow:
        missing = {name: float("nan") for name in ("lapse", "fallback") if item[name] is None}
        return rebuild(LookAheadRow, item | missing, ("look_ahead", "steps_seen"))

    size_names = (
        "valid",
        "reaches",
        "simple",
        "shortest",
        "exact_match",
        "spl",
        "optimality_ratio",
        "progress",
    )
    rows = [rebuild(SizeRow, row, (*size_names, "solved_where_manhattan_fails")) for row in values["rows"]]
    forced_names = (
        "token_accuracy",
        "fork_accuracy",
        "forced_accuracy",
        "legal_mass",
        "optimal_mass",
        "optimal_nll",
    )
    places = {"origin", "target", "shortest_path", "model_path"}
    return EvaluationResult(
        **(
            values
            | {
                "rows": rows,
                "by_length": [rebuild(LengthRow, row, ("shortest",)) for row in values["by_length"]],
                "grid": cells(values["grid"]),
                "teacher_forced": [rebuild(TeacherForcedRow, row, forced_names) for row in values["teacher_forced"]],
                "first_errors": [FirstErrorRow(**row) for row in values["first_errors"]],
                "examples": [
                    Example(**{k: (_cells(k, v) if k in places else v) for k, v in row.items()})
                    for row in values["examples"]
                ],
                "steps_by_distance": [
                    rebuild(StepRow, row, ("accuracy",)) for row in values.get("steps_by_distance", ())
                ],
                "by_loops": [rebuild(LoopRow, row, ("shortest",)) for row in values.get("by_loops", ())],
                "by_algorithm": list(map(algorithm_row, values.get("by_algorithm", ()))),
                "by_look_ahead": list(map(look_ahead_row, values.get("by_look_ahead", ()))),
            }
        )
    )


def _cells(name: str, value: list[Any]) -> Any:
    """Rebuild a cell, or a list of cells, from JSON's lists."""
    return [tuple(cell) for cell in value] if name.endswith("_path") else tuple(value)
