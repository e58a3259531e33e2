"""Training examples: mazes encoded with a shortest path; for every path position the right and the legal tokens."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int16, Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.canvas import Asked
from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.solve import solve_batch
from maze_rl.seeding import stream_key
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Encoded, Tokenization, merge_encoded
from maze_rl.training.canvas import Placement, compose, place_mazes
from maze_rl.training.labels import label_paths, write_starts


@dataclass(frozen=True, eq=False)
class Examples(Shown):
    """A batch of sequences to learn from."""

    tokens: Int64[Tensor, "batch pos"]
    spans: TokenSpans
    optimal: Int64[Tensor, "batch pos 4"]
    """For each path position a model writes, every token that would be right; -1 fills up, and all other positions.

    Where a cell takes several tokens, a token is right if it goes on, behind the tokens that stand there, to some
    optimal cell.
    """
    legal: Int64[Tensor, "batch pos 4"]
    """The tokens of `optimal`, in the same places, then those of all other moves through an open edge, back included.

    At the target ``<PATH_END>`` stands alone: the path is over.
    """
    forks: Bool[Tensor, "batch pos"]
    """True for the tokens of a move that was one of several, going back not counted."""
    remaining: Int16[Tensor, "batch pos"]
    """For each token that is asked for, the steps from the cell it leaves to the target; -1 elsewhere."""
    num_mazes: int
    """Mazes that the sequences show."""
    loops: int | None = None
    """How often the block of a model with loops is applied in this step; None for as often as it is built."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def decisions(self) -> int:
        """Moves and ends that are asked for."""
        return int((self.remaining >= 0).sum())

    @property
    def num_tokens(self) -> int:
        """Tokens without padding."""
        return int(self.spans.lengths.sum())

    @property
    def padded_tokens(self) -> int:
        """Tokens with padding."""
        return self.tokens.numel()

    @property
    def longest_path(self) -> int:
        """Steps of the longest path."""
        return int(self.remaining.max())

    def rows(self, chosen: Tensor) -> "Examples":
        """Return the sequences `chosen`, cut to the longest of them."""
        length = int(self.spans.lengths[chosen].max())
        labels = (self.optimal, self.legal, self.forks, self.remaining)
        targets = self.spans.further_targets
        mazes = len(chosen) + (0 if targets is None else int(targets[chosen].sum()))
        return Examples(
            self.tokens[chosen, :length],
            self.spans.rows(chosen, length),
            *(label[chosen, :length] for label in labels),
            num_mazes=mazes,
            loops=self.loops,
        )


def encode_examples(
    tokenization: Tokenization,
    mazes: MazeCollection,
    seed: int,
    start: int,
    asked: Asked | None = None,
    loops: int | None = None,
) -> Examples:
    """Encode mazes number `start`, `start` + 1, ... of a stream.

    Args:
        tokenization: How they are written.
        mazes: One sequence each, or one for several that share a canvas.
        seed: Seed of the run. Sequence i depends on (maze, seed, start + i), or on those of its canvas.
        start: Index of the first maze in its stream.
        asked: What a sequence asks beside the path, and what else is on its canvas; None for nothing.
        loops: Noted in the examples.
    """
    asked = asked or Asked()
    indices = [mazes.indices_of(position) for position in range(len(mazes.batches))]
    placement = _placement(tokenization, mazes, indices, seed, start, asked)
    offsets = None if placement is None else placement.offsets
    parts = [
        _encode_shape(tokenization, batch, start + where, seed, asked, None if offsets is None else offsets[where])
        for batch, where in zip(mazes.batches, indices, strict=True)
    ]
    examples = replace(_merge(parts, indices, len(mazes)), loops=loops)
    if placement is None:
        return examples
    return _composed(examples, placement, _shapes(mazes, indices), tokenization, seed, start, asked)


def _shapes(mazes: MazeCollection, indices: list[ndarray]) -> Int64[ndarray, "mazes 2"]:
    shapes = np.empty((len(mazes), 2), np.int64)
    for batch, where in zip(mazes.batches, indices, strict=True):
        shapes[where] = batch.shape
    return shapes


def _placement(
    tokenization: Tokenization, mazes: MazeCollection, indices: list[ndarray], seed: int, start: int, asked: Asked
) -> Placement | None:
    """Return which mazes share a canvas, and where each lies; None where each has one of its own with nothing else."""
    if asked.mazes_per_canvas == 1 and not asked.stray_tokens:
        return None
    shapes, config = _shapes(mazes, indices), tokenization.config
    return place_mazes(shapes, config.canvas, asked.mazes_per_canvas, config.random_offsets, seed, start)


def _encode_shape(
    tokenization: Tokenization,
    batch: MazeBatch,
    streams: Int64[ndarray, " batch"],
    seed: int,
    asked: Asked,
    offsets: Int16[ndarray, "batch 2"] | None,
) -> Examples:
    """Encode mazes of one shape, each alone on its canvas."""
    layout, solution = tokenization.layout, solve_batch(batch, seed, streams)
    encoded = tokenization.encode_batch(batch, streams=streams, seed=seed, solution=solution, offsets=offsets)
    spans = encoded.spans
    room = asked.starts * (layout.given_tokens + layout.tokens_per_step)
    tokens = torch.nn.functional.pad(encoded.tokens, (0, room), value=PADDING)
    optimal, legal = np.full((2, *tokens.shape, 4), -1, np.int64)
    forks, remaining = np.zeros(tokens.shape, np.bool_), np.full(tokens.shape, -1, np.int16)
    labels = (optimal, legal, forks, remaining)
    places = (spans.offsets.numpy(), layout.cell_tokens, layout.path_move_ids, int(layout.path_as_turns))
    label_paths(
        batch.connections,
        solution.distances,
        solution.paths,
        solution.lengths,
        *places,
        layout.starts_at_origin,
        spans.answer_start.numpy(),
        *labels,
    )
    further = None
    if asked.starts:
        further = np.empty((len(batch), asked.starts), np.int64)
        write_starts(
            batch.connections,
            solution.distances,
            solution.paths,
            solution.lengths,
            *places,
            asked.starts,
            np.uint64(stream_key(seed, "starts")),
            streams,
            tokens.numpy(),
            spans.lengths.numpy(),
            *labels,
            further,
        )
    width = int(spans.lengths.max())
    tokens = tokens[:, :width]
    starts = None if further is None else torch.from_numpy(further)
    spans = replace(spans, tokens=tokens, further_starts=starts)
    return Examples(tokens, spans, *(torch.from_numpy(label[:, :width]) for label in labels), num_mazes=len(batch))


def _merge(parts: list[Examples], indices: list[ndarray], num: int) -> Examples:
    """Put the sequences of several shapes into one padded batch, in the collection's order."""
    encoded = merge_encoded([Encoded(part.tokens, part.spans) for part in parts], indices, num)
    shape = encoded.tokens.shape
    spans, starts = encoded.spans, parts[0].spans.further_starts
    if starts is not None:
        starts = starts.new_empty((num, starts.shape[1]))
        for part, where in zip(parts, indices, strict=True):
            assert part.spans.further_starts is not None
            starts[torch.from_numpy(where)] = part.spans.further_starts
        spans = replace(spans, further_starts=starts)
    optimal, legal = torch.full((*shape, 4), -1), torch.full((*shape, 4), -1)
    forks, remaining = torch.zeros(shape, dtype=torch.bool), torch.full(shape, -1, dtype=torch.int16)
    for part, where in zip(parts, map(torch.from_numpy, indices), strict=True):
        width = part.tokens.shape[1]
        for whole, label in (
            (optimal, part.optimal),
            (legal, part.legal),
            (forks, part.forks),
            (remaining, part.remaining),
        ):
            whole[where, :width] = label
    return Examples(encoded.tokens, spans, optimal, legal, forks, remaining, num_mazes=num)


def _composed(
    examples: Examples,
    placement: Placement,
    shapes: Int64[ndarray, "mazes 2"],
    tokenization: Tokenization,
    seed: int,
    start: int,
    asked: Asked,
) -> Examples:
    """Write the sequences of whole canvases; labels come along with the tokens they are of."""
    spans = examples.spans
    found = compose(spans, placement, shapes, asked.stray_tokens, tokenization.config.shuffle_edges, seed, start)
    rows, positions = torch.from_numpy(found.source_row), torch.from_numpy(found.source_pos)
    outside = rows < 0
    rows, positions = rows.clamp(min=0), positions.clamp(min=0)
    tokens = torch.from_numpy(found.tokens)
    # A segment begins where its first token came to lie; the first one of a canvas stands behind <PATH_START>.
    place = torch.where(outside, -1, spans.place_in_segment[rows, positions])
    path_start, lengths = torch.from_numpy(found.path_start), torch.from_numpy(found.lengths)
    begins = (place == 0) & (torch.arange(tokens.shape[1]) > path_start[:, None] + 1)
    most = int(begins.sum(dim=1).max())
    order = torch.where(begins, torch.arange(tokens.shape[1]), tokens.shape[1]).sort(dim=1).values[:, :most]
    further = torch.minimum(order, lengths[:, None])
    num_mazes = torch.from_numpy(np.diff(placement.first))
    composed = TokenSpans(
        # several mazes, or cells beside one, have no coordinates but the canvas's
        tokens,
        path_start,
        lengths,
        torch.zeros_like(spans.offsets[: len(tokens)]),
        spans.layout,
        further_starts=further if most else None,
        further_targets=num_mazes - 1,
    )
    optimal, legal = (
        torch.where(outside[..., None], -1, label[rows, positions]) for label in (examples.optimal, examples.legal)
    )
    return Examples(
        tokens,
        composed,
        optimal,
        legal,
        examples.forks[rows, positions] & ~outside,
        torch.where(outside, -1, examples.remaining[rows, positions]),
        num_mazes=len(shapes),
        loops=examples.loops,
    )
