"""Training plans that ship, by name: written as in a file of one's own, with shares in place of steps.

Where a phase says nothing of sizes, algorithm or loss it has those of the run, so that every plan goes with any
`--sizes`, and `--steps` (or the device's budget) is what the phases share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maze_rl.displays.short_repr import Shown


@dataclass(frozen=True, kw_only=True)
class NamedPlan(Shown):
    """A plan that ships."""

    line: str
    """What it does, for lists."""
    phases: tuple[Mapping[str, Any], ...]
    """As in a plan's JSON."""


PLANS: Mapping[str, NamedPlan] = {
    "small_first": NamedPlan(
        line="a quarter of the steps on 3x3 to 5x5, then the run's sizes",
        phases=({"name": "small", "share": 0.25, "sizes": "3..5"}, {"name": "all sizes", "share": 0.75}),
    ),
    "algorithms": NamedPlan(
        line="depth-first, Kruskal's, then Wilson's mazes, a third each",
        phases=tuple({"name": name, "share": 1 / 3, "algorithm": name} for name in ("dfs", "kruskal", "wilson")),
    ),
    "trees_then_cycles": NamedPlan(
        line="trees, then mazes with cycles: any shortest path is right",
        phases=(
            {"name": "trees", "share": 0.5, "algorithm": "dfs"},
            {"name": "cycles", "share": 0.5, "algorithm": "dfs_percolation", "loss": "path_only_set"},
        ),
    ),
    "two_losses": NamedPlan(
        line="loss on every token for a quarter, then on the path alone",
        phases=(
            {"name": "every token", "share": 0.25, "loss": "all"},
            {"name": "path", "share": 0.75, "loss": "path_only"},
        ),
    ),
    "graded_first": NamedPlan(
        line="longer legal moves count a tenth at first, then not at all",
        phases=(
            {"name": "graded", "share": 0.5, "loss": "graded:0.1"},
            {"name": "shortest", "share": 0.5, "loss": "path_only_set"},
        ),
    ),
    "self_play": NamedPlan(
        line="supervised, then two rounds of self-play (SPIN)",
        phases=(
            {"name": "supervised", "share": 0.8},
            {"name": "round 1", "share": 0.1, "spin": {}, "rate": 0.1},
            {"name": "round 2", "share": 0.1, "spin": {}, "rate": 0.1},
        ),
    ),
    "adapters": NamedPlan(
        line="all weights first, then adapters alone on Wilson's mazes",
        phases=(
            {"name": "base", "share": 0.8},
            {"name": "adapters", "share": 0.2, "algorithm": "wilson", "lora": 8},
        ),
    ),
}
