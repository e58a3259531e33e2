"""Where every cell of a maze would go, asked after every loop of a model.

A model with loops is trained to be read after any number of them, so what it would answer after t loops is a fair
question for every t. Where the origin stands on the path, all cells of a maze are asked at once: each is a start of its
own behind one prompt, which it sees and which does not see it. So the answers show the search spreading.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int8, Int32, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.cell_features import neighbour_cells
from maze_rl.interp.requirements import (
    LOOPED,
    analysed_tokenization,
    require_cells_in_prompt,
    require_known_forward,
    require_loops,
    require_origin_on_path,
)
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import logits_of, predictable_words, streams_by_loop
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.many_starts import many_starts
from maze_rl.tokenization.spans import Region, TokenSpans
from maze_rl.tokenization.tokenization import Tokenization

CellEdit = Callable[[int, slice, Tensor], Tensor]
"""Called with the number of a loop, counted from 1, which mazes these are, and the streams that the loop left at the
cells of their prompts, [maze, cell, d_model], a copy; returns those that take their place."""
Hidden = Callable[[slice, Int64[Tensor, "maze pos 2"]], Bool[Tensor, "maze query_pos key_pos"]]
"""Called with which mazes these are and the cell (row, col) that each position is about, -1 for those of none; returns
which keys no head sees from which query."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopAnswers(Shown):
    """The answers of all cells of mazes of one size; cells are numbered row by row, loops counted from 1."""

    mazes: MazeBatch
    moves: Int8[ndarray, "maze loop cell"]
    """Row of `STEPS` that the likeliest word leads to, through a wall or not; -1 for any other word."""
    confidence: Float32[ndarray, "maze loop cell"]
    """Probability of all shortest moves together."""
    optimal: Bool[ndarray, "maze cell 4"]
    """Which moves, as rows of `STEPS`, are shortest."""
    distances: Int32[ndarray, "maze cell"]
    """Steps to the target; 0 at the target, which is not asked, and -1 where it cannot be reached."""

    def _headline(self) -> str:
        num, loops, _ = self.moves.shape
        rows, cols = self.mazes.shape
        return f"{num} mazes of {rows} x {cols}, all cells asked after each of {loops} loops"

    @property
    def asked(self) -> Bool[ndarray, "maze cell"]:
        """Which cells have a right answer: all that the target is reached from, but itself."""
        return self.distances > 0

    @property
    def right(self) -> Bool[ndarray, "maze loop cell"]:
        """Whether the answer is a shortest move."""
        return are_among(self.moves, self.optimal)


@torch.inference_mode()
def answers_by_loop(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    loops: int | None = None,
    edit: CellEdit | None = None,
    hidden: Hidden | None = None,
    then: tuple[int, MazeBatch] | None = None,
    seed: int = 0,
    batch_size: int = 8,
) -> LoopAnswers:
    """Ask every cell of every maze for its next step, after every loop.

    Args:
        model: A model with loops and without positions whose prompts do not name the origin.
        mazes: Mazes of one size.
        loops: The most loops; None for as many as the model is built with.
        edit: Changes the streams of the cells in the prompt between loops; needs a prompt that lists cells.
        hidden: What is hidden from all heads in all loops; needs a prompt that lists cells.
        then: A number of loops, and mazes of the same targets that the prompt is of after these; needs a prompt that
            lists cells.
        seed: Seed of the order in which the prompt lists cells or edges.
        batch_size: Mazes run at once; each takes as many tokens as its prompt has, and one for every cell.

    Raises:
        ConfigurationError: The model has no loops, or positions or hooks, the origin stands in its prompt, there are no
            mazes or they do not fit its canvas, or a number is below 1.
    """
    tokenization, what = tokenization_of(model), "asking all cells of a maze at once"
    require_known_forward(model, what, LOOPED)
    require_loops(model, what)
    require_origin_on_path(model, what)
    check_count("batch_size", batch_size)
    most = int(model.maze_config.loops if loops is None else loops)  # type: ignore[union-attr, arg-type]
    check_count("loops", most)
    if not (edit is None and hidden is None and then is None):
        require_cells_in_prompt(tokenization.layout, "changing what a cell holds or sees")
    if len(mazes) == 0:
        raise ConfigurationError("there are no mazes to ask about: give at least one.")
    model = model.with_loops(most)  # type: ignore[operator]
    place = np.stack(np.divmod(np.arange(np.prod(mazes.shape)), mazes.shape[1]), axis=1)
    spans, tokens, segments, starts = _asked(tokenization, mazes, place, seed)
    later = None if then is None else _later(tokenization, mazes, then, place, seed)
    words, device = predictable_words(model), next(model.parameters()).device
    targets = _neighbour_words(tokenization.layout, mazes.shape, words)
    labels = label_cells(mazes)
    listed = None if edit is None and hidden is None else listed_at(spans, mazes.shape)
    moves = np.empty((len(mazes), most, labels.distances.shape[1]), np.int8)
    confidence = np.empty(moves.shape, np.float32)
    with parametrize.cached():
        for first in range(0, len(mazes), batch_size):
            part = slice(first, first + batch_size)
            read, behind, at = (each[part].to(device) for each in (tokens, segments, starts))
            change = None if edit is None or listed is None else _editing(edit, part, listed[part].to(device))
            hooks = (
                []
                if hidden is None or listed is None
                else _hiding(model, hidden, part, listed[part], starts[part], place)
            )
            with model.hooks(fwd_hooks=hooks):
                other = None if later is None else (later[0], later[1][part].to(device))
                for loop, stream in enumerate(streams_by_loop(model, read, segments=behind, edit=change, then=other)):
                    logits = logits_of(model, stream[at], words).unflatten(0, (len(read), len(place))).float().cpu()
                    moves[part, loop] = _moves(logits, targets)
                    confidence[part, loop] = _confidence(logits, targets, torch.from_numpy(labels.optimal[part]))
    return LoopAnswers(
        mazes=mazes,
        moves=moves,
        confidence=confidence,
        optimal=labels.optimal,
        distances=labels.distances,
    )


def are_among(
    moves: Int8[ndarray, "maze loop cell"], allowed: Bool[ndarray, "maze cell 4"]
) -> Bool[ndarray, "maze loop cell"]:
    """Return which moves, rows of `STEPS` or -1 for none, are among those allowed from their cells."""
    by_cell = moves.swapaxes(1, 2)
    found = np.take_along_axis(allowed, by_cell.clip(min=0).astype(np.int64), axis=2) & (by_cell >= 0)
    return found.swapaxes(1, 2)


def _asked(
    tokenization: Tokenization, mazes: MazeBatch, place: Int64[ndarray, "cell 2"], seed: int
) -> tuple[TokenSpans, Int64[Tensor, "maze pos"], Int64[Tensor, "maze pos"], Bool[Tensor, "maze pos"]]:
    """Write prompts with all cells as starts behind them; return the prompts' spans and what `many_starts` does."""
    prompts = analysed_tokenization(tokenization).encode_batch(
        mazes, streams=np.arange(len(mazes)), seed=seed, prompt_only=True
    )
    rows, cells = np.repeat(np.arange(len(mazes)), len(place)), np.tile(place, (len(mazes), 1))
    return prompts.spans, *many_starts(prompts.spans, rows, cells)


def _later(
    tokenization: Tokenization,
    mazes: MazeBatch,
    then: tuple[int, MazeBatch],
    place: Int64[ndarray, "cell 2"],
    seed: int,
) -> tuple[int, Int64[Tensor, "maze pos"]]:
    """Return the number of loops, and the tokens of the mazes that the prompt is of after these.

    Raises:
        ConfigurationError: The mazes are not as many, of that shape and with the same targets, or there is no loop.
    """
    loop, others = then
    check_count("loop", loop)
    if len(others) != len(mazes) or others.shape != mazes.shape or (others.targets != mazes.targets).any():
        raise ConfigurationError("the mazes of later loops are as many, of the same shape and with the same targets.")
    return loop, _asked(tokenization, others, place, seed)[1]


def listed_at(spans: TokenSpans, shape: tuple[int, int]) -> Int64[Tensor, "maze cell"]:
    """Return the position at which a prompt lists each cell; cells are numbered row by row."""
    cells, num = spans.cells.long(), shape[0] * shape[1]
    number = torch.where(spans.regions == Region.ADJACENCY, cells[..., 0] * shape[1] + cells[..., 1], num)
    return number.argsort(dim=1, stable=True)[:, :num]


def _editing(edit: CellEdit, mazes: slice, at: Int64[Tensor, "maze cell"]) -> Callable[[int, Tensor], Tensor]:
    """Return the edit of whole streams that changes those at the cells."""
    maze = torch.arange(len(at), device=at.device)[:, None]

    def change(loop: int, stream: Tensor) -> Tensor:
        stream = stream.clone()
        stream[maze, at] = edit(loop, mazes, stream[maze, at])
        return stream

    return change


def _hiding(
    model: HookedTransformer,
    hidden: Hidden,
    mazes: slice,
    listed: Int64[Tensor, "maze cell"],
    starts: Bool[Tensor, "maze pos"],
    place: Int64[ndarray, "cell 2"],
) -> list[Any]:
    """Return hooks that hide keys from all heads; a position sees itself at least."""
    cells = torch.from_numpy(place).expand(len(listed), -1, -1)
    about = torch.full((*starts.shape, 2), -1)
    about[torch.arange(len(listed))[:, None], listed] = cells
    about[starts] = cells.flatten(0, 1)
    unseen = (hidden(mazes, about) & ~torch.eye(starts.shape[1], dtype=torch.bool)).to(next(model.parameters()).device)

    def hide(scores: Tensor, hook: object) -> Tensor:
        return scores.masked_fill(unseen[:, None], float("-inf"))

    return [(f"blocks.{layer}.attn.hook_attn_scores", hide) for layer in range(model.cfg.n_layers)]


def _neighbour_words(
    layout: Layout, shape: tuple[int, int], words: Int64[Tensor, " words"] | None
) -> Int64[Tensor, "cell 4"]:
    """Return the column of the logits in which the neighbour in each direction stands; -1 outside the maze."""
    asked = torch.arange(len(layout.words)) if words is None else words.cpu()
    column = torch.full((len(layout.words),), -1)
    column[asked] = torch.arange(len(asked))
    ids = torch.from_numpy(layout.cell_ids[: shape[0], : shape[1]].reshape(-1)).long()
    neighbours = torch.from_numpy(neighbour_cells(shape))
    return torch.where(neighbours >= 0, column[ids[neighbours.clamp(min=0)]], -1)


def _moves(logits: Tensor, targets: Int64[Tensor, "cell 4"]) -> ndarray:
    """Return the direction in which each cell's likeliest word lies; -1 where it is no neighbour."""
    named = logits.argmax(dim=-1)[..., None] == targets
    return torch.where(named.any(dim=-1), named.int().argmax(dim=-1), -1).numpy().astype(np.int8)


def _confidence(logits: Tensor, targets: Int64[Tensor, "cell 4"], optimal: Bool[Tensor, "maze cell 4"]) -> ndarray:
    """Return the probability of the moves that are optimal."""
    at = targets.clamp(min=0).expand(*logits.shape[:2], -1)
    chances = logits.softmax(dim=-1).gather(2, at)
    return torch.where(optimal, chances, 0.0).sum(dim=-1).numpy().astype(np.float32)
