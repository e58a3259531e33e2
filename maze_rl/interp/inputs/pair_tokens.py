"""A clean and a corrupt sequence per maze, token by token alike, and what is measured on them.

The measure is the logit difference LD = logit(right) - logit(wrong) at the decision position: linear in the final
residual stream, and not saturated as probabilities are (Zhang & Nanda 2023, arXiv 2309.16042).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from jaxtyping import Int64
from numpy import ndarray
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.tokenization.layouts import Layout

Direction = Literal["denoise", "noise"]


def check_direction(direction: str) -> None:
    """Check the name of a direction.

    Raises:
        UnknownNameError: There is no such direction.
    """
    if direction not in get_args(Direction):
        raise unknown_name("direction", direction, get_args(Direction))


@dataclass(frozen=True)
class PairTokens(Shown):
    """Pairs of runs, one of each maze.

    Raises:
        ConfigurationError: Clean and corrupt tokens differ in shape.
    """

    clean: Int64[Tensor, "pair pos"]
    """Token ids, right-padded."""
    corrupt: Int64[Tensor, "pair pos"]
    """The same with another token in some place."""
    position: Int64[Tensor, " pair"]
    """The decision position: its logits are read."""
    right: Int64[Tensor, " pair"]
    """The token that is right in the clean run."""
    wrong: Int64[Tensor, " pair"]
    """The token that is right in the corrupt run."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each clean maze, which intervals count; None where each is taken to have its own."""
    written: Layout | None = None
    """How the mazes are written; None where that is not known, and not checked."""

    def __post_init__(self) -> None:
        if self.clean.shape != self.corrupt.shape:
            raise ConfigurationError(
                f"clean tokens are {tuple(self.clean.shape)}, corrupt ones {tuple(self.corrupt.shape)}: pad them alike."
            )

    def __len__(self) -> int:
        return len(self.position)

    def rows(self, rows: slice) -> "PairTokens":
        """Return some of the pairs."""
        layouts = None if self.layouts is None else self.layouts[rows]
        return replace(
            self,
            clean=self.clean[rows],
            corrupt=self.corrupt[rows],
            position=self.position[rows],
            right=self.right[rows],
            wrong=self.wrong[rows],
            layouts=layouts,
        )

    def chunks(self, size: int) -> Iterator["PairTokens"]:
        """Yield the pairs, at most `size` at a time."""
        return (self.rows(slice(start, start + size)) for start in range(0, len(self), size))

    def base_and_source(self, direction: Direction) -> tuple[Int64[Tensor, "pair pos"], Int64[Tensor, "pair pos"]]:
        """Return the tokens of the run that is changed and of the run activations are taken from."""
        return (self.corrupt, self.clean) if direction == "denoise" else (self.clean, self.corrupt)
