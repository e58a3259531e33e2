"""What a training sequence asks, and what else stands on its canvas."""

from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown


@dataclass(frozen=True, kw_only=True)
class Asked(Shown):
    """How much there is beside one maze and its path; where there is less room, all there is is taken."""

    starts: int = 0
    """Cells of each maze, its target or off its path, that are asked for one step."""
    stray_tokens: int = 0
    """Most cells (or edges) on a canvas that belong to no maze."""
    mazes_per_canvas: int = 1
    """Most mazes on a canvas."""
