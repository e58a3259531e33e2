"""What is wrong with a drawn figure: text beyond its canvas, text over text, axes with nothing in them."""

from itertools import combinations
from typing import TYPE_CHECKING
from unittest.mock import patch

from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOLERANCE = 1.5
"""Pixels at 100 dots an inch that a box may stick out, or overlap another: boxes have some air of their own."""


def figure_faults(figure: "Figure") -> list[str]:
    """List the faults of a figure, drawn at 100 dots an inch."""
    canvas = FigureCanvasAgg(figure)
    texts = _texts_drawn(canvas)
    renderer = canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    # without an arrow the box of an annotation is that of its text
    boxes = [(text.get_text(), Text.get_window_extent(text, renderer)) for text in texts]
    faults = [
        f"beyond the canvas: {words!r}"
        for words, box in boxes
        if box.x0 < -TOLERANCE or box.y0 < -TOLERANCE or box.x1 > width + TOLERANCE or box.y1 > height + TOLERANCE
    ]
    # the box of a slanted text is mostly air: texts that slant alike lie beside each other inside theirs
    level = [box for box, text in zip(boxes, texts, strict=True) if text.get_rotation() % 90 == 0]
    for (words, box), (other, second) in combinations(level, 2):
        across = min(box.x1, second.x1) - max(box.x0, second.x0)
        down = min(box.y1, second.y1) - max(box.y0, second.y0)
        if across > TOLERANCE and down > 2 * TOLERANCE:
            faults.append(f"over each other: {words!r} and {other!r}")
    for axes in figure.axes:
        drawn = [*axes.lines, *axes.patches, *axes.collections, *axes.texts, *axes.images]
        if axes.axison and not drawn:
            faults.append(f"nothing drawn in {axes.get_title(loc='left') or axes.get_ylabel()!r}")
    return faults


def _texts_drawn(canvas: FigureCanvasAgg) -> list[Text]:
    """Draw, and return the texts that were: axes keep labels of ticks they do not show."""
    drawn: dict[int, Text] = {}
    draw = Text.draw

    def recorded(text: Text, renderer: RendererBase) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn[id(text)] = text
        draw(text, renderer)

    with patch.object(Text, "draw", recorded):
        canvas.draw()
    return list(drawn.values())
