"""What the rolls and the rounds of a training did, in words with their numbers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.run_summary import JsonDict

_KINDS = ("identical", "tied", "invalid")


def dice_reading(metrics: Sequence[JsonDict]) -> Statement:
    """Say how the dice fell and what share of the updates was taken on average."""
    rolls = [roll for row in metrics for roll in row.get("rolls") or [] if "outcome" in roll]
    if not rolls:
        return NOTHING
    outcomes = Counter(roll["outcome"] for roll in rolls)
    counts = {name.replace(" ", "_"): count for name, count in outcomes.most_common()}
    named = ", ".join(f"{{{name.replace(' ', '_')}:,}} {name}" for name, _ in outcomes.most_common())
    scale = float(np.mean([roll["applied"] or 0.0 for roll in rolls]))
    return Statement(
        f"{{rolls:,}} rolls ({named}) took {{mean_scale:.1%}} of an update on average.",
        {"rolls": len(rolls), "mean_scale": scale, **counts},
    )


def rounds_reading(metrics: Sequence[JsonDict]) -> Statement:
    """Say what the opponents of self-play wrote, and which round was kept."""
    opened = [row["spin"] for row in metrics if "spin" in row]
    ended = [row for row in metrics if "spin_end" in row]
    if not opened:
        return NOTHING
    samples = sum(news["pairs"]["samples"] for news in opened)
    shares = {name: sum(news["pairs"][name] for news in opened) / max(samples, 1) for name in _KINDS}
    said = Statement(
        "{rounds} of self-play: of {samples:,} paths the opponents wrote, {identical:.1%} were the real ones, "
        "{tied:.1%} as short, {invalid:.1%} invalid.",
        {"rounds": _rounds(len(opened)), "samples": samples, **shares},
    )
    if ended and "accuracy" in ended[-1]:
        said += Statement(
            "At the end of the last one {round_accuracy:.1%} of the pairs had the larger reward on the real path.",
            {"round_accuracy": float(ended[-1]["accuracy"])},
        )
    kept = ended[-1]["spin_end"].get("kept_round") if ended else None
    if kept is not None and kept < len(opened):
        said += Statement("The weights kept are those after {kept} of them, the best in validation.", {"kept": kept})
    return said


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"
