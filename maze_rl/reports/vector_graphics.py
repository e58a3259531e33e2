"""Figure -> inline SVG that follows the page's colours and fonts, and a PNG for elsewhere.

Text stays text in the page's own font (the layout reserves the width of DejaVu Sans, which is wider than
system fonts). Ids get a prefix, since several pictures share one page.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from maze_rl.reports.palette import light, with_variables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 160
WIDTH = 9.6
"""Inches of a figure as wide as the page's column."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Set matplotlib's defaults for the figures drawn and saved inside."""
    import matplotlib

    muted, axis = light("muted"), light("axis")
    settings: dict[Any, Any] = {
        "font.size": 9,
        "font.family": "DejaVu Sans",
        "axes.titlesize": 9.5,
        "axes.labelsize": 9,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "text.color": light("ink"),
        "axes.labelcolor": muted,
        "axes.titlecolor": light("ink"),
        "xtick.color": axis,
        "ytick.color": axis,
        "xtick.labelcolor": muted,
        "ytick.labelcolor": muted,
        "axes.edgecolor": axis,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": light("grid"),
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "xtick.major.size": 3,
        "ytick.major.size": 0,
        "axes.facecolor": "none",
        "lines.linewidth": 2.0,
        "axes.titlelocation": "left",
        "svg.fonttype": "none",
        "svg.hashsalt": "maze_rl",
        "text.parse_math": False,
    }
    with matplotlib.rc_context(settings):
        yield


def save_png(figure: "Figure", path: str | PathLike[str]) -> None:
    """Write `figure` on white, with nothing in the file that depends on the time."""
    figure.savefig(path, format="png", dpi=PNG_DPI, facecolor="white", metadata={"Software": None})


def inline_svg(figure: "Figure", name: str, alt: str) -> Markup:
    """Return `figure` as an ``<svg>`` element for a page.

    Args:
        figure: Drawn in the light colours of the palette, under `figure_style`.
        name: Prefix of every id inside; unique on the page, letters, digits and hyphens.
        alt: What the picture shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    view_box = re.search(r'viewBox="([\d. ]+)"', body)
    assert view_box is not None, "matplotlib writes a viewBox"
    body = body[body.index(">") + 1 :].replace("xlink:href", "href")
    # only what stands inside tags is changed: text between them may hold anything
    body = re.sub(r"<[^>]*>", lambda match: _rewrite_tag(match[0], name), body)
    opening = Markup('<svg viewBox="{}" role="img" aria-label="{}">').format(view_box[1], alt)
    return opening + Markup(re.sub(r"\s*\n\s*", "\n", body))


def _rewrite_tag(tag: str, name: str) -> str:
    """Give a tag of matplotlib's SVG ids of its own, the page's colours and font, and shorter numbers."""
    tag = re.sub(r'(?<![\w-])id="([^"]*)"', rf'id="{name}-\1"', tag)
    tag = re.sub(r'(href="|url\()#', rf"\1#{name}-", tag)
    tag = re.sub(r"font: ([^;\"]*?)(\d[\d.]*px)[^;\"]*", _font_shorthand, tag)
    tag = re.sub(r"font-family: [^;\"]*", "font-family: inherit", tag)
    tag = re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", tag)
    return with_variables(tag)


def _font_shorthand(match: re.Match[str]) -> str:
    weight = re.search(r"\b(bold|\d00)\b", match[1])
    return f"font-size: {match[2]}" + (f"; font-weight: {weight[1]}" if weight else "")


def css_identifier(text: str) -> str:
    """Return `text` as part of an id or file name: ASCII letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "run"
