"""How mazes are written as tokens."""

from dataclasses import dataclass

from maze_rl.errors import ConfigurationError, unknown_name

FORMATS = ("unique_cells", "edges")
LARGEST_CANVAS = 64


@dataclass(frozen=True, kw_only=True)
class TokenizationConfig:
    """A token format with its options.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: The canvas is out of bounds.
    """

    format: str = "edges"
    """Name of the vocabulary: `unique_cells` or `edges`."""
    canvas: int = 20
    """Cells per side of the canvas mazes are placed on; ids on a smaller canvas are a prefix of a larger one's."""
    random_offsets: bool = False
    """Place each maze at a random offset on the canvas; otherwise at its corner."""
    shuffle_edges: bool = True
    """List edges in a random order, each with its cells in a random order; otherwise row-major."""

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise unknown_name("tokenizer", self.format, FORMATS)
        if not 2 <= self.canvas <= LARGEST_CANVAS:
            raise ConfigurationError(f"canvas is {self.canvas}: it must be 2 to {LARGEST_CANVAS} cells per side.")
