"""The self-test's results as plain values: right verdicts, mean effects, and every instance by itself."""

from statistics import mean
from typing import Any

from maze_rl.calibration.selftest import Judged, SelfTest
from maze_rl.calibration.zoo import ROWS, SCORES, ZooRow


def matrix_values(result: SelfTest) -> dict[str, Any]:
    """Return the confusion matrix, N5's scores by the share cut, and all instances, as JSON values."""
    return {
        "all_right": result.all_right,
        "rows": [_row(result, row) for row in ROWS],
        "graded": [{"cut": cut, "score": value} for cut, value in result.graded_scores],
        "falls": result.falls,
        "instances": [_instance(each) for each in [*result.judged, *_cut(result)]],
    }


def _row(result: SelfTest, row: ZooRow) -> dict[str, Any]:
    of_row = [each for each in result.judged if each.row == row.name]
    cells = {}
    for name in SCORES:
        right, num = result.cell(row, name)
        effects = [each.findings[name].effect.value for each in of_row if name in each.findings]
        known = [value for value in effects if value == value]
        says = sum(each.verdicts[name] == "yes" for each in of_row)
        cells[name] = {
            "expected": row.expected[name],
            "says_yes": says,
            "right": right,
            "num": num,
            "mean_effect": mean(known) if known else None,
        }
    return {"name": row.name, "about": row.about, "cells": cells}


def _cut(result: SelfTest) -> list[Judged]:
    return [each for cut, judged in result.graded.items() if cut > 0 for each in judged]


def _instance(each: Judged) -> dict[str, Any]:
    effects = {
        name: [value if value == value else None for value in finding.effect] for name, finding in each.findings.items()
    }
    return {
        "row": each.row,
        **vars(each.instance),
        "effects": effects,
        "verdicts": dict(each.verdicts),
        "holds": each.holds,
    }
