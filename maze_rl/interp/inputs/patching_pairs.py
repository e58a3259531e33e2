"""Token-aligned pairs of prompts for patching: one edge differs, and the right next step with it.

Each pair is a clean maze, a flipped one and a control (`maze_rl.mazes.flip_pairs`), written up to and with the token of
the fork u: the prediction there is the decision, w in clean and control, w' in flipped. The clean maze is encoded; the
others are its tokens with the added edge written over the removed one (where cells are listed, with the sides of up to
four cells changed), so that all three have the same length and every other token in the same place. The control is a
swap of the same kind, as near the same depth as there is, that changes nothing about the decision, so whatever patching
does there is not the decision's. Pairs a model does not solve are left out of patching, and counted: their logit
differences have no meaning (2309.16042, 2404.15255).

Only the clean maze is drawn from the split; flipped and control mazes are its edits and may fall into any.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.algorithms import ALGORITHMS, TREES
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import AnyInts, AnySize, check_square
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import check_tokens, require_known_forward
from maze_rl.mazes.flip_pairs import FlipPairs, concatenate_pairs, find_flip_pairs
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.readout import logits_at
from maze_rl.tokenization.edge_slots import replace_edge, replaced_slots
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Encoded, Tokenization

_BLOCK = 256
_MAZES_PER_PAIR = 200
"""Mazes searched for each pair, beyond a first 10 blocks, before the search is given up."""


@dataclass(frozen=True, eq=False)
class PatchingPairs(Shown):
    """Prompts with their path up to the fork, right-padded with ``<PADDING>``; one pair per maze."""

    pairs: FlipPairs
    """What was edited, where and how deep; `base` is the index of the maze in its specification."""
    clean: Int64[Tensor, "pair pos"]
    flipped: Int64[Tensor, "pair pos"]
    control: Int64[Tensor, "pair pos"]
    spans: TokenSpans
    """What each position of `clean` is."""
    position: Int64[Tensor, " pair"]
    """Decision position: the token of the fork u, the last before the padding."""
    slot: Bool[Tensor, "pair pos"]
    """Tokens in which `flipped` may differ from `clean`: the slot of one edge, or up to four listed cells."""
    control_slot: Bool[Tensor, "pair pos"]
    """Tokens in which `control` may differ from `clean`."""
    right: Int64[Tensor, " pair"]
    """Id of w, the right next token in `clean` and `control`."""
    wrong: Int64[Tensor, " pair"]
    """Id of w', the right next token in `flipped`."""

    def __len__(self) -> int:
        return len(self.clean)

    @property
    def depth(self) -> Int64[ndarray, " pair"]:
        """K, the steps from the fork to the nearer change."""
        return self.pairs.depth

    @property
    def layouts(self) -> Int64[ndarray, " pair"]:
        """Layout of each clean maze, by the first pair that has it."""
        return layouts_of(self.pairs.clean)

    @property
    def num_mazes(self) -> int:
        """Number of different clean mazes: each gives one pair."""
        return len(self)

    @property
    def found_share(self) -> float:
        """Share of the mazes searched that gave a pair."""
        return self.pairs.found_share

    def take(self, rows: Int64[ndarray, " chosen"] | Int64[Tensor, " chosen"]) -> "PatchingPairs":
        """Return the pairs at `rows`, padded as before."""
        chosen = torch.as_tensor(rows)
        changed = {
            field.name: getattr(self, field.name)[chosen]
            for field in fields(self)
            if field.name not in ("pairs", "spans")
        }
        spans = _cut_spans(self.spans, changed["clean"], chosen, changed["position"])
        return replace(self, pairs=self.pairs.take(chosen.numpy()), spans=spans, **changed)


@dataclass(frozen=True, eq=False)
class SolvedPairs(Shown):
    """Which pairs a model solves: its most likely token, among all, is the right one in clean and in flipped."""

    rows: Int64[ndarray, " solved"]
    num: int
    """Pairs tried."""
    num_clean: int
    """Pairs whose clean member is solved."""
    num_flipped: int
    """Pairs whose flipped member is solved."""

    @property
    def text(self) -> str:
        """The counts in a line, to stand beside every result on the solved pairs."""
        return (
            f"{len(self.rows)} of {self.num} pairs solved in both mazes ({self.num_clean} clean, {self.num_flipped} "
            f"flipped); the other {self.num - len(self.rows)} left out"
        )


def make_pairs(
    tokenization: Tokenization,
    *,
    size: AnySize,
    num: int,
    depths: AnyInts = (1, 64),
    algorithm: str = "dfs",
    seed: int = 0,
    split: str | None = "test",
    max_distance: int | None = None,
    min_distance: int | None = None,
    within: Within | None = None,
) -> PatchingPairs:
    """Make `num` pairs from as many mazes; the first n of them are those that asking for n gives.

    Args:
        tokenization: One token per cell and step, without walls; mazes are placed in the corner of its canvas.
        size: Cells per side.
        num: Number of pairs.
        depths: Values of K: a range, as ``"2..8"`` or ``range(2, 9)``, or (smallest, largest), both included.
        algorithm: A generator of mazes without cycles.
        seed: Seed of mazes, pairs and edge order.
        split: Split of the clean mazes; None, which sizes below 4 need, takes all.
        max_distance: Most steps from the fork to the target, in clean and flipped alike.
        min_distance: Fewest such steps.
        within: The reach that the choice at the fork lies within, in both; None for no limit.

    Raises:
        ConfigurationError: The format or the algorithm cannot be used, the maze is larger than the canvas, or too few
            mazes have such a pair; the message tells the share that had.
    """
    size = check_square("size", size)
    _check(tokenization, size, num, algorithm)
    spec = MazeSpec(sizes=(size,), algorithm=algorithm, split=split)
    parts, found = [], 0
    while found < num:
        searched = _BLOCK * len(parts)
        if searched >= 10 * _BLOCK + _MAZES_PER_PAIR * num:
            raise ConfigurationError(
                f"{found} of {searched} {size} x {size} {algorithm} mazes gave a pair ({found / searched:.2%}) with "
                f"depths {depths}, distances {min_distance} to {max_distance}"
                f"{'' if within is None else f', {within.steps} steps of {within.axis} at most'}: loosen these or use "
                "a larger size."
            )
        indices = np.arange(searched, searched + _BLOCK)
        batch = generate_mazes(spec, indices, seed).batches[0]
        pairs = find_flip_pairs(batch, depths=depths, seed=seed, indices=indices)
        pairs = _as_far(pairs, min_distance or 0, size * size if max_distance is None else max_distance)
        parts.append(pairs if within is None else _within(pairs, within))
        found += len(parts[-1])
    chosen = concatenate_pairs(parts).take(np.arange(num))
    return _encoded(chosen, tokenization.with_options(random_offsets=False), seed)


@torch.no_grad()
def pair_logits(
    model: HookedTransformer, tokens: Int64[Tensor, "pair pos"], position: Int64[Tensor, " pair"], batch_size: int = 256
) -> Float[Tensor, "pair d_vocab"]:
    """Return the logits at one position of each sequence, on the model's device.

    Raises:
        ConfigurationError: Positions of this model depend on what stands behind them, or `batch_size` is below 1.
    """
    require_known_forward(model, "reading the logits of padded sequences")
    check_count("batch_size", batch_size)
    device = next(model.parameters()).device
    logits = []
    for rows, at in zip(tokens.split(batch_size), position.split(batch_size), strict=True):
        longest = int(at.max()) + 1
        logits.append(logits_at(model, rows[:, :longest].to(device), (torch.arange(longest) == at[:, None]).to(device)))
    return torch.cat(logits)


def solved_pairs(model: HookedTransformer, pairs: PatchingPairs, batch_size: int = 256) -> SolvedPairs:
    """Find the pairs both of whose members the model solves; patching is done on these alone.

    Raises:
        ConfigurationError: There are no pairs, or they are not written in the model's words.
    """
    if len(pairs) == 0:
        raise ConfigurationError("there are no pairs to ask the model about: give at least one.")
    check_tokens(model, pairs.spans.layout)
    solved = [
        (pair_logits(model, tokens, pairs.position, batch_size).argmax(dim=-1).cpu() == answer).numpy()
        for tokens, answer in ((pairs.clean, pairs.right), (pairs.flipped, pairs.wrong))
    ]
    return SolvedPairs(np.flatnonzero(solved[0] & solved[1]), len(pairs), int(solved[0].sum()), int(solved[1].sum()))


def flip_tokens(pairs: PatchingPairs) -> PairTokens:
    """Return the pairs as clean and flipped tokens."""
    return PairTokens(
        pairs.clean, pairs.flipped, pairs.position, pairs.right, pairs.wrong, pairs.layouts, pairs.spans.layout
    )


def control_tokens(pairs: PatchingPairs) -> PairTokens:
    """Return the pairs as clean and control tokens, asked about the same two cells."""
    return PairTokens(
        pairs.clean, pairs.control, pairs.position, pairs.right, pairs.wrong, pairs.layouts, pairs.spans.layout
    )


def _check(tokenization: Tokenization, size: int, num: int, algorithm: str) -> None:
    if tokenization.name not in ONE_TOKEN_PER_CELL:
        raise ConfigurationError(
            f"format {tokenization.name} takes {tokenization.layout.tokens_per_cell} tokens a step: patching pairs "
            f"need one, so use {' or '.join(ONE_TOKEN_PER_CELL)}."
        )
    if tokenization.config.path != "cells" or tokenization.config.walls:
        raise ConfigurationError(
            "patching pairs need path='cells' and walls=False: the decision is a cell, the slot one."
        )
    if size > tokenization.canvas:
        raise ConfigurationError(f"size {size} is larger than the canvas of {tokenization.canvas}: use a smaller size.")
    if num < 1:
        raise ConfigurationError(f"num is {num}: ask for at least one pair.")
    if algorithm in ALGORITHMS and algorithm not in TREES:
        raise ConfigurationError(f"{algorithm} mazes may have cycles; flip pairs need trees: use {', '.join(TREES)}.")


def _within(pairs: FlipPairs, within: Within) -> FlipPairs:
    """Keep the pairs whose choice lies within a reach in both mazes."""
    lie = [within.cells(batch, pairs.forks) for batch in (pairs.clean, pairs.flipped)]
    rows = np.flatnonzero(lie[0] & lie[1])
    return replace(pairs.take(rows), num_found=len(rows))


def _as_far(pairs: FlipPairs, low: int, high: int) -> FlipPairs:
    """Keep the pairs whose fork lies `low` to `high` steps from the target in both mazes."""
    steps = np.stack([_distances_of(pairs.forks, batch) for batch in (pairs.clean, pairs.flipped)])
    rows = np.flatnonzero(((steps >= low) & (steps <= high)).all(axis=0))
    return replace(pairs.take(rows), num_found=len(rows))


def _distances_of(cells: ndarray, batch: MazeBatch) -> ndarray:
    return solve_batch(batch).distances[np.arange(len(cells)), cells[:, 0], cells[:, 1]]


def _encoded(pairs: FlipPairs, tokenization: Tokenization, seed: int) -> PatchingPairs:
    """Write the pairs as tokens, cut behind the fork."""
    whole = tokenization.encode_batch(pairs.clean, streams=pairs.base, seed=seed)
    position = whole.spans.path_start + 1 + torch.from_numpy(pairs.fork_index)
    length = int(position.max()) + 1
    clean = torch.where(torch.arange(length) <= position[:, None], whole.tokens[:, :length], PADDING)
    spans = _cut_spans(whole.spans, clean, torch.arange(len(clean)), position)
    encoded, ids = Encoded(clean, spans), tokenization.layout.cell_ids
    right, wrong = (torch.from_numpy(ids[cells[:, 0], cells[:, 1]]).long() for cells in (pairs.right, pairs.wrong))
    return PatchingPairs(
        pairs,
        clean,
        replace_edge(encoded, pairs.removed, pairs.added),
        replace_edge(encoded, pairs.control_removed, pairs.control_added),
        spans,
        position,
        replaced_slots(spans, pairs.removed, pairs.added),
        replaced_slots(spans, pairs.control_removed, pairs.control_added),
        right,
        wrong,
    )


def _cut_spans(spans: TokenSpans, tokens: Tensor, rows: Tensor, position: Tensor) -> TokenSpans:
    return TokenSpans(tokens, spans.path_start[rows], position + 1, spans.offsets[rows], spans.layout)
