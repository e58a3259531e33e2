"""Looped transformers with a visible prompt whose algorithm is known, because their weights were set by hand.

====================  ==================================================================================
`wave`                a wave from the target, one step a loop; takes the neighbour it reached first
`dead_end_filling`    fills dead ends, one cell a loop; takes the neighbour that is left longest
`either`              both at once: right as soon as one of them is
`merging`             sets of what lies ahead are merged, so that the reach doubles each loop; for `edges` alone
`greedy`              no search: the open neighbour nearest to the target in Manhattan distance
`decoy`               computes the wave, then chooses as `greedy` does
====================  ==================================================================================

Every position of the prompt holds the state of its own cell (or edge), as in models that are trained on such prompts.
There is no layer norm, MLPs are rectified and scores are not divided; one block is applied again and again, with the
embedding recalled. All read prompts without the origin; waves, greedy and decoy mazes with cycles too. The first
`READING_LOOPS` loops read; after T loops a wave is right at d <= T - 3 steps from the target, filling where the
dead ends are at most T - 3 cells deep, merging at d < 2^(T - 2). Beyond that the choice is one of the open neighbours,
always the same.
"""

from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy import ndarray

from maze_rl.calibration import looped_cells, looped_edges, looped_merging
from maze_rl.calibration.looped_layout import KEPT_FIELDS, KEPT_FLAGS, TOKEN_FLAGS
from maze_rl.calibration.readouts import manhattan_steps
from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.rotation import random_rotation, rotated
from maze_rl.calibration.weights import Weights
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.models.build import MazeTransformer, build_bare
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import ADJLIST_START, PATH_END, PATH_START
from maze_rl.tokenization.tokenization import Tokenization

LoopedKind = Literal["wave", "dead_end_filling", "either", "merging", "greedy", "decoy"]
READING_LOOPS = 3
"""Loops before the first round of the algorithm shows in the choice."""
MOST_LOOPS = 200
_UNIT, _TIE_BREAK = 10.0, 0.2


def build_looped(
    kind: LoopedKind, tokenization: Tokenization, *, loops: int = 24, rotate: bool = True, seed: int = 0
) -> MazeTransformer:
    """Build one of the models above.

    Args:
        kind: The algorithm.
        tokenization: `cells` or `edges` with the origin on the path; the canvas sets the width.
        loops: Times the block is applied, up to `MOST_LOOPS`.
        rotate: Turn the residual stream into a random orthonormal basis (drawn from `seed`).
        seed: Seed of the rotation, and of which of two neighbours wins where the algorithm has no preference.

    Raises:
        UnknownNameError: There is no such algorithm.
        ConfigurationError: The format or one of its options is not supported, or the number of loops.
    """
    _check(kind, tokenization, loops)
    lists: Any = looped_cells if tokenization.layout.lists_cells else looped_edges
    lists = looped_merging if kind == "merging" else lists
    at = _layout(tokenization, lists)
    weights = Weights(at, 1, lists.N_HEADS, lists.HEAD_FIELDS * at.num_cells + 4, d_mlp=_width(at))
    if kind == "merging":
        looped_merging.fill_loop(weights)
    else:
        spreads, fills = kind in ("wave", "either", "decoy"), kind in ("dead_end_filling", "either")
        lists.fill_loop(weights, spreads=spreads, fills=fills, most_loops=MOST_LOOPS)
    w_u, b_u = _unembedding(at, tokenization, kind in ("greedy", "decoy"), numpy_generator(seed, "ties", kind))
    arrays = {
        **weights.arrays,
        "embed.W_E": _embedding(at, tokenization, lists),
        "unembed.W_U": w_u,
        "unembed.b_U": b_u,
    }
    if rotate:
        arrays = rotated(arrays, random_rotation(at.d_model, seed))
    model = build_bare(_shape(weights, loops), tokenization, config=_config(weights, loops), seed=seed)
    model.load_state_dict({name: torch.from_numpy(array).float() for name, array in arrays.items()}, strict=False)
    model.about = {"name": kind, "hand_built": kind}
    return model


def _check(kind: str, tokenization: Tokenization, loops: int) -> None:
    if kind not in get_args(LoopedKind):
        raise unknown_name("hand-built model with loops", kind, get_args(LoopedKind))
    config = tokenization.config
    plain = type(config)(
        format=config.format, canvas=config.canvas, random_offsets=config.random_offsets, origin="path"
    )
    if tokenization.name not in ("cells", "edges") or config != plain:
        raise ConfigurationError(
            "a hand-built model with loops reads the formats cells and edges with origin='path' and all other options "
            f"at their defaults, not {config}: use one of these."
        )
    if kind == "merging" and tokenization.name != "edges":
        raise ConfigurationError("merging keeps sets of directed edges, one set at each edge: use the format edges.")
    if not 1 <= loops <= MOST_LOOPS:
        raise ConfigurationError(f"loops is {loops}: hand-built models take 1 to {MOST_LOOPS}.")


def _layout(tokenization: Tokenization, lists: Any) -> ResidualLayout:
    fields = (*lists.TOKEN_FIELDS, *KEPT_FIELDS, *lists.FIELDS)
    flags = (*TOKEN_FLAGS, *KEPT_FLAGS, *lists.FLAGS)
    return ResidualLayout(fields, flags, tokenization.canvas, 0)


def _width(at: ResidualLayout) -> int:
    """Return a width of the MLP that has room for all that a loop does: a few neurons for each dimension."""
    return 2 * at.d_model + 64


def _shape(weights: Weights, loops: int) -> dict[str, Any]:
    n_heads, d_model, d_head = weights.arrays["blocks.0.attn.W_Q"].shape
    return {
        "n_layers": loops,
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": d_head,
        "d_mlp": weights.arrays["blocks.0.mlp.W_in"].shape[1],
        "act_fn": "relu",
        "normalization_type": None,
        "use_attn_scale": False,
        "attn_only": False,
        "positional_embedding_type": "standard",
    }


def _config(weights: Weights, loops: int) -> ModelConfig:
    """Return what the model has beyond its shape; heads do not divide the width here, so one stands for all."""
    d_mlp = weights.arrays["blocks.0.mlp.W_in"].shape[1]
    return ModelConfig(
        n_layers=1,
        loops=loops,
        d_model=weights.layout.d_model,
        n_heads=1,
        d_mlp=d_mlp,
        act_fn="relu",
        positions="none",
        embedding="free",
        prompt="visible",
    )


def _embedding(at: ResidualLayout, tokenization: Tokenization, lists: Any) -> ndarray:
    """Return W_E: which cell or edge a token names, and which mark it is."""
    table = tokenization.layout
    embedding = np.zeros((len(tokenization.vocabulary), at.d_model))
    words = table.cell_ids.ravel()
    embedding[words, at["named"]] = 1
    embedding[words, at["is_named"][0]] = 1
    lists.embed(embedding, at, table)
    embedding[ADJLIST_START, at["first"]] = 1
    embedding[PATH_START, at["path_start"]] = 1
    embedding[:, at["one"]] = 1
    return embedding


def _unembedding(
    at: ResidualLayout, tokenization: Tokenization, is_greedy: bool, ties: np.random.Generator
) -> tuple[ndarray, ndarray]:
    """Return W_U and b_U: the cell that was chosen, or the greedy one; at the target, the end."""
    words, cells = tokenization.layout.cell_ids.ravel(), np.arange(at.num_cells)
    weights, bias = np.zeros((at.d_model, len(tokenization.vocabulary))), np.zeros(len(tokenization.vocabulary))
    most = 10 * _UNIT * at.canvas
    if is_greedy:
        weights[at["around"], words] = most
        weights[at["visited"], words] = -3 * _UNIT * at.canvas
        weights[np.ix_(at["goal"], words)] -= _UNIT * manhattan_steps(at)
    else:
        weights[at["next"], words] = most
        weights[at["around"], words] = _UNIT
    weights[at["arrived"], PATH_END] = 2 * most
    bias[words] = _TIE_BREAK * ties.permutation(len(cells)) / len(cells)
    return weights, bias
