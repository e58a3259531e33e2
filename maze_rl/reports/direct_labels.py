"""Labels beside the ends of lines instead of a legend, pushed apart so that none covers another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maze_rl.displays.short_repr import Shown
from maze_rl.reports.palette import light

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class EndLabel(Shown):
    """The name of a line, to stand where the line ends."""

    x: float | int
    y: float | int
    text: str
    colour: str
    bold: bool = False


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions as little as needed to lie `gap` apart within `low`..`high`, keeping their order.

    Where they cannot all fit, the gap shrinks.
    """
    if not positions:
        return []
    gap = min(gap, (high - low) / max(1, len(positions) - 1))
    order = sorted(range(len(positions)), key=lambda index: (positions[index], index))
    groups: list[list[float]] = []  # [mean, count]: blocks of touching labels, each centred on its own mean
    for index in order:
        groups.append([positions[index], 1])
        while True:
            mean, count = groups[-1]
            half = gap * (count - 1) / 2
            groups[-1][0] = min(max(mean, low + half), high - half)
            if len(groups) == 1 or groups[-1][0] - half >= groups[-2][0] + gap * (groups[-2][1] - 1) / 2 + gap - 1e-9:
                break
            mean, count = groups.pop()
            before, number = groups[-1]
            groups[-1] = [(mean * count + before * number) / (count + number), count + number]
    placed = [mean + gap * (place - (count - 1) / 2) for mean, count in groups for place in range(int(count))]
    result = [0.0] * len(positions)
    for index, position in zip(order, placed, strict=True):
        result[index] = position
    return result


LABEL_SIZE = 8.5


def text_points(text: str, size: float = LABEL_SIZE, *, bold: bool = False) -> float:
    """Return how wide a text is in points, in the font of the figures; fonts of pages are narrower."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=size)
    return max(
        (text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.split("\n")),
        default=0.0,
    )


def short_name(name: str, most: int = 24) -> str:
    """Return a name of at most `most` letters; the middle is left out, as names mostly differ at their ends."""
    if len(name) <= most:
        return name
    first = most // 2
    return f"{name[:first]}…{name[len(name) - (most - first - 1) :]}"


def right_edge(labels: Sequence[str], width: float) -> float:
    """Return where axes must end (share of a figure `width` inches wide) to leave room for labels on their right."""
    longest = max((text_points(label, bold=True) for label in labels), default=0.0)
    return max(0.4, 1 - (longest + 20) / (72 * width))


def label_ends(axes: "Axes", labels: Sequence[EndLabel], *, x: float | int, points_apart: float = 10.5) -> None:
    """Write labels right of `x` (data), joined to the ends of their lines; the limits of y must be final."""
    low, high = axes.get_ylim()
    figure = axes.get_figure()
    assert figure is not None
    height = 72 * axes.get_position().height * figure.get_figheight()  # type: ignore[union-attr]
    gap = points_apart / height * (high - low)
    places = spread([label.y for label in labels], gap, low, high)
    left, right = axes.get_xlim()
    step = 0.012 * (right - left)
    for label, place in zip(labels, places, strict=True):
        axes.plot(
            [label.x + step, x + step, x + 2 * step],
            [label.y, place, place],
            color=light("axis"),
            linewidth=0.6,
            clip_on=False,
            zorder=1,
        )
        axes.text(
            x + 2.6 * step,
            place,
            label.text,
            color=label.colour,
            va="center",
            fontsize=LABEL_SIZE,
            clip_on=False,
            fontweight="bold" if label.bold else "normal",
        )
