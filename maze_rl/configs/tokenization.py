"""How mazes are written as tokens."""

from dataclasses import dataclass

from maze_rl.configs.field_types import check_field_types
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name

ONE_TOKEN_PER_CELL = ("unique_cells", "edges", "cells")
"""Formats in which a cell is one token."""
FORMATS = (*ONE_TOKEN_PER_CELL, "coordinate_tuples", "row_column")
PATHS = ("cells", "moves", "turns")
QUERIES = ("last", "first")
ORIGINS = ("prompt", "path")
LARGEST_CANVAS = 64


@dataclass(frozen=True, kw_only=True)
class TokenizationConfig(Shown):
    """A token format with its options.

    Raises:
        UnknownNameError: There is no such format, path, query or origin.
        ConfigurationError: The canvas is out of bounds, or the options contradict each other.
    """

    format: str = "edges"
    """Name of the vocabulary: one of `FORMATS`."""
    canvas: int = 20
    """Cells per side of the canvas mazes are placed on; ids on a smaller canvas are a prefix of a larger one's."""
    random_offsets: bool = False
    """Place each maze at a random offset on the canvas; otherwise at its corner."""
    shuffle_edges: bool = True
    """List edges (or cells) in a random order, edges with their cells in a random order; otherwise sorted by cells."""
    path: str = "cells"
    """`cells`, origin and target included; `moves`: a word NORTH, SOUTH, EAST or WEST for each step; or `turns`:
    FORWARD, BACKWARD, LEFT or RIGHT of a walker who faces the way of its last step, and north where it starts."""
    connectors: bool = True
    """Write ``cell <--> cell ;`` for an edge; otherwise its two cells alone."""
    walls: bool = False
    """List closed lattice edges too, among the open ones, as ``cell <XX> cell ;`` or the wall's own word."""
    query: str = "last"
    """Where origin and target stand: behind the list of edges (`last`) or before it (`first`)."""
    origin: str = "prompt"
    """Where the origin is given: with marks of its own beside the target (`prompt`), or only as the path's beginning
    (`path`), which is then part of what a model is given, and never asked for."""

    def __post_init__(self) -> None:
        check_field_types(self)
        for kind, name, known in (
            ("tokenizer", self.format, FORMATS),
            ("path", self.path, PATHS),
            ("query", self.query, QUERIES),
            ("origin", self.origin, ORIGINS),
        ):
            if name not in known:
                raise unknown_name(kind, name, known)
        if not 2 <= self.canvas <= LARGEST_CANVAS:
            raise ConfigurationError(f"canvas is {self.canvas}: it must be 2 to {LARGEST_CANVAS} cells per side.")
        if not self.connectors and self.format in ("edges", "cells"):
            raise ConfigurationError(
                f"connectors=False: format {self.format} writes none, so leave connectors as it is."
            )
        if self.walls and self.format == "cells":
            raise ConfigurationError("walls=True: format cells tells all open sides, so leave walls as it is.")
        if not self.connectors and self.walls:
            raise ConfigurationError("connectors=False with walls=True: only the connector tells a wall from an edge.")

    @property
    def needs_further_words(self) -> bool:
        """Whether an option uses words beyond those of the format itself."""
        return self.path != "cells" or self.walls
