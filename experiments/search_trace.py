"""Does writing a search down before the path help a transformer to find it, and does the search have to be right?

A script with a loop of its own: ``python experiments/search_trace.py``. Depth-first mazes of 3x3 to 5x5, listed as
cells in a visible prompt. Behind the origin stands one of

- ``path``: the path, as everywhere else here;
- ``trace``: first a breadth-first search from the target, as pairs of a cell and the cell it was reached from, layer by
  layer, until the origin is reached; then the path, which has only to follow the pairs;
- ``corrupted``: first the trace of another maze, then the path: as many tokens to write, and nothing in them.

All three have the same plain layers, steps and mazes; a trace makes a step dearer, which is printed. What a trace is
worth is `trace` less `corrupted`; for A* traces, Stechly and others report that corrupted ones do about as well (2025,
arXiv 2505.13775). The order of the pairs is fixed (by rows within a layer), so a trace has one right form.

Expectation: `trace` is right nearly always at 5x5 and its traces are too; `corrupted` is level with `path`.
Cost: ten minutes of one CPU core for `path` and twenty for a trace, for each seed, by extrapolation from 20 steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.configs.model import ModelConfig
from maze_rl.intervals import wilson
from maze_rl.mazes.solve import BatchSolution
from maze_rl.models.build import build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.maze_transformer import MazeTransformer
from maze_rl.tokenization.layouts import PADDING, PATH_END, SEPARATOR, STEPS
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.workflows.arms_script import TEST_SEED, ArmSettings, Row, drawn, run_arms, run_script, train_by

ARMS = ("path", "trace", "corrupted")
CANVAS = 12
"""Larger than the mazes, so that the context has room for a trace."""


def tokens_of(tokenization: Tokenization) -> Tokenization:
    """Return the tokenization as it is asked for here: the origin stands on the path and is given."""
    return tokenization.with_options(origin="path", random_offsets=True)


def trace_of(solution: BatchSolution, row: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the search from the target as (cell, where it was reached from), up to the origin."""
    distances, connections = solution.distances[row], solution.batch.connections[row]
    most = int(distances[tuple(solution.batch.origins[row])])
    pairs = []
    for near in range(1, most + 1):
        for r, c in np.argwhere(distances == near).tolist():
            before = next(
                (r + down, c + right)
                for down, right in STEPS.tolist()
                if _open(connections, r, c, down, right) and distances[r + down, c + right] == near - 1
            )
            pairs.append(((r, c), before))
            if (r, c) == tuple(solution.batch.origins[row]):
                return pairs
    return pairs


def _open(connections: ndarray, row: int, col: int, down: int, right: int) -> bool:
    axis, r, c = int(right != 0), row + min(down, 0), col + min(right, 0)
    return r >= 0 and c >= 0 and bool(connections[axis, r, c])


@dataclass(frozen=True, eq=False)
class Sequences:
    """Whole sequences of one arm; `given` tokens of each, its origin included, are not asked for."""

    tokens: Int64[Tensor, "batch pos"]
    given: Int64[Tensor, " batch"]
    lengths: Int64[Tensor, " batch"]


def write(tokenization: Tokenization, solution: BatchSolution, arm: str, seed: int) -> Sequences:
    """Write mazes of one shape with what the arm has before the path."""
    num = len(solution)
    prompts, spans = tokenization.encode_batch(
        solution.batch, streams=np.arange(num), seed=seed, prompt_only=True, solution=solution
    )
    cell_tokens, rows = tokenization.layout.cell_tokens[..., 0], []
    for row in range(num):
        at = spans.offsets[row].tolist()

        def token(cell: Sequence[int], at: Sequence[int] = at) -> int:
            return int(cell_tokens[cell[0] + at[0], cell[1] + at[1]])

        path = [token(cell) for cell in solution.paths[row, : solution.lengths[row] + 1].tolist()]
        written = [*prompts[row, : spans.path_start[row] + 1].tolist(), path[0]]
        given = len(written)
        if arm == "path":
            written += path[1:]
        else:
            searched = row if arm == "trace" else (row + 1) % num
            written += [token(cell) for pair in trace_of(solution, searched) for cell in pair]
            written += [SEPARATOR, *path]
        rows.append((given, [*written, PATH_END]))
    lengths = torch.tensor([len(written) for _, written in rows])
    tokens = torch.full((num, int(lengths.max())), PADDING)
    for row, (_, written) in enumerate(rows):
        tokens[row, : len(written)] = torch.tensor(written)
    return Sequences(tokens, torch.tensor([given for given, _ in rows]), lengths)


def train(settings: ArmSettings, arm: str, seed: int) -> Row:
    """Train one arm on fresh mazes; return what it writes for held-out ones."""
    tokenization = tokens_of(load_tokenization("cells", canvas=CANVAS))
    shape = ModelConfig(
        n_layers=settings.layers,
        d_model=settings.d_model,
        n_heads=4,
        embedding="waves",
        prompt="visible",
        positions="rotary",
    )
    model = build_model(shape, tokenization, seed=seed).train()

    def loss_of(solution: BatchSolution, step: int) -> Tensor:
        return asked_loss(model, write(tokenization, solution, arm, seed + step))

    row: Row = {"arm": arm, "seed": seed, "cpu_seconds": train_by(loss_of, model, settings, seed, arm)}
    for size in (5, 6, 8):
        row |= measure(model.eval(), tokenization, arm, drawn(size, settings.test, TEST_SEED, 0, "test"), size)
    return row


def asked_loss(model: MazeTransformer, sequences: Sequences) -> Tensor:
    """Return the mean cross-entropy, nats, of all tokens behind what is given."""
    position = torch.arange(1, sequences.tokens.shape[1])
    asked = (position >= sequences.given[:, None]) & (position < sequences.lengths[:, None])
    logits = model(sequences.tokens[:, :-1])[asked]
    return torch.nn.functional.cross_entropy(logits, sequences.tokens[:, 1:][asked])


def measure(
    model: MazeTransformer, tokenization: Tokenization, arm: str, solution: BatchSolution, size: int
) -> dict[str, float]:
    """Let the model write all behind the origin; a tree has one shortest path, so the right cells are known."""
    right = write(tokenization, solution, arm, 0)
    longest = int((right.lengths - right.given).max())
    prompts = torch.where(torch.arange(right.tokens.shape[1]) < right.given[:, None], right.tokens, PADDING)
    found = decode_paths(model, prompts[:, : int(right.given.max())], right.given, torch.full((len(prompts),), longest))
    wanted = [right.tokens[row, right.given[row] : right.lengths[row]].tolist() for row in range(len(prompts))]
    written = [_to_the_end(row) for row in found.tolist()]
    parts = [(_parts(got), _parts(goal)) for got, goal in zip(written, wanted, strict=True)]
    rate = wilson(sum(got[1] == goal[1] for got, goal in parts), len(parts))
    measured = {f"shortest@{size}": rate.value, f"low@{size}": rate.low, f"high@{size}": rate.high}
    traced = sum(got[0] == goal[0] for got, goal in parts) / len(parts)
    return measured if arm == "path" else measured | {f"trace@{size}": traced}


def _to_the_end(written: list[int]) -> list[int]:
    return written[: written.index(PATH_END) + 1] if PATH_END in written else written


def _parts(written: list[int]) -> tuple[list[int], list[int]]:
    """Return what stands before the mark between trace and path, and what behind it: all, where there is no mark."""
    at = written.index(SEPARATOR) + 1 if SEPARATOR in written else 0
    return written[:at], written[at:]


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Train every arm for every seed; print one row each."""
    return run_arms(train, __doc__ or "", ARMS, arguments)


if __name__ == "__main__":
    run_script(main)
