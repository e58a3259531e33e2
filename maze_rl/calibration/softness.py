"""How sharp a hand-built model is.

Sharp weights compute exactly and have no gradients to speak of: every softmax and every step is saturated. The soft
variant keeps the algorithm and gives up the exactness, so that gradient-based attribution has something to follow.
"""

from typing import NamedTuple


class Softness(NamedTuple):
    """Inverse temperature of attention over edges, and steepness of the wave's steps."""

    beta: float
    gain: float


SHARP = Softness(beta=60.0, gain=6.0)
SOFT = Softness(beta=12.0, gain=0.1)
"""Ramps that do not saturate: 1/m with m edges at the frontier stays within a step, and fades with every branching."""
