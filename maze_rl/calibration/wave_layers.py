"""Layers that run a breadth-first search from the target, one step each, at every position after the prompt.

FRONTIER is the newest ring of cells, REACHED all cells so far. A layer's head attends, with equal weight, to the edges
at the frontier and brings their cells; the MLP makes those not yet reached the next frontier:

    frontier' = step(6 N attended - 12 N reached),   reached += frontier',   nearness += reached before,

with N cells on the canvas, step(x) = relu(x) - relu(x - 1). A lattice is bipartite, so no edge joins two cells of one
ring: scores are 0 or 1 and one head is enough. After L such layers nearness(v) = L - d(v) for d(v) < L, and 0 beyond:
the compute frontier is known exactly.
"""

from maze_rl.calibration.prompt_reading import attend_to_edges
from maze_rl.calibration.softness import Softness
from maze_rl.calibration.weights import Weights

FIELDS = ("frontier", "reached", "nearness")
TARGET_INTO = ("target", "frontier", "reached")
WAVE_HEAD = 0
"""Head of each wave layer that attends to the frontier's edges."""


def spread_wave(weights: Weights, layer: int, soft: Softness) -> None:
    """Fill one layer with a step of the search."""
    at = weights.layout
    attend_to_edges(weights.head(layer, WAVE_HEAD), weights, at["frontier"], soft.beta)
    neurons = weights.neurons(layer)
    gain = soft.gain * at.num_cells
    readings = [(at["attended"], gain), (at["reached"], -2 * gain)]
    neurons.step(readings, at["frontier"])
    neurons.step(readings, at["reached"])
    neurons.add([(at["reached"], 1.0)], 0.0, at["nearness"], 1.0)
    neurons.clear(at["frontier"])
    neurons.clear(at["attended"])
