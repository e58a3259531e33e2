"""`maze-rl bench`: speed as ratios against stock peers, measured in one run, interleaved, medians."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from maze_rl.configs.options import check_count
from maze_rl.errors import unknown_name
from maze_rl.workflows.benchmarks import (
    decoding_rows,
    interp_rows,
    maze_rows,
    plugin_rows,
    process_rows,
    searching_rows,
    token_rows,
    training_rows,
)
from maze_rl.workflows.benchmarks.rows import THREADS, Row, Trial, result

ROWS = (
    *maze_rows.ROWS,
    *token_rows.ROWS,
    *training_rows.ROWS,
    *searching_rows.ROWS,
    *plugin_rows.ROWS,
    *decoding_rows.ROWS,
    *interp_rows.ROWS,
    *process_rows.ROWS,
)

Progress = Callable[[str, float], None]
"""(row, share of its rounds done)."""


def bench(
    only: str | None = None, repeats: int = 7, seed: int = 0, progress: Progress = lambda row, done: None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Measure the rows of the bench.

    Args:
        only: Measure the rows whose name contains this; None for all.
        repeats: Rounds of a row. In a round both sides take turns; a row is the median of its rounds, or a bound on it.
        seed: Seed of the mazes and weights.
        progress: Called with (row, share done).

    Returns:
        The rows, with `name`, `against`, `ratio`, `spread` (smallest and largest round), `target`, `target_text`,
        `ratio_text`, `holds` (None where nothing is asked) and `detail`; and the peers that are not installed, whose
        rows were skipped.

    Raises:
        UnknownNameError: No row's name contains `only`.
        ConfigurationError: There is not one round to measure.
    """
    repeats = check_count("repeats", repeats)
    measured, missing = [], []
    with _fixed_threads():
        for row in _chosen(only):
            trial = _prepare(row, seed)
            if trial is None:
                missing.append(str(row.peer))
            else:
                measured.append(result(row, trial, list(_rounds(row, trial, repeats, progress))))
    return measured, sorted(set(missing))


def _chosen(only: str | None) -> list[Row]:
    chosen = [row for row in ROWS if only is None or only.lower() in row.name.lower()]
    if not chosen:
        raise unknown_name("bench row", str(only), [row.name for row in ROWS])
    return chosen


def _prepare(row: Row, seed: int) -> Trial | None:
    """Make a row ready; None where its peer cannot be imported."""
    try:
        return row.prepare(seed)
    except ImportError:
        if row.peer is None:
            raise
        return None


def _rounds(row: Row, trial: Trial, repeats: int, progress: Progress) -> Iterator[float]:
    rounds = min(repeats, row.most_rounds or repeats) * row.rounds
    for number in range(rounds):
        progress(row.name, number / rounds)
        yield trial.round()
    progress(row.name, 1.0)


@contextmanager
def _fixed_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
