"""Figures of a study: written beside its other results, and shown where a notebook shows what a cell returns."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from maze_rl.reports.vector_graphics import save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SavedFigure:
    """A PNG file that notebooks display."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def __repr__(self) -> str:
        return f"figure: {self.path}"


def keep(figure: "Figure", out: str | PathLike[str], name: str) -> SavedFigure:
    """Write `figure` as ``OUT/NAME.png`` and return it for display."""
    path = Path(out) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png(figure, path)
    return SavedFigure(path)
