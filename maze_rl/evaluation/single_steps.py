"""Single steps from any cell: is the most likely next cell on a shortest path, by distance to the target?

Every start is asked by itself: what a model would write if the path began there. Models that are given the origin on
the path read a prompt once, with many starts behind it that do not see one another; for all others the prompt is made
again for each start. Where a cell takes several tokens all of them must be right.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int16, Int32, Int64, UInt64
from numpy import ndarray
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.evaluation.estimates import rate
from maze_rl.evaluation.held_out import MOST_MAZES, first_mazes
from maze_rl.evaluation.results import StepRow
from maze_rl.evaluation.rollouts import chunks
from maze_rl.mazes.lattice import MazeBatch, trusted_batch
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import BatchSolution
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import decode_paths
from maze_rl.models.readout import logits_at, predictable_words
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import NORTH, PADDING, STEPS, Layout
from maze_rl.tokenization.many_starts import many_starts

BIN_WIDTH = 8
"""Distances of a bin: 1-8, 9-16, ..."""
STARTS = 32
"""Cells asked about in a maze where they share a prompt."""
STARTS_OF_OWN_PROMPT = 4
"""Cells asked about in a maze where each needs a prompt of its own, which costs as much as a maze."""


class Starts(NamedTuple):
    """Cells to start from, those of a maze one after another; never the target."""

    __repr__ = short_repr

    mazes: Int64[ndarray, " start"]
    """Row of the maze in its batch, ascending."""
    cells: Int16[ndarray, "start 2"]
    distances: Int32[ndarray, " start"]
    """Steps to the target, at least 1."""


@dataclass(frozen=True, eq=False)
class StepAnswers(Shown):
    """Whether a model's step is right, for each start."""

    mazes: Int64[ndarray, " start"]
    """Row of the maze in its batch."""
    distances: Int32[ndarray, " start"]
    """Steps from the start to the target, at least 1."""
    correct: Bool[ndarray, " start"]


def draw_starts(solution: BatchSolution, most: int, seed: int) -> Starts:
    """Draw up to `most` cells of each maze without replacement, from those that lead to the target."""
    distances = solution.distances.reshape(len(solution), -1)
    random = numpy_generator(seed, "single_steps")
    # The cells that may be drawn come first, in an order of their own for every maze.
    order = np.where(distances > 0, random.random(distances.shape), 2.0).argsort(axis=1)[:, :most]
    mazes, place = np.nonzero(np.take_along_axis(distances, order, axis=1) > 0)
    flat = order[mazes, place]
    cells = np.stack(np.divmod(flat, solution.batch.shape[1]), axis=1).astype(np.int16)
    return Starts(mazes, cells, distances[mazes, flat])


def ask_steps(
    model: HookedTransformer,
    solution: BatchSolution,
    *,
    seed: int,
    batch_size: int,
    most_mazes: int = MOST_MAZES,
    most_starts: int | None = None,
) -> StepAnswers:
    """Ask `model` for one step from random cells of each maze.

    Args:
        model: The model, with its `tokenization`.
        solution: The solved mazes.
        seed: Seed of the cells, and of the prompts as in rollouts.
        batch_size: Sequences given to the model at once.
        most_mazes: Ask about the first mazes only, so many at most.
        most_starts: Most cells of a maze; None for `STARTS`, or `STARTS_OF_OWN_PROMPT`.
    """
    solution = first_mazes(solution, most_mazes)
    shared = shares_prompts(model)
    default = STARTS if shared else STARTS_OF_OWN_PROMPT
    starts = draw_starts(solution, default if most_starts is None else most_starts, seed)
    ask = _ask_behind_one_prompt if shared else _ask_each
    with torch.inference_mode(), parametrize.cached():
        written, offsets = ask(model, solution.batch, starts, seed, batch_size)
    correct = _right(written, offsets, solution.batch, starts, tokenization_of(model).layout)
    return StepAnswers(starts.mazes, starts.distances, correct)


def shares_prompts(model: HookedTransformer) -> bool:
    """Tell whether many starts behind one prompt give what each would give alone: no position matters, one token does.

    The origin stands on the path, so the prompt does not name it.
    """
    layout, config = tokenization_of(model).layout, getattr(model, "maze_config", None)
    if config is None or config.positions != "none" or config.reverse_positions:
        return False
    return layout.origin_on_path and layout.tokens_per_step == 1


def step_rows(
    size: int, answers: StepAnswers, layouts: UInt64[ndarray, " maze"], width: int = BIN_WIDTH
) -> list[StepRow]:
    """Summarise the answers on mazes of one size by distance to the target; empty bins are left out."""
    rows = []
    for low in range(1, int(answers.distances.max(initial=0)) + 1, width):
        where = (answers.distances >= low) & (answers.distances < low + width)
        if where.any():
            mazes = answers.mazes[where]
            rows.append(
                StepRow(
                    size=size,
                    low=low,
                    high=low + width - 1,
                    mazes=len(np.unique(mazes)),
                    accuracy=rate(answers.correct[where], layouts[mazes]),
                )
            )
    return rows


def _ask_behind_one_prompt(
    model: HookedTransformer, batch: MazeBatch, starts: Starts, seed: int, batch_size: int
) -> tuple[Int64[ndarray, "start 1"], Int16[ndarray, "maze 2"]]:
    """Return the most likely next token of each start, and where the mazes lie."""
    tokenization, num = tokenization_of(model), len(batch)
    _, spans = tokenization.encode_batch(batch, streams=np.arange(num), seed=seed, prompt_only=True)
    tokens, segments, chosen = many_starts(spans, starts.mazes, starts.cells)
    words, device = predictable_words(model), next(model.parameters()).device
    first = np.searchsorted(starts.mazes, np.arange(num + 1))
    written = np.empty(len(starts.mazes), np.int64)
    for rows in chunks(np.arange(num), batch_size):
        read = slice(rows[0], rows[-1] + 1)
        inputs = (part[read].to(device) for part in (tokens, chosen, segments))
        logits = logits_at(model, next(inputs), next(inputs), segments=next(inputs), words=words)
        top = logits.argmax(dim=-1)
        top = top if words is None else words[top]
        written[first[read.start] : first[read.stop]] = top.cpu().numpy()
    return written[:, None], spans.offsets.numpy()


def _ask_each(
    model: HookedTransformer, batch: MazeBatch, starts: Starts, seed: int, batch_size: int
) -> tuple[Int64[ndarray, "start token"], Int16[ndarray, "maze 2"]]:
    """Return the tokens of the step that the model writes from each start, as an origin, and where the mazes lie."""
    tokenization = tokenization_of(model)
    asked = trusted_batch(batch.connections[starts.mazes], starts.cells, batch.targets[starts.mazes])
    prompts, spans = tokenization.encode_batch(asked, streams=starts.mazes, seed=seed, prompt_only=True)
    layout, lengths = tokenization.layout, spans.lengths
    if not layout.starts_at_origin:  # the origin is the first cell of the path: given here, only the step is asked for
        on_canvas = starts.cells + spans.offsets.numpy()
        origin = torch.from_numpy(layout.cell_tokens[on_canvas[:, 0], on_canvas[:, 1]]).long()
        prompts = torch.nn.functional.pad(prompts, (0, origin.shape[1]), value=PADDING)
        prompts = prompts.scatter(1, lengths[:, None] + torch.arange(origin.shape[1]), origin)
        lengths = lengths + origin.shape[1]
    written = np.full((len(prompts), layout.tokens_per_step), PADDING, np.int64)
    device = next(model.parameters()).device
    for rows in chunks(np.arange(len(prompts)), batch_size):
        chosen = prompts[rows, : int(lengths[rows].max())].to(device)
        budget = torch.full((len(rows),), layout.tokens_per_step, device=device)
        new = decode_paths(model, chosen, lengths[rows].to(device), budget).cpu().numpy()
        written[rows, : new.shape[1]] = new
    offsets = np.zeros((len(batch), 2), np.int16)
    offsets[starts.mazes] = spans.offsets.numpy()
    return written, offsets


def _right(
    written: Int64[ndarray, "start token"],
    offsets: Int16[ndarray, "maze 2"],
    batch: MazeBatch,
    starts: Starts,
    layout: Layout,
) -> Bool[ndarray, " start"]:
    """Tell whether what was written is a move (or cell) one step nearer to the target."""
    single = trusted_batch(batch.connections[starts.mazes], starts.cells, batch.targets[starts.mazes])
    labels = label_paths(single, starts.cells[:, None], np.ones(len(single), np.int64))
    if layout.path_as_moves:
        candidates = np.broadcast_to(layout.step_ids(NORTH)[:, None], (len(single), 4, 1))
    else:
        around = (starts.cells + offsets[starts.mazes])[:, None] + STEPS
        around = np.clip(around, 0, layout.canvas - 1)  # what leaves the canvas is not open
        candidates = layout.cell_tokens[around[..., 0], around[..., 1]]
    agrees = (candidates == written[:, None]).all(axis=2)
    return (agrees & labels.optimal[:, 0]).any(axis=1)
