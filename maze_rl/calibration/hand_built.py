"""Transformers whose algorithm is known because their weights were set by hand; over the tokens of any maze.

====================  ==================================================================================
`wave`                breadth-first search from the target at every position; takes the nearest neighbour
`dead_end_filling`    fills dead ends at every position; takes the neighbour that stays alive
`greedy`              no search: the open neighbour nearest to the target in Manhattan distance
`decoy`               computes the wave of `wave`, then chooses as `greedy` does
`ablated`             `wave` with the heads of the later wave layers cut: its reach is known
====================  ==================================================================================

All are causal decoders of TransformerLens without layer norm, with rectified MLPs and scores that are not divided,
on the formats `edges` and `unique_cells`. Width: some fields of one dimension per canvas cell, a few flags, and a
code of the position. After the two layers that read the prompt, every layer is one round of the algorithm.
"""

from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy import ndarray

from maze_rl.calibration import dead_end_filling, prompt_reading, wave_layers
from maze_rl.calibration.position_code import num_frequencies, position_code
from maze_rl.calibration.readouts import alive, greedy, nearest, unembedding
from maze_rl.calibration.residual_layout import ResidualLayout
from maze_rl.calibration.rotation import random_rotation, rotated
from maze_rl.calibration.softness import SHARP, Softness
from maze_rl.calibration.weights import Weights
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.models.build import MazeTransformer, build_bare
from maze_rl.models.context_room import longest_sequence
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import (
    ADJLIST_START,
    ORIGIN_START,
    PATH_END,
    PATH_START,
    SEPARATOR,
    TARGET_START,
)
from maze_rl.tokenization.tokenization import Tokenization

Kind = Literal["wave", "dead_end_filling", "greedy", "decoy", "ablated"]
READING_LAYERS = 2
"""Layers before the first round of the algorithm."""
N_HEADS = 3
_READOUTS = {
    "wave": nearest,
    "ablated": nearest,
    "dead_end_filling": alive,
    "greedy": greedy,
    "decoy": greedy,
}


def build_hand_built(
    kind: Kind,
    tokenization: Tokenization,
    *,
    n_layers: int = 12,
    reach: int | None = None,
    rotate: bool = True,
    soft: Softness = SHARP,
    seed: int = 0,
) -> MazeTransformer:
    """Build one of the models above.

    Args:
        kind: The algorithm.
        tokenization: `edges` or `unique_cells`, options at their defaults; the canvas sets the width.
        n_layers: Layers, the two that read the prompt among them; each further one is a round.
        reach: For `ablated`: wave layers whose head is left; the others' heads write nothing.
        rotate: Turn the residual stream into a random orthonormal basis (drawn from `seed`).
        soft: How sharp attention and steps are.
        seed: Seed of the rotation, and of which of two neighbours wins where the algorithm has no preference.

    Raises:
        UnknownNameError: There is no such algorithm.
        ConfigurationError: The format or one of its options is not supported, there are fewer than 2 layers,
            or `reach` is below 0 or more than the rounds.
    """
    _check(kind, tokenization, n_layers)
    rounds = n_layers - READING_LAYERS
    if reach is not None and not 0 <= reach <= rounds:
        raise ConfigurationError(f"reach is {reach}: of {n_layers} layers {rounds} are rounds: 0 to {rounds} are left.")
    layout = _layout(kind, tokenization)
    width, cells = layout.d_model, layout.num_cells
    d_head = max(cells + 3, layout.position_dims + 2)
    weights = Weights(layout, n_layers, N_HEADS, d_head, d_mlp=7 * cells + 4)
    _fill(weights, kind, tokenization, soft, rounds if reach is None else reach)
    ties = numpy_generator(seed, "ties", kind)
    table = tokenization.layout
    w_u, b_u = unembedding(
        layout,
        _READOUTS[kind],
        n_layers - READING_LAYERS,
        table.cell_ids.ravel(),
        PATH_END,
        len(tokenization.vocabulary),
        ties,
    )
    embeddings = {"embed.W_E": _embedding(layout, tokenization), "pos_embed.W_pos": _positions(layout, tokenization)}
    arrays = {**weights.arrays, **embeddings, "unembed.W_U": w_u, "unembed.b_U": b_u}
    if rotate:
        arrays = rotated(arrays, random_rotation(width, seed))
    shape = _shape(n_layers, width, d_head, d_mlp=7 * cells + 4)
    model = build_bare(shape, tokenization, seed=seed)
    model.load_state_dict({name: torch.from_numpy(array).float() for name, array in arrays.items()}, strict=False)
    model.about = {"name": kind, "hand_built": kind, "reach": reach}
    return model


def _shape(n_layers: int, d_model: int, d_head: int, d_mlp: int) -> dict[str, Any]:
    return {
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": N_HEADS,
        "d_head": d_head,
        "d_mlp": d_mlp,
        "act_fn": "relu",
        "normalization_type": None,
        "use_attn_scale": False,
        "attn_only": False,
        "positional_embedding_type": "standard",
    }


def _check(kind: str, tokenization: Tokenization, n_layers: int) -> None:
    if kind not in get_args(Kind):
        raise unknown_name("hand-built model", kind, get_args(Kind))
    config = tokenization.config
    plain = type(config)(format=config.format, canvas=config.canvas, random_offsets=config.random_offsets)
    if tokenization.name not in ("edges", "unique_cells") or config != plain:
        raise ConfigurationError(
            "a hand-built model reads the formats edges and unique_cells with their options at the defaults, "
            f"not {config}: use one of these."
        )
    if n_layers < READING_LAYERS:
        raise ConfigurationError(f"n_layers is {n_layers}: reading the prompt alone takes {READING_LAYERS} layers.")


def _layout(kind: Kind, tokenization: Tokenization) -> ResidualLayout:
    fields: list[str] = list(prompt_reading.FIELDS)
    flags: list[str] = list(prompt_reading.FLAGS)
    if kind == "dead_end_filling":
        fields += dead_end_filling.FIELDS
        flags += dead_end_filling.FLAGS
    if kind in ("wave", "decoy", "ablated"):
        fields += wave_layers.FIELDS
    if kind in ("greedy", "decoy"):
        fields.append("previous")
    dims = 2 * num_frequencies(longest_sequence(tokenization))
    return ResidualLayout(tuple(fields), tuple(flags), tokenization.canvas, dims)


def _fill(weights: Weights, kind: Kind, tokenization: Tokenization, soft: Softness, rounds: int) -> None:
    """Set attention and MLPs of all layers."""
    at = weights.layout
    prompt_reading.read_edges_and_marks(weights, tokenization.layout.edge_ids is None, "previous" in at)
    fills = kind == "dead_end_filling"
    spreads = kind in ("wave", "decoy", "ablated")
    target_into = wave_layers.TARGET_INTO if spreads else dead_end_filling.TARGET_INTO
    prompt_reading.read_neighbours_and_query(weights, soft.beta, target_into, "origin" if fills else "neighbours")
    if fills:
        dead_end_filling.start_alive(weights)
    for layer in range(READING_LAYERS, weights.n_layers):
        if fills:
            dead_end_filling.fill_dead_ends(weights, layer, soft)
        if spreads:
            wave_layers.spread_wave(weights, layer, soft)
            if layer - READING_LAYERS >= rounds:
                weights.head(layer, wave_layers.WAVE_HEAD).output[:] = 0


def _embedding(at: ResidualLayout, tokenization: Tokenization) -> ndarray:
    """Return W_E: which cell or edge a token names, and which mark it is."""
    table = tokenization.layout
    embedding = np.zeros((len(tokenization.vocabulary), at.d_model))
    embedding[table.cell_ids.ravel(), at["token"]] = 1
    if table.edge_ids is None:
        embedding[SEPARATOR, at["edge_mark"]] = 1
    else:
        for direction, row, col in zip(*np.nonzero(table.edge_ids >= 0), strict=True):
            cell = row * at.canvas + col
            other = cell + (at.canvas if direction == 0 else 1)
            word = table.edge_ids[direction, row, col]
            embedding[word, at["edge"][[cell, other]]] = 1
            embedding[word, at["edge_mark"]] = 1
    marks = {
        "first": ADJLIST_START,
        "origin_start": ORIGIN_START,
        "target_start": TARGET_START,
        "path_start": PATH_START,
    }
    for name, word in marks.items():
        embedding[word, at[name]] = 1
    embedding[:, at["one"]] = 1
    return embedding


def _positions(at: ResidualLayout, tokenization: Tokenization) -> ndarray:
    table = np.zeros((longest_sequence(tokenization), at.d_model))
    table[:, at["position"]] = position_code(len(table))
    return table
