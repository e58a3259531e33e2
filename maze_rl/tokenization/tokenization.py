"""`Tokenization`: a format on a canvas, with the options of one run; encodes mazes, reads text back."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int16, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.ranges import AnySize, grid_of
from maze_rl.configs.tokenization import FORMATS, TokenizationConfig
from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.errors import ConfigurationError, MazeRLError, unknown_name
from maze_rl.mazes.lattice import Cell, Maze, MazeBatch, Mazes, as_collection, trusted_batch
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.seeding import stream_key
from maze_rl.tokenization.cells import cells
from maze_rl.tokenization.coordinate_tuples import coordinate_tuples
from maze_rl.tokenization.edges import edges
from maze_rl.tokenization.encoding import Tables, draw_offsets, encode_batch, tables_of
from maze_rl.tokenization.layouts import PADDING, Layout, with_options
from maze_rl.tokenization.row_column import row_column
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.token_text import TokenText
from maze_rl.tokenization.unique_cells import unique_cells

LAYOUTS = {
    "unique_cells": unique_cells,
    "edges": edges,
    "cells": cells,
    "coordinate_tuples": coordinate_tuples,
    "row_column": row_column,
}
assert tuple(LAYOUTS) == FORMATS
_NO_MAZES = trusted_batch(np.empty((0, 2, 1, 1), np.bool_), *np.empty((2, 0, 2), np.int16))


class Encoded(NamedTuple):
    """A batch of token sequences, right-padded, and the labels of every position."""

    __repr__ = short_repr

    tokens: Int64[Tensor, "batch pos"]
    spans: TokenSpans


@dataclass(frozen=True)
class Tokenization(Shown):
    """One way of writing mazes as tokens; a value, equal to another with the same configuration."""

    config: TokenizationConfig = field(default_factory=TokenizationConfig)

    def _headline(self) -> str:
        usual = TokenizationConfig()
        changed = [
            f"{field.name}={getattr(self.config, field.name)}"
            for field in fields(self.config)
            if field.name not in ("format", "canvas") and getattr(self.config, field.name) != getattr(usual, field.name)
        ]
        return ", ".join([f"{self.name} on a {self.canvas}x{self.canvas} canvas", *changed])

    def _brief(self) -> str:
        return self._headline()

    @property
    def name(self) -> str:
        """Name of the format."""
        return self.config.format

    @property
    def canvas(self) -> int:
        """Cells per side of the canvas; no maze may be larger."""
        return self.config.canvas

    @cached_property
    def layout(self) -> Layout:
        """The tables of this format on this canvas, with its options."""
        return with_options(LAYOUTS[self.config.format](self.config.canvas), self.config)

    @cached_property
    def _tables(self) -> Tables:
        return tables_of(self.layout)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The word of each id."""
        return self.layout.words

    @property
    def vocabulary_note(self) -> str:
        """How many words there are, and why the shipped folder of the format, or another run's, has more or fewer."""
        name, canvas = self.name, self.canvas
        plain = len(Tokenization(TokenizationConfig(format=name, canvas=canvas)).vocabulary)
        has_further = self.config.needs_further_words
        words = {"moves": "path='moves'", "turns": "path='turns'", "walls": "walls=True"}
        if has_further and self.config.path != "turns":
            del words["turns"]  # they come last, and only where a path is written in them
        if self.layout.lists_cells:
            del words["walls"]
        *others, last = words
        further, options = f"{', '.join(others)} and {last}" if others else last, " or ".join(words.values())
        own = f"{plain} words of format {name} on a canvas of {canvas} x {canvas}"
        if has_further:
            return f"{own}, then {len(self.vocabulary) - plain} of {further}, which {options} needs."
        return f"{own}; the words of {further}, which {options} needs, come behind them, and are not among these."

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """The id of each word."""
        return {word: position for position, word in enumerate(self.vocabulary)}

    def with_options(self, **options: object) -> "Tokenization":
        """Return this tokenization with some options changed, e.g. ``with_options(random_offsets=False)``."""
        return Tokenization(replace(self.config, **known_options(options)))  # type: ignore[arg-type]

    def encode(self, mazes: Mazes, *, seed: int = 0, prompt_only: bool = False) -> Encoded:
        """Encode mazes with one shortest path each.

        Args:
            mazes: A maze, a batch, a collection, a stored dataset or a list of mazes; sequence i is maze i.
            seed: Seed of edge order, orientation, offset and choice of path; sequence i depends on (maze, seed, i).
            prompt_only: Stop after all that is given: ``<PATH_START>``, and the origin where it is on the path.

        Returns:
            Token ids, right-padded to the longest sequence, and their labels.

        Raises:
            ConfigurationError: A maze does not fit on the canvas.
        """
        collection = as_collection(mazes)
        parts = [
            self.encode_batch(batch, streams=collection.indices_of(position), seed=seed, prompt_only=prompt_only)
            for position, batch in enumerate(collection.batches or [_NO_MAZES])
        ]
        indices = [collection.indices_of(position) for position in range(len(parts))]
        return merge_encoded(parts, indices, len(collection))

    def encode_batch(
        self,
        batch: MazeBatch,
        *,
        streams: Int64[ndarray, " batch"],
        seed: int = 0,
        prompt_only: bool = False,
        solution: BatchSolution | None = None,
        offsets: Int16[ndarray, "batch 2"] | None = None,
    ) -> Encoded:
        """Encode mazes of one shape; row j draws from stream ``streams[j]``, and `solution` spares solving again.

        Where the mazes lie is drawn too, unless `offsets` says it.

        Raises:
            ConfigurationError: The mazes do not fit on the canvas.
        """
        self._check_size(batch.shape)
        if prompt_only:
            paths, path_cells = np.empty((len(batch), 0, 2), np.int16), np.zeros(len(batch), np.int64)
        else:
            solved = solve_batch(batch, seed, streams) if solution is None else solution
            paths, path_cells = solved.paths, solved.lengths + 1
        key = np.uint64(stream_key(seed, "tokens"))
        if offsets is None:
            offsets = draw_offsets(np.array(batch.shape), self.canvas, key, streams, self.config.random_offsets)
        lengths = self.layout.prompt_tokens(self._num_listed(batch))
        lengths += np.where(path_cells > 0, self.layout.path_tokens(path_cells), self.layout.given_tokens)
        tokens = np.empty((len(batch), int(lengths.max(initial=0))), np.int64)
        path_start = np.empty(len(batch), np.int64)
        encode_batch(
            batch.connections,
            batch.origins,
            batch.targets,
            paths,
            path_cells,
            offsets,
            self._tables,
            key,
            streams,
            self.config.shuffle_edges,
            tokens,
            path_start,
            lengths,
        )
        ids, starts, ends, corners = map(torch.from_numpy, (tokens, path_start, lengths, offsets))
        return Encoded(ids, TokenSpans(ids, starts, ends, corners, self.layout))

    def _num_listed(self, batch: MazeBatch) -> Int64[ndarray, " batch"]:
        """Return how many edges, or cells, the list of each maze has."""
        rows, cols = batch.shape
        if self.layout.lists_cells:
            return np.full(len(batch), rows * cols, np.int64)
        if self.config.walls:
            return np.full(len(batch), rows * (cols - 1) + (rows - 1) * cols, np.int64)
        # Bytes add up three times as fast as booleans; the largest canvas has 8,064 edges.
        flags = batch.connections.reshape(len(batch), 2 * rows * cols).view(np.uint8)
        return flags.sum(axis=1, dtype=np.uint16).astype(np.int64)

    def decode(self, tokens: Tensor | ndarray | Sequence[Any]) -> "str | list[str]":
        """Turn ids into text, without the padding: one string for ids of shape [pos], a list for [batch, pos].

        The words name cells of the canvas; where the maze lies there, `TokenSpans.offsets` says.

        Raises:
            MazeRLError: These are no ids, or one is not in the vocabulary.
        """
        array = _as_ids(tokens)
        if array.ndim == 2:
            return [str(self.decode(row)) for row in array]
        if array.size and not 0 <= array.min() <= array.max() < len(self.vocabulary):
            raise MazeRLError(f"ids {array.min()}..{array.max()} leave the vocabulary of {len(self.vocabulary)} words.")
        return " ".join(self.vocabulary[int(token)] for token in array if token != PADDING)

    def to_text(self, maze: Maze, *, seed: int = 0, offset: Sequence[Any] | ndarray | None = None) -> TokenText:
        """Write one maze with a shortest path as text, as a model reads it.

        Args:
            maze: What to write.
            seed: Seed of edge order, orientation, offset and choice of path.
            offset: Where its cell (0, 0) lies on the canvas; None: as `encode` places it.

        Returns:
            A string whose words name cells of the canvas; its `offset` says where the maze lies there.

        Raises:
            ConfigurationError: The maze does not fit on the canvas, or not at this offset; or it is not one maze.
        """
        if not isinstance(maze, Maze):
            raise ConfigurationError(
                f"to_text writes one maze, and this is a {type(maze).__name__}: take one of several, as mazes[0], or "
                "write all with save_mazes(mazes, 'mazes.tokens')."
            )
        batch, places = maze.as_batch(), None
        if offset is not None:
            offset = _as_offset(offset)
            self._check_offset(offset, maze.shape)
            places = np.array([offset], np.int16)
        encoded = self.encode_batch(batch, streams=np.zeros(1, np.int64), seed=seed, offsets=places)
        row, col = encoded.spans.offsets[0].tolist()
        return TokenText(str(self.decode(encoded.tokens[0])), (row, col))

    def from_text(self, text: str, grid: AnySize, offset: Sequence[Any] | ndarray | None = None) -> Maze:
        """Read a maze of `grid` (rows, cols) from text.

        Args:
            text: Token text, with a path or without one.
            grid: Rows and columns of the maze, or cells per side; the text does not tell them.
            offset: Where its cell (0, 0) lies on the canvas. None: where a `TokenText` says; else at the corner, or, if
                this tokenization places mazes at random, where the cells that the text names say.

        Raises:
            MazeRLError: The text is not of this format, names cells outside the grid, or does not tell the offset; or
                grid or offset are no whole numbers, or leave the canvas.
        """
        from maze_rl.tokenization.parsing import find_offset, parse_maze

        if not isinstance(text, str):
            raise MazeRLError(f"text is a {type(text).__name__}: expected words in a string; ids become one by decode.")
        shape = grid_of("grid", grid)
        self._check_size(shape)
        if offset is None and isinstance(text, TokenText):
            offset = text.offset
        if offset is None:
            offset = find_offset(text, self.layout, shape) if self.config.random_offsets else (0, 0)
        offset = _as_offset(offset)
        self._check_offset(offset, shape)
        return parse_maze(text, self.layout, shape, offset)

    def _check_size(self, shape: tuple[int, int]) -> None:
        if max(shape) > self.canvas:
            raise ConfigurationError(
                f"a {shape[0]} x {shape[1]} maze does not fit on the {self.canvas} x {self.canvas} canvas: use sizes "
                f"up to {self.canvas} or a larger canvas."
            )

    def _check_offset(self, offset: Cell, shape: tuple[int, int]) -> None:
        if not all(0 <= at <= self.canvas - side for at, side in zip(offset, shape, strict=True)):
            raise ConfigurationError(
                f"offset {offset}: a {shape[0]} x {shape[1]} maze there leaves the {self.canvas} x {self.canvas} "
                "canvas."
            )


def load_tokenization(name: str = "edges", **options: object) -> Tokenization:
    """Build a tokenization by format name, e.g. ``load_tokenization("unique_cells", canvas=10)``.

    It has the words that its options need. The shipped folder of the format has those of all options on a canvas of
    20, so more of them; up to the last one here the ids are the same (but for those of moves and walls on another
    canvas). `Tokenization.vocabulary_note` and `maze_words` in the folder's ``tokenizer_config.json`` say it.

    Raises:
        UnknownNameError: There is no such format or option; the message lists them. The format is no option here.
        ConfigurationError: An option is out of bounds, or they contradict each other.
    """
    chosen = known_options(options, named=("format",))
    return Tokenization(TokenizationConfig(format=name, **chosen))  # type: ignore[arg-type]


def known_options(options: dict[str, object], named: Sequence[str] = ()) -> dict[str, object]:
    """Return options of a tokenization by name, if there are such.

    Args:
        options: As somebody gives them.
        named: Fields that are given otherwise, and so are none.

    Raises:
        UnknownNameError: There is no option of that name.
    """
    known = [each.name for each in fields(TokenizationConfig) if each.name not in named]
    for name in options:
        if name not in known:
            raise unknown_name("option of a tokenization", name, known)
    return options


def _as_ids(tokens: Tensor | ndarray | Sequence[Any]) -> ndarray:
    try:
        array = tokens.numpy(force=True) if isinstance(tokens, Tensor) else np.asarray(tokens)
    except ValueError:
        array = np.empty(1, object)  # rows of different lengths
    if array.ndim not in (1, 2) or (array.size and array.dtype.kind not in "iu"):
        raise MazeRLError(
            f"tokens are {array.dtype} of shape {list(array.shape)}: expected whole numbers of shape [pos] or "
            "[batch, pos], rows of one length."
        )
    return array


def _as_offset(offset: Sequence[Any] | ndarray) -> Cell:
    try:
        row, col = map(operator.index, offset)
    except (TypeError, ValueError):
        raise ConfigurationError(f"offset is {offset!r}: expected (row, col), two whole numbers.") from None
    return row, col


def merge_encoded(parts: list[Encoded], indices: list[ndarray], num: int) -> Encoded:
    """Put the sequences of several batches into one padded batch, in the collection's order."""
    if len(parts) == 1 and np.array_equal(indices[0], np.arange(num)):
        return parts[0]
    longest = max(part.tokens.shape[1] for part in parts)
    tokens = torch.full((num, longest), PADDING, dtype=torch.int64)
    path_start, lengths = torch.empty(num, dtype=torch.int64), torch.empty(num, dtype=torch.int64)
    offsets = torch.empty((num, 2), dtype=torch.int16)
    for part, where in zip(parts, map(torch.from_numpy, indices), strict=True):
        tokens[where, : part.tokens.shape[1]] = part.tokens
        path_start[where], lengths[where] = part.spans.path_start, part.spans.lengths
        offsets[where] = part.spans.offsets
    return Encoded(tokens, TokenSpans(tokens, path_start, lengths, offsets, parts[0].spans.layout))
