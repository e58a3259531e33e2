"""The self-test's results as plain values: what each score says of each row, error rates, and all instances."""

from statistics import mean
from typing import Any

from maze_rl.calibration.judged import ALL_ROWS, Judged
from maze_rl.calibration.selftest import SelfTest
from maze_rl.calibration.zoo import SCORES, ZooRow
from maze_rl.intervals import wilson


def matrix_values(result: SelfTest) -> dict[str, Any]:
    """Return the confusion matrix, error rates by column, N5's scores by the share cut, and all instances, as JSON."""
    return {
        "holds": result.holds,
        "rows": [_row(result, row) for row in ALL_ROWS.values()],
        "rates": {name: _rates(result, name) for name in SCORES},
        "graded": [{"cut": cut, "score": value} for cut, value in result.graded_scores],
        "falls": result.falls,
        "instances": [_instance(each) for each in [*result.judged, *_cut(result)]],
    }


def _row(result: SelfTest, row: ZooRow) -> dict[str, Any]:
    of_row = result.of_row(row)
    cells = {}
    for name in SCORES:
        effects = [each.findings[name].effect.value for each in of_row if name in each.findings]
        known = [value for value in effects if value == value]
        said = [each.verdicts[name] for each in of_row if name in each.verdicts]
        outcomes = [each.outcome(name) for each in of_row]
        cells[name] = {
            "expected": row.expected.get(name),
            "says": {one: said.count(one) for one in dict.fromkeys(said)},
            "num": len(said),
            "undecided": outcomes.count("undecided"),
            "wrong": outcomes.count("wrong"),
            "mean_effect": mean(known) if known else None,
        }
    return {"name": row.name, "about": row.about, "cells": cells}


def _rates(result: SelfTest, name: str) -> dict[str, Any]:
    """Return how often a column says what is not there, and says less than is known, of those asked, with intervals."""
    asked = [each for each in result.judged if each.outcome(name) != "not asked"]
    absent = [each for each in asked if each.kind.expected[name] not in ("yes", "searches")]
    return {
        "false_yes": _rate(sum(each.is_false_yes(name) for each in absent), len(absent)),
        "missed": _rate(len(result.missed(name)), len(asked)),
    }


def _rate(count: int, num: int) -> dict[str, Any]:
    return {"count": count, "num": num, "interval": list(wilson(count, num)) if num else None}


def _cut(result: SelfTest) -> list[Judged]:
    return [each for cut, judged in result.graded.items() if cut > 0 for each in judged]


def _instance(each: Judged) -> dict[str, Any]:
    effects = {
        name: [value if value == value else None for value in finding.effect] for name, finding in each.findings.items()
    }
    reach = each.reach
    return {
        "row": each.row,
        **vars(each.instance),
        "rounds": each.instance.rounds,
        "reach": None if reach is None else {"steps": reach.steps, "axis": reach.axis, "whole": reach.whole},
        "effects": effects,
        "verdicts": dict(each.verdicts),
        "holds": each.holds,
    }
