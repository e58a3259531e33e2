"""What batches, collections and stored datasets of mazes share: equality, search and duplicates, by array code."""

from abc import abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64
from numpy import ndarray

from maze_rl.mazes.duplicates import duplicated
from maze_rl.mazes.selection import Row_co, Rows_co, RowSequence


class MazeSequence(RowSequence[Row_co, Rows_co]):
    """A sequence of mazes: slices, lists of numbers and masks choose from it, as `RowSequence` says.

    Two are equal when they hold equal mazes in the same order, whatever kinds they are, lists of mazes among them. They
    have no hash, as lists have none.
    """

    @abstractmethod
    def all(self) -> Any:
        """Return all mazes in memory, as a `MazeCollection`."""

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list | tuple):
            return list(self) == list(other)
        if not isinstance(other, MazeSequence):
            return NotImplemented
        return self is other or (len(self) == len(other) and self.all().holds(other))

    __hash__ = None  # type: ignore[assignment]

    def places_of(self, maze: object) -> Int64[ndarray, " places"]:
        """Return where `maze` stands, ascending."""
        return self.all().places_of(maze)

    def __contains__(self, maze: object) -> bool:
        return len(self.places_of(maze)) > 0

    def count(self, value: object) -> int:
        """Return how often a maze occurs."""
        return len(self.places_of(value))

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return where a maze stands first, of the places ``start .. stop - 1``.

        Raises:
            ValueError: It stands at none of them.
        """
        places = self.places_of(value)
        within = places[np.isin(places, np.arange(len(self))[start:stop])]
        if len(within) == 0:
            raise ValueError(f"{value!r} is not among these mazes.")
        return int(within[0])

    def duplicated(self, *, symmetry: bool = False, endpoints: bool = True) -> Bool[ndarray, " num"]:
        """Mark the mazes that are equal to one before them; the arguments are those of `unique`."""
        groups = ((places, batch.arrays) for places, batch in self.all().by_shape().values())
        return duplicated(groups, len(self), symmetry=symmetry, endpoints=endpoints)

    def unique(self, *, symmetry: bool = False, endpoints: bool = True) -> Rows_co:
        """Return each maze once, where it occurs first, in order.

        Args:
            symmetry: Whether a maze equals its rotations and reflections, its endpoints moved along.
            endpoints: Whether the same walls with another origin or target are another maze. Without, and up to
                symmetry, one maze of each layout is left: what splits and intervals count.
        """
        return self[~self.duplicated(symmetry=symmetry, endpoints=endpoints)]
