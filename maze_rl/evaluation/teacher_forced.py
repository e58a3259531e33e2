"""Next-cell predictions on reference paths: accuracies, legal and optimal mass, calibration at forks.

A path of D steps asks for D + 2 predictions: the origin (at ``<PATH_START>``; not where it is given, the path is
written as steps, or training left it out), D steps, and the end (at the target). Each has a set of legal and a set of
optimal tokens: the origin alone, the open and the optimal neighbours of the current cell, ``<PATH_END>`` alone. A
prediction is right if its top token is optimal. Mazes with several shortest paths are asked about up to 8 of them,
drawn uniformly, and count once.

Where a cell is k tokens, a prediction is k: each is asked behind the reference cell's earlier tokens, and its sets
are the tokens that go on to a legal or optimal cell. The prediction is right if all k top tokens are optimal; its
masses and its confidence are the products over its tokens.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int16, Int32, Int64, UInt64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.evaluation.estimates import mean_estimates
from maze_rl.evaluation.results import TeacherForcedRow
from maze_rl.evaluation.rollouts import chunks, origin_is_given
from maze_rl.mazes.oracle import PathLabels, label_paths
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import logits_at
from maze_rl.seeding import stream_key
from maze_rl.tokenization.layouts import PATH_END, STEPS, Layout, headings_along
from maze_rl.tokenization.tokenization import Encoded

MAX_PATHS = 8
NUM_BINS = 10
_LOGITS_AT_ONCE = 40_000_000


@dataclass(frozen=True, eq=False)
class ReferencePaths(Shown):
    """Shortest paths to ask about, one row each, and the token sets they allow."""

    mazes: Int64[ndarray, " path"]
    """Row of the maze in its batch."""
    solution: BatchSolution
    """Mazes and paths, repeated as needed."""
    labels: PathLabels


@dataclass(frozen=True, eq=False)
class Predictions(Shown):
    """What a model predicts on reference paths; decision 0 is the origin, D + 1 the end."""

    mazes: Int64[ndarray, " path"]
    """Row of the maze in its batch."""
    used: Bool[ndarray, "path decision"]
    """Whether the path is this long and asks for it."""
    is_fork: Bool[ndarray, "path decision"]
    is_forced: Bool[ndarray, "path decision"]
    """Steps that are no forks."""
    correct: Bool[ndarray, "path decision"]
    """Whether the top token is optimal, at each of its tokens."""
    confidence: Float32[ndarray, "path decision"]
    """Probability of the top token, multiplied over its tokens."""
    legal_mass: Float32[ndarray, "path decision"]
    optimal_mass: Float32[ndarray, "path decision"]
    optimal_nll: Float32[ndarray, "path decision"]
    """-log(optimal mass), nats."""


def sample_paths(solution: BatchSolution, seed: int) -> ReferencePaths:
    """Return each maze's reference path and, where there are several, up to 8 different ones.

    Eight are drawn uniformly and repetitions dropped.
    """
    batch = solution.batch
    labels = label_paths(batch, solution.paths, solution.lengths + 1)
    several = np.flatnonzero((labels.optimal.sum(axis=2) > 1).any(axis=1))
    paths, mazes = [solution.paths], [np.arange(len(batch))]
    drawn = [solution.paths[several]]
    for draw in range(1, MAX_PATHS if len(several) else 1):
        path_seed = stream_key(seed, "teacher_forced", draw)
        new = _widen(solve_batch(batch.take(several), path_seed, several).paths, solution.paths.shape[1])
        fresh = np.all([(new != old).any(axis=(1, 2)) for old in drawn], axis=0)
        drawn.append(new)
        paths.append(new[fresh])
        mazes.append(several[fresh])
    rows, all_paths = np.concatenate(mazes), np.concatenate(paths)
    repeated = BatchSolution(batch.take(rows), all_paths, solution.lengths[rows])
    return ReferencePaths(rows, repeated, label_paths(repeated.batch, all_paths, repeated.lengths + 1))


def predict(model: HookedTransformer, references: ReferencePaths, *, seed: int, batch_size: int) -> Predictions:
    """Run `model` on reference paths; `seed` chooses the prompts as in rollouts."""
    tokenization, solution = tokenization_of(model), references.solution
    encoded = tokenization.encode_batch(solution.batch, streams=references.mazes, seed=seed, solution=solution)
    layout = tokenization.layout
    sets = token_sets(references, encoded.spans.offsets.numpy(), layout)
    first = encoded.spans.answer_start
    if origin_is_given(model) and not layout.starts_at_origin:  # as rollouts have it
        sets.asked[:, 0] = False
        first = first + layout.tokens_per_cell
    decision, lengths = np.arange(sets.asked.shape[1]), solution.lengths[:, None]
    used, is_step = np.asarray(sets.asked.any(axis=2)), (decision > 0) & (decision <= lengths)
    is_fork = np.pad(references.labels.is_fork, ((0, 0), (1, 0))) & is_step
    read_tokens = _TokenPredictions.empty(sets.asked.shape)
    rows_at_once = min(batch_size, max(1, _LOGITS_AT_ONCE // (sets.asked[0].size * len(tokenization.vocabulary))))
    for rows in chunks(np.argsort(solution.lengths, kind="stable"), rows_at_once):
        asked = sets.asked[rows]
        read = _ask(model, encoded, first, rows, [array[rows][asked] for array in sets[1:]])
        path, *place = np.nonzero(asked)
        for array, part in zip(read_tokens, read, strict=True):
            # Row-major order on both sides: the tokens of the first path, then those of the second.
            array[rows[path], place[0], place[1]] = part.cpu().numpy()
    return Predictions(references.mazes, used, is_fork, is_step & ~is_fork, *_combined(read_tokens, used))


class _TokenPredictions(NamedTuple):
    """What is read off the logits at each token of each decision; what is not asked changes no product or sum."""

    correct: Bool[ndarray, "path decision token"]
    confidence: Float32[ndarray, "path decision token"]
    legal_mass: Float32[ndarray, "path decision token"]
    optimal_mass: Float32[ndarray, "path decision token"]
    optimal_nll: Float32[ndarray, "path decision token"]

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> "_TokenPredictions":
        confidence, legal, optimal = (np.ones(shape, np.float32) for _ in range(3))
        return cls(np.ones(shape, np.bool_), confidence, legal, optimal, np.zeros(shape, np.float32))


def _combined(tokens: _TokenPredictions, used: Bool[ndarray, "path decision"]) -> tuple[ndarray, ...]:
    """Combine the tokens of each decision; False and 0 where there is none."""
    products = (array.prod(axis=2) * used for array in tokens[1:4])
    return (tokens.correct.all(axis=2) & used, *products, tokens.optimal_nll.sum(axis=2))


class TokenSets(NamedTuple):
    """Which tokens each decision allows, token by token; four at most, as a cell has four neighbours."""

    __repr__ = short_repr

    asked: Bool[ndarray, "path decision token"]
    """Whether there is such a token: the end is one, whatever a cell takes."""
    candidates: Int64[ndarray, "path decision token 4"]
    legal: Bool[ndarray, "path decision token 4"]
    optimal: Bool[ndarray, "path decision token 4"]


def token_sets(references: ReferencePaths, offsets: Int16[ndarray, "path 2"], layout: Layout) -> TokenSets:
    """Return the tokens that go on to a legal or an optimal cell behind the reference cell's earlier tokens."""
    solution, labels = references.solution, references.labels
    num, length = solution.paths.shape[:2]
    shape = (num, length + 1, layout.tokens_per_step)
    asked = np.repeat((np.arange(length + 1) <= solution.lengths[:, None])[..., None], shape[2], axis=2)
    candidates = np.full((*shape, 4), PATH_END, np.int64)
    legal, optimal = (np.zeros((*shape, 4), np.bool_) for _ in range(2))
    asked[:, 0] &= not layout.starts_at_origin
    if layout.path_as_moves:
        candidates[:, 1:, 0] = layout.step_ids(headings_along(solution.paths))
        legal[:, 1:, 0], optimal[:, 1:, 0] = labels.legal, labels.optimal
    else:
        on_canvas = solution.paths + offsets[:, None]
        around = np.clip(on_canvas[:, :, None] + STEPS, 0, layout.canvas - 1)  # what leaves the canvas is not open
        candidates[:, 1:] = np.moveaxis(layout.cell_tokens[around[..., 0], around[..., 1]], 3, 2)
        following = np.clip(on_canvas[:, 1:], 0, layout.canvas - 1)
        taken = layout.cell_tokens[following[..., 0], following[..., 1]]
        for sets, cells in ((legal, labels.legal), (optimal, labels.optimal)):
            sets[:, 1:-1] = _once(candidates[:, 1:-1], taken, cells[:, :-1])
        origin = solution.batch.origins + offsets
        candidates[:, 0, :, 0] = layout.cell_tokens[origin[:, 0], origin[:, 1]]
    rows, ends = np.arange(num), solution.lengths + 1
    asked[rows, ends, 0] = True
    candidates[rows, ends] = PATH_END
    only_first = np.arange(4) == 0
    for mask in (legal, optimal):
        mask[:, 0] = only_first
        mask[rows, ends] = only_first
    return TokenSets(asked, candidates, legal, optimal)


def _once(
    candidates: Int64[ndarray, "path step token 4"],
    taken: Int32[ndarray, "path step token"],
    cells: Bool[ndarray, "path step 4"],
) -> Bool[ndarray, "path step token 4"]:
    """Return which candidates are the next token of one of `cells` that begins as `taken` does, each token once."""
    differs = (candidates != taken[..., None]).cumsum(axis=2)
    agrees_before = np.pad(differs, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1] == 0
    possible = agrees_before & cells[:, :, None]
    for choice in range(1, 4):
        known = possible[..., :choice] & (candidates[..., :choice] == candidates[..., choice : choice + 1])
        possible[..., choice] &= ~known.any(axis=-1)
    return possible


def _ask(
    model: HookedTransformer, encoded: Encoded, first: Int64[Tensor, " path"], rows: ndarray, sets: list[ndarray]
) -> tuple[Tensor, ...]:
    """Run the model on some sequences; return what `_read` returns for their decisions, row after row.

    `first` is the position of the first token asked for.
    """
    device = next(model.parameters()).device
    lengths, first = encoded.spans.lengths[rows, None], first[rows, None]
    tokens = encoded.tokens[rows, : int(lengths.max())]
    position = torch.arange(tokens.shape[1])
    chosen = (position >= first - 1) & (position < lengths - 1)
    with torch.inference_mode():
        logits = logits_at(model, tokens.to(device), chosen.to(device))
        return _read(logits.float(), *(torch.from_numpy(array).to(device) for array in sets))


def _read(
    logits: Float[Tensor, "token d_vocab"],
    candidates: Int64[Tensor, "token 4"],
    legal: Bool[Tensor, "token 4"],
    optimal: Bool[Tensor, "token 4"],
) -> tuple[Tensor, ...]:
    """Return correct, confidence, legal mass, optimal mass and optimal nll of each token asked for."""
    total = logits.logsumexp(dim=-1)
    log_probs = logits.gather(-1, candidates) - total[:, None]
    top, top_token = logits.max(dim=-1)
    correct = ((candidates == top_token[:, None]) & optimal).any(dim=-1)
    log_legal, log_optimal = (log_probs.masked_fill(~mask, -torch.inf).logsumexp(dim=-1) for mask in (legal, optimal))
    return correct, (top - total).exp(), log_legal.exp(), log_optimal.exp(), -log_optimal


def teacher_forced_row(
    size: int,
    predictions: Predictions,
    shortest: Bool[ndarray, " maze"],
    layouts: UInt64[ndarray, " maze"],
    seed: int,
) -> TeacherForcedRow:
    """Summarise predictions on mazes of one size; `shortest` tells which the rollouts solved.

    The unit of the intervals is the layout.
    """
    p, num_mazes = predictions, len(shortest)
    weights = 1 / np.bincount(p.mazes, minlength=num_mazes)[p.mazes]

    def per_maze(values: ndarray, where: ndarray) -> ndarray:
        return np.bincount(p.mazes, weights=weights * np.where(where, values, 0).sum(axis=1), minlength=num_mazes)

    asked = {
        "token_accuracy": (p.correct, p.used),
        "fork_accuracy": (p.correct, p.is_fork),
        "forced_accuracy": (p.correct, p.is_forced),
        "legal_mass": (p.legal_mass, p.used),
        "optimal_mass": (p.optimal_mass, p.used),
        "optimal_nll": (p.optimal_nll, p.used),
    }
    numerators = np.stack([per_maze(values, where) for values, where in asked.values()], axis=1)
    counts = np.stack([per_maze(np.ones_like(where), where) for _, where in asked.values()], axis=1)
    ranges = dict.fromkeys(asked, (0.0, 1.0)) | {"optimal_nll": (0.0, np.inf)}
    found = mean_estimates(ranges, numerators, counts, layouts, seed)
    whole = np.bincount(p.mazes, weights=weights * (p.correct | ~p.used).all(axis=1), minlength=num_mazes)
    return TeacherForcedRow(
        size=size,
        fork_calibration_error=_calibration_error(p, weights),
        rollout_gap=float(whole.mean() - shortest.mean()),
        **found,  # type: ignore[arg-type]
    )


def _calibration_error(p: Predictions, weights: ndarray) -> float | None:
    """Return the expected calibration error at forks, over bins of equal width; None without forks."""
    confidence, correct = p.confidence[p.is_fork], p.correct[p.is_fork]
    weight = np.broadcast_to(weights[:, None], p.is_fork.shape)[p.is_fork]
    if len(weight) == 0:
        return None
    bins = np.minimum((confidence * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    gaps = np.bincount(bins, weights=weight * (correct - confidence.astype(np.float64)), minlength=NUM_BINS)
    return float(np.abs(gaps).sum() / weight.sum())


def _widen(paths: Int16[ndarray, "maze length 2"], length: int) -> Int16[ndarray, "maze wide 2"]:
    """Pad paths of fewer steps to `length` cells."""
    return np.pad(paths, ((0, 0), (0, length - paths.shape[1]), (0, 0)), constant_values=-1)
