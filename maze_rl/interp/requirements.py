"""What an analysis needs of a model and of its mazes; each refusal is one clear line."""

from maze_rl.errors import ConfigurationError
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.tokenization import Tokenization

FEWEST_MAZES = 20
"""Mazes under which no 95 % interval is given: a bootstrap over fewer is not to be trusted."""


def analysed_tokenization(tokenization: Tokenization) -> Tokenization:
    """Return the tokenization with mazes at a fixed place of the canvas, so that a cell is the same token everywhere.

    Raises:
        ConfigurationError: A step of the path takes several tokens or is a move, or walls are listed.
    """
    config, layout = tokenization.config, tokenization.layout
    if layout.tokens_per_cell != 1 or layout.path_as_moves or layout.walls:
        written = "moves" if layout.path_as_moves else "listed walls" if layout.walls else config.format
        raise ConfigurationError(
            f"the analyses need one token per cell of the path and open edges alone (formats edges and unique_cells), "
            f"and this model was trained on {written}."
        )
    return tokenization.with_options(random_offsets=False)


def check_mazes(model: MazeTransformer, size: int, num: int) -> None:
    """Check that mazes of `size` fit the model and that one half of `num` gives an interval: the other is fitted on.

    Raises:
        ConfigurationError: They do not; the line says what would.
    """
    analysed_tokenization(model.tokenization)
    canvas = model.tokenization.canvas
    if not 2 <= size <= canvas:
        raise ConfigurationError(
            f"size is {size}, and the model's canvas has {canvas} x {canvas} cells: use sizes from 2 to {canvas}."
        )
    if num < 2 * FEWEST_MAZES:
        raise ConfigurationError(
            f"num is {num}: one half of the mazes is fitted on, and a 95 % interval needs at least {FEWEST_MAZES} "
            f"mazes in the other: use {2 * FEWEST_MAZES} or more."
        )


def check_tokens(model: MazeTransformer, written: Layout) -> None:
    """Check that sequences were written in the words that the model reads.

    Raises:
        ConfigurationError: Another format, or a larger canvas.
    """
    words = model.tokenization.layout.words
    if words[: len(written.words)] != written.words:
        raise ConfigurationError(
            f"the mazes are written in {len(written.words)} words on a canvas of {written.canvas} cells a side, which "
            f"are not those of the model's {model.tokenization.name} on {model.tokenization.canvas}: make them with "
            f"model.tokenization."
        )
