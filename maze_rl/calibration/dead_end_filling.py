"""Layers that fill dead ends, one ring of them each, at every position after the prompt: search without a wave.

A cell stays ALIVE while it has two alive neighbours, or is the target or the current cell (at ``<PATH_START>`` the
origin). The head attends with equal weight to the m edges whose cells are both alive and to the first token, so that
it brings count(v) / (m + 1) and 1 / (m + 1), and the MLP compares without knowing m:

    alive' = step(g (attended - 1.5 share) + 1/2 + kept - gone),   g >= m + 1.

In a perfect maze what is left after enough layers is the path from the current cell to the target; the layers needed
are the depth of the deepest dead end.
"""

from maze_rl.calibration.softness import Softness
from maze_rl.calibration.weights import Weights

FIELDS = ("origin", "alive")
FLAGS = ("share",)
TARGET_INTO = ("target",)
FILL_HEAD = 0
"""Head of each filling layer that attends to the edges between alive cells."""


def start_alive(weights: Weights) -> None:
    """Declare every cell alive after layer 1."""
    weights.arrays["blocks.1.mlp.b_out"][weights.layout["alive"]] = 1.0


def fill_dead_ends(weights: Weights, layer: int, soft: Softness) -> None:
    """Fill one layer with a round of filling."""
    at = weights.layout
    head = weights.head(layer, FILL_HEAD)
    head.match(at["alive"], at["edge"], soft.beta)
    head.match(at["one"], at["edge_mark"], soft.beta)
    head.match(at["one"], at["first"], 3 * soft.beta)
    head.copy(at["edge"], at["attended"])
    head.copy(at["first"], at["share"])
    gain = 4.0 * at.num_cells
    kept = [(at[name], 10 * gain) for name in ("token", "target", "origin")]
    readings = [(at["attended"], gain), (at["share"], -1.5 * gain), *kept, (at["alive"], 20 * gain)]
    neurons = weights.neurons(layer)
    neurons.step(readings, at["alive"], bias=0.5 - 20 * gain)
    for block in ("alive", "attended", "share"):
        neurons.clear(at[block])
