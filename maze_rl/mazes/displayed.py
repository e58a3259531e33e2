"""How mazes and solutions show themselves: their line, their drawing in text, their picture, their axes.

Bases of the classes that hold them; the work is in `maze_rl.mazes.pictures`, imported when something is drawn.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from numpy import ndarray

from maze_rl.displays.short_repr import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class DisplayedMaze(Shown):
    """A maze or its solution: ``print`` draws it with characters, a notebook as a picture."""

    __slots__ = ()

    def __str__(self) -> str:
        from maze_rl.mazes.pictures.drawing import draw_boxes

        shown = cast(Any, self)
        return draw_boxes(getattr(shown, "maze", shown), getattr(shown, "path", ()))

    def _repr_html_(self) -> str:
        from maze_rl.mazes.pictures.notebook_mazes import maze_html

        return maze_html(cast(Any, self))

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        marks: Sequence[str] | None = None,
        path: Iterable[Any] | None = None,
        cells: Any = None,
        edges: Any = None,
        limits: tuple[float | int, float | int] | None = None,
        colour_map: Any = None,
        label: str = "",
        title: str = "",
    ) -> "Axes":
        """Draw it with matplotlib, with marks, a walk, or numbers on its cells and edges.

        Args:
            ax: Where to draw; a new figure without it, which a notebook shows.
            marks: ``solution``, ``all_paths``, ``distances``, ``forks``, ``dead_ends``; nothing by default on a maze,
                its path on a solution.
            path: Cells (row, col) that a model walked, a list or an array.
            cells: Float[rows, cols], a number for every cell as its colour; nan for none.
            edges: Float[2, rows, cols], a number for every edge as a coloured line, laid out like
                `Maze.connections`; nan for none.
            limits: Numbers that the ends of the scale of `cells` and `edges` stand for.
            colour_map: For `cells` and `edges`, in any form matplotlib takes.
            label: What the scale of `cells` and `edges` says.
            title: Above the maze.

        Raises:
            MazeRLError: A mark is unknown, the path holds something else than cells, or an array does not fit the maze.
        """
        from maze_rl.mazes.pictures.maze_axes import plot_on_axes

        shown = cast(Any, self)
        if marks is None:
            marks = ("solution",) if hasattr(shown, "path") else ()
        return plot_on_axes(
            shown,
            ax,
            marks=marks,
            path=path,
            cells=cells,
            edges=edges,
            limits=limits,
            colour_map=colour_map,
            label=label,
            title=title,
        )


class DisplayedMazes(Shown):
    """Several mazes or solutions: a line with counts, a notebook shows the first ones as pictures."""

    __slots__ = ()

    def _headline(self) -> str:
        from maze_rl.mazes.pictures.descriptions import headline

        return headline(cast(Any, self))

    def _repr_html_(self) -> str:
        from maze_rl.mazes.pictures.notebook_mazes import gallery_html

        return gallery_html(cast(Any, self))

    def plot(
        self, num: int = 12, *, columns: int = 4, marks: Sequence[str] | None = None, side: float | int = 2.2
    ) -> ndarray:
        """Draw the first ones side by side with matplotlib.

        Args:
            num: How many at most.
            columns: How many in a row.
            marks: ``solution``, ``all_paths``, ``distances``, ``forks``, ``dead_ends``, explained at the foot; nothing
                by default on mazes, their paths on solutions.
            side: Inches of the longer side of a maze.

        Returns:
            The matplotlib axes, one for each maze drawn.

        Raises:
            MazeRLError: A mark is unknown, a number is out of bounds, or there is no maze to draw.
        """
        from maze_rl.mazes.pictures.descriptions import are_solutions
        from maze_rl.mazes.pictures.maze_axes import plot_side_by_side

        shown = cast(Any, self)
        if marks is None:
            marks = ("solution",) if are_solutions(shown) else ()
        return plot_side_by_side(shown, num=num, columns=columns, marks=marks, side=side)
