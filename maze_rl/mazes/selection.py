"""What ``x[...]`` means for anything with rows: a number, a slice, a list of numbers or a mask, as in NumPy."""

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

Row_co = TypeVar("Row_co", covariant=True)
Rows_co = TypeVar("Rows_co", bound=Sequence, covariant=True)


class RowSequence(Sequence[Row_co], Generic[Row_co, Rows_co]):
    """A sequence whose rows are taken one by one or many at once.

    ``x[3]``, ``x[-1]``: one. ``x[2:9:3]``, ``x[[4, 0, 0]]``, ``x[numbers]``, ``x[mask]``: several, in order. Numbers
    and masks are lists, NumPy arrays, torch tensors or anything else that NumPy makes an array of one axis from; a mask
    has one boolean for each row.

    Raises:
        IndexError: There is no such row, or a mask has another length.
        TypeError: What stands in the brackets is nothing of these.
    """

    @abstractmethod
    def take(self, rows: Any) -> Rows_co:
        """Return several rows, chosen as in ``[...]`` by a slice, numbers or a mask, in that order."""

    @abstractmethod
    def _row(self, row: int) -> Row_co:
        """Return row `row`, of 0 .. len - 1."""

    @overload
    def __getitem__(self, index: int | np.integer) -> Row_co: ...  # type: ignore[overload-overlap]
    @overload
    def __getitem__(self, index: Any) -> Rows_co: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(index)
        chosen = _as_array(index)
        return self.take(chosen) if chosen.ndim else self._row(_one(index, len(self)))

    def __iter__(self) -> Iterator[Row_co]:
        return map(self._row, range(len(self)))


def chosen_rows(index: Any, num: int) -> Int64[ndarray, " chosen"]:
    """Return the rows of `num` that a slice, a list of numbers or a mask chooses, as numbers of 0 .. num - 1.

    Raises:
        IndexError: There is no such row, or a mask has another length.
        TypeError: `index` is none of these.
    """
    if isinstance(index, slice):
        return np.arange(num)[index]
    array = _as_array(index)
    if array.ndim != 1:
        kind = "one number" if array.ndim == 0 else f"an array of shape {array.shape}"
        raise TypeError(f"expected a slice, a list of numbers or a mask, got {kind}: write [[5, 7]] for mazes 5 and 7.")
    if array.dtype == np.bool_:
        if len(array) != num:
            raise IndexError(f"a mask of {len(array)} values for {num} mazes: it needs one for each.")
        return np.flatnonzero(array)
    if array.size == 0:
        return np.empty(0, np.int64)
    if not -num <= int(array.min()) <= int(array.max()) < num:
        raise _no_such_row(int(next(row for row in array.tolist() if not -num <= row < num)), num)
    rows = array.astype(np.int64)
    return np.where(rows < 0, rows + num, rows)


def _as_array(index: Any) -> ndarray:
    """Return numbers or booleans as an array; without an axis for one number."""
    if hasattr(index, "detach"):
        index = index.detach().cpu()  # a tensor of any device
    try:
        array = np.asarray(index)
    except ValueError:
        array = np.empty(1, object)  # lists of different lengths
    whole = array.dtype.kind in "iu" or (array.dtype.kind == "b" and array.ndim > 0)
    if not (whole or (array.ndim == 1 and array.size == 0) or (isinstance(index, int) and not isinstance(index, bool))):
        kind = type(index).__name__ if array.dtype.kind in "OUS" or array.ndim == 0 else f"values of {array.dtype}"
        raise TypeError(f"mazes are chosen by a number, a slice, a list of numbers or a mask, not by {kind}.")
    return array


def _one(index: Any, num: int) -> int:
    row = operator.index(index)
    if not -num <= row < num:
        raise _no_such_row(row, num)
    return row % num


def _no_such_row(row: int, num: int) -> IndexError:
    known = f"they are numbered 0 to {num - 1}, and -1 is the last" if num else "there are none"
    return IndexError(f"no maze {row} among {num}: {known}.")
