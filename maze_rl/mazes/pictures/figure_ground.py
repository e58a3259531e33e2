"""Colours of a maze that show on a figure's ground, be it light or dark as under matplotlib's dark styles."""

from __future__ import annotations

from typing import Any

from maze_rl.mazes.pictures.mark_layers import MarkColours
from maze_rl.mazes.pictures.plotting import MazeColours


def on_dark(ground: Any) -> bool:
    """Tell whether a ground, a colour in any form matplotlib takes, is dark; a transparent one counts as light."""
    from matplotlib.colors import to_rgba

    red, green, blue, opacity = to_rgba(ground)
    return opacity > 0.5 and 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4


def colours_on(ground: Any) -> MazeColours:
    """Return the colours to draw a maze with on a figure with this ground."""
    if not on_dark(ground):
        return MazeColours()
    return MazeColours(
        wall="#e8ebf0",
        solution="#4b5563",
        walk="#4fb0ea",
        wrong="#f58a4b",
        text="#a3adba",
        marks=MarkColours(
            path="#4fb0ea",
            band="#245b85",
            fork="#f58a4b",
            dead_end="#a3adba",
            no_way="#2a323d",
            ramp=("#1c1a19", "#3b2a20", "#66452f", "#94643f", "#c58a58"),
            casing="#12171e",
            ink="#e8ebf0",
            text="#a3adba",
        ),
    )
