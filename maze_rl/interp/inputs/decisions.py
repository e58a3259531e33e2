"""The decisions along shortest paths: where each is taken in the token sequence, what was open, what was right.

A decision is a cell of a shortest path before its end; the token of the cell predicts the next one. Models are asked
teacher-forced, so that one wrong step does not hide the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer
from transformer_lens.hook_points import HookPoint

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.errors import ConfigurationError
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import analysed_tokenization, check_tokens, require_known_forward
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.readout import unembedded
from maze_rl.tokenization.layouts import STEPS
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.tokenization.tokenization import Tokenization


@dataclass(frozen=True, eq=False)
class Decisions(Shown):
    """Decisions of one batch of mazes, maze by maze; directions are 0 down, 1 right, 2 up, 3 left."""

    batch: MazeBatch
    tokens: Int64[Tensor, "maze pos"]
    """Whole sequences: prompt and one shortest path each."""
    spans: TokenSpans
    maze: Int64[ndarray, " decision"]
    """Row of the batch."""
    position: Int64[ndarray, " decision"]
    """Where the token of the cell stands, which predicts the next."""
    cells: Int16[ndarray, "decision 2"]
    previous: Int16[ndarray, "decision 2"]
    """The cell before; -1 at the origin."""
    next_ids: Int64[ndarray, "decision 4"]
    """Id of the neighbour's token in each direction; -1 off the grid."""
    options: Bool[ndarray, "decision 4"]
    """Open directions other than back."""
    optimal: Bool[ndarray, "decision 4"]
    """Directions one step nearer to the target."""
    look_ahead: Int16[ndarray, " decision"]
    """k*, see `maze_rl.mazes.oracle`."""
    dead_end_depth: Int16[ndarray, " decision"]
    """Steps to the deepest cell of the wrong branches; 0 without any, -1 where one never closes."""
    distance: Int16[ndarray, " decision"]
    """Steps to the target."""

    def __len__(self) -> int:
        return len(self.maze)

    @property
    def is_fork(self) -> Bool[ndarray, " decision"]:
        """Whether there is more than one option."""
        return self.options.sum(axis=1) > 1

    @property
    def chance(self) -> Float[ndarray, " decision"]:
        """Rate of right choices of one who draws among the options; 1 where there is none but the right one."""
        return (self.optimal & self.options).sum(axis=1) / np.maximum(self.options.sum(axis=1), 1)

    @property
    def layouts(self) -> Int64[ndarray, " decision"]:
        """Layout of each decision's maze, by the first row of the batch that has it."""
        return layouts_of(self.batch)[self.maze]

    def take(self, rows: ndarray) -> "Decisions":
        """Return some decisions, given as indices or as a mask; the mazes stay."""
        kept = {each.name for each in fields(self)} - {"batch", "tokens", "spans"}
        return replace(self, **{name: getattr(self, name)[rows] for name in kept})


def find_decisions(tokenization: Tokenization, batch: MazeBatch, *, seed: int = 0) -> Decisions:
    """List the decisions along one shortest path of each maze.

    Args:
        tokenization: How the model's mazes are written; the offset on the canvas is fixed.
        batch: The mazes, of one shape, trees or not.
        seed: Seed of edge order and of the choice among several shortest paths.

    Raises:
        ConfigurationError: A step of the path takes several tokens, or a maze does not fit on the canvas.
    """
    tokenization = analysed_tokenization(tokenization)
    solution = solve_batch(batch, seed)
    encoded = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, solution=solution)
    labels = label_paths(batch, solution.paths, solution.lengths + 1)
    before_end = np.arange(solution.paths.shape[1]) < solution.lengths[:, None]
    maze, place = np.nonzero(before_end)
    cells = solution.paths[maze, place]
    previous = np.where(place[:, None] > 0, solution.paths[maze, place - 1], np.int16(-1)).astype(np.int16)
    back = (cells[:, None] + STEPS == previous[:, None]).all(axis=2)
    return Decisions(
        batch=batch,
        tokens=encoded.tokens,
        spans=encoded.spans,
        maze=maze,
        position=encoded.spans.path_start.numpy()[maze] + 1 + place,
        cells=cells,
        previous=previous,
        next_ids=neighbour_ids(tokenization, cells, batch.shape),
        options=labels.legal[maze, place] & ~back,
        optimal=labels.optimal[maze, place],
        look_ahead=labels.look_ahead[maze, place],
        dead_end_depth=labels.dead_end_depth[maze, place],
        distance=labels.distances[maze, place].astype(np.int16),
    )


def neighbour_ids(
    tokenization: Tokenization, cells: Int16[ndarray, "cell 2"], shape: tuple[int, int]
) -> Int64[ndarray, "cell 4"]:
    """Return the token id of each cell's neighbour in each direction; -1 off the grid. The maze lies at offset 0."""
    neighbours = cells[:, None] + STEPS
    inside = ((neighbours >= 0) & (neighbours < np.array(shape))).all(axis=2)
    clipped = np.clip(neighbours, 0, np.array(shape) - 1)
    ids = tokenization.layout.cell_ids[clipped[..., 0], clipped[..., 1]]
    return np.where(inside, ids, -1).astype(np.int64)


class DecisionBatch(NamedTuple):
    """Some of the mazes, cut after their last decision, on a device; and the decisions in them."""

    __repr__ = short_repr

    rows: Int64[ndarray, " chosen"]
    """Which decisions: those of the mazes, wherever they stand in the list."""
    mazes: Int64[ndarray, " maze"]
    """Which mazes."""
    tokens: Int64[Tensor, "maze pos"]
    at: tuple[Tensor, Tensor]
    """(row of `tokens`, position) of each decision: the index of what is read there."""


def in_batches(decisions: Decisions, batch_size: int, device: torch.device) -> Iterator[DecisionBatch]:
    """Go through the decisions, `batch_size` mazes at a time.

    Raises:
        ConfigurationError: `batch_size` is below 1.
    """
    check_count("batch_size", batch_size)
    used = np.unique(decisions.maze)
    for start in range(0, len(used), batch_size):
        mazes = used[start : start + batch_size]
        rows = np.flatnonzero((decisions.maze >= mazes[0]) & (decisions.maze <= mazes[-1]))
        position = decisions.position[rows]
        tokens = decisions.tokens[torch.from_numpy(mazes), : int(position.max()) + 1].to(device)
        row = np.searchsorted(mazes, decisions.maze[rows])
        yield DecisionBatch(
            rows, mazes, tokens, (torch.from_numpy(row).to(device), torch.from_numpy(position).to(device))
        )


@torch.inference_mode()
def decision_streams(
    model: HookedTransformer, decisions: Decisions, *, batch_size: int = 256
) -> Float[Tensor, "decision layer d_model"]:
    """Return the residual stream at each decision after the embedding and after every layer, on the CPU.

    Raises:
        ConfigurationError: There is no decision, they are not written in the model's words, or `batch_size` is below 1.
    """
    if len(decisions) == 0:
        raise ConfigurationError("there is no decision to ask the model about: its mazes have no steps.")
    check_tokens(model, decisions.spans.layout)
    require_known_forward(model, "reading the streams of padded sequences")
    num_layers = model.cfg.n_layers
    # with loops, what enters a layer is not what the last one left
    names = ["blocks.0.hook_resid_pre"] + [f"blocks.{layer}.hook_resid_post" for layer in range(num_layers)]
    found = torch.empty(len(decisions), len(names), model.cfg.d_model, dtype=model.W_U.dtype)
    with parametrize.cached():
        for batch in in_batches(decisions, batch_size, model.W_U.device):
            rows = torch.from_numpy(batch.rows)

            def keep(stream: Tensor, hook: HookPoint, batch: DecisionBatch = batch, rows: Tensor = rows) -> None:
                found[rows, names.index(str(hook.name))] = stream[batch.at].cpu()

            hooks: list[Any] = [(name, keep) for name in names]
            model.run_with_hooks(batch.tokens, fwd_hooks=hooks, stop_at_layer=num_layers)
    return found


def decision_logits(
    model: HookedTransformer, decisions: Decisions, *, batch_size: int = 256
) -> Float[Tensor, "decision d_vocab"]:
    """Return the model's logits at each decision, on the CPU, in the order of the decisions; see `decision_streams`."""
    return read_out(model, decision_streams(model, decisions, batch_size=batch_size)[:, -1])


@torch.inference_mode()
def read_out(model: HookedTransformer, streams: Float[Tensor, "row d_model"]) -> Float[Tensor, "row d_vocab"]:
    """Read streams out as the last layer's are, through the final norm and the unembedding; on the CPU."""
    with parametrize.cached():
        return unembedded(model, streams[:, None].to(model.W_U.device))[:, 0].cpu()


def right_choices(decisions: Decisions, logits: Float[Tensor, "decision d_vocab"]) -> Bool[ndarray, " decision"]:
    """Tell where the likeliest of all tokens is an optimal next cell."""
    chosen = logits.argmax(dim=-1).numpy()
    return (decisions.optimal & (decisions.next_ids == chosen[:, None])).any(axis=1)
