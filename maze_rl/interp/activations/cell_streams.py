"""The residual stream of every cell in the prompt, after every loop."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy import ndarray
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import listed_at
from maze_rl.interp.requirements import analysed_tokenization, require_cells_by_loop
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import streams_by_loop


@torch.inference_mode()
def cell_streams(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    loops: Sequence[int] | None = None,
    cells: Int64[ndarray, "maze cell"] | None = None,
    seed: int = 0,
    batch_size: int = 16,
) -> Float32[ndarray, "maze loop cell d_model"]:
    """Run a model on prompts and keep what its loops leave at the cells.

    Args:
        model: A model with loops whose prompt lists cells; one that sees its prompt holds a search there.
        mazes: Mazes of one size; cells are numbered row by row.
        loops: The loops that are kept, counted from 1, ascending; None for all.
        cells: Numbers of the cells that are kept of each maze; None for all.
        seed: Seed of the order in which the prompt lists cells.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The model has no loops or lists no cells, there are no mazes or they do not fit its canvas,
            or a loop is not among those it is built with.
    """
    require_cells_by_loop(model, "reading the streams of cells")
    check_count("batch_size", batch_size)
    if len(mazes) == 0:
        raise ConfigurationError("there are no mazes to read: give at least one.")
    kept = kept_loops(int(model.maze_config.loops), loops)  # type: ignore[union-attr, arg-type]
    encoded = analysed_tokenization(tokenization_of(model)).encode_batch(
        mazes, streams=np.arange(len(mazes)), seed=seed, prompt_only=True
    )
    at, device = listed_at(encoded.spans, mazes.shape), next(model.parameters()).device
    at = at if cells is None else at.gather(1, torch.from_numpy(cells))
    found = np.empty((len(mazes), len(kept), at.shape[1], model.cfg.d_model), np.float32)
    with parametrize.cached():
        for first in range(0, len(mazes), batch_size):
            part = slice(first, first + batch_size)
            rows, tokens = torch.arange(len(at[part]))[:, None], encoded.tokens[part].to(device)
            for loop, stream in enumerate(streams_by_loop(model, tokens, loops=kept[-1]), start=1):
                if loop in kept:
                    found[part, kept.index(loop)] = stream[rows.to(device), at[part].to(device)].float().cpu().numpy()
    return found


def spread_loops(most: int, num: int) -> list[int]:
    """Return up to `num` loops at equal distances, the first and the last of `most` among them."""
    return np.unique(np.linspace(1, most, num).round().astype(int)).tolist()


def kept_loops(most: int, loops: Sequence[int] | None) -> list[int]:
    """Return the loops that are read, ascending; all of `most` where none are named.

    Raises:
        ConfigurationError: None is named, or one is not among them.
    """
    kept = list(range(1, most + 1)) if loops is None else sorted(set(map(int, loops)))
    if not kept or not 1 <= kept[0] <= kept[-1] <= most:
        raise ConfigurationError(f"loops is {loops}: name at least one from 1 to {most}.")
    return kept
