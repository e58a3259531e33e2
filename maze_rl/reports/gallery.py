"""Where figures become pictures of a page: drawn once, kept as SVG for the page and as PNG beside it."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.content import NOTHING, Picture, Statement
from maze_rl.reports.vector_graphics import inline_svg, save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Gallery(Shown):
    """Turns figures into pictures: an SVG for the page, and a PNG in the report's folder."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)

    def picture(
        self, figure: "Figure", *, name: str, title: str, alt: str, reading: Statement = NOTHING, narrow: bool = False
    ) -> Picture:
        """Save `figure` and return it with what is said about it; `name` becomes its id and file name."""
        save_png(figure, self._folder / f"{name}.png")
        svg = inline_svg(figure, name, f"{title}. {alt}")
        return Picture(name=name, title=title, alt=alt, reading=reading, svg=svg, png=f"{name}.png", narrow=narrow)
