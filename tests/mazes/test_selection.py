"""What stands in brackets: numbers, slices, lists and masks, as in NumPy; anything else is told in words."""

from typing import Any

import numpy as np
import pytest
import torch

from maze_rl.mazes.selection import RowSequence, chosen_rows


class Letters(RowSequence[str, "Letters"]):
    """Letters, to tell rows apart."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __len__(self) -> int:
        return len(self.text)

    def _row(self, row: int) -> str:
        return self.text[row]

    def take(self, rows: Any) -> "Letters":
        return Letters("".join(self.text[row] for row in chosen_rows(rows, len(self))))


LETTERS = Letters("abcdefg")


@pytest.mark.parametrize("index", [0, 6, -1, -7, np.int16(3), np.uint8(2), np.array(4), torch.tensor(5), True + 1])
def test_one_number_gives_one_row(index: Any) -> None:
    assert LETTERS[index] == LETTERS.text[int(index)]


@pytest.mark.parametrize("index", [slice(None), slice(1, 5, 2), slice(None, None, -1), slice(-3, None), slice(5, 2)])
def test_slices_are_those_of_a_list(index: slice) -> None:
    assert LETTERS[index].text == LETTERS.take(index).text == LETTERS.text[index]


@pytest.mark.parametrize(
    "index",
    [
        [3, 0, 0, -1],
        (3, 0, 0, -1),
        np.array([3, 0, 0, -1], np.int8),
        torch.tensor([3, 0, 0, -1]),
        [np.int64(3), 0, 0, -1],
    ],
)
def test_lists_of_numbers_keep_their_order_and_repeat(index: Any) -> None:
    assert LETTERS[index].text == LETTERS.take(index).text == "daag"


@pytest.mark.parametrize("empty", [[], (), np.array([]), np.array([], np.int64), torch.tensor([]), range(0)])
def test_no_numbers_choose_nothing(empty: Any) -> None:
    assert len(LETTERS[empty]) == len(LETTERS.take(empty)) == 0


def test_a_mask_chooses_where_it_is_true() -> None:
    mask = [letter in "ace" for letter in LETTERS]
    for same in (mask, np.array(mask), torch.tensor(mask)):
        assert LETTERS[same].text == "ace"
    assert len(Letters("")[np.empty(0, np.bool_)]) == 0


def test_what_is_read_is_not_changed() -> None:
    numbers = np.array([-1, 2])
    assert LETTERS[numbers].text == "gc"
    assert numbers.tolist() == [-1, 2]


@pytest.mark.parametrize("index", [7, -8, 2**70, np.uint64(2**63), [0, 7], [-8], np.array([3, 7]), torch.tensor([9])])
def test_numbers_out_of_range_are_told(index: Any) -> None:
    with pytest.raises(IndexError, match=r"^no maze -?\d+ among 7: they are numbered 0 to 6, and -1 is the last\.$"):
        LETTERS[index]


def test_nothing_can_be_taken_from_nothing() -> None:
    with pytest.raises(IndexError, match=r"^no maze 0 among 0: there are none\.$"):
        Letters("")[0]


@pytest.mark.parametrize("length", [0, 6, 8])
def test_a_mask_of_another_length_is_refused(length: int) -> None:
    if length == 0:
        pytest.skip("no booleans are no numbers too")
    with pytest.raises(IndexError, match=rf"^a mask of {length} values for 7 mazes: it needs one for each\.$"):
        LETTERS[np.ones(length, np.bool_)]


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (True, "bool"),
        (np.True_, "bool"),
        (1.0, "float"),
        ("a", "str"),
        (None, "NoneType"),
        (..., "ellipsis"),
        ([0.5, 1.0], "values of float64"),
        (["a"], "list"),
        ([[1], [2, 3]], "list"),
        ((slice(None), 0), "tuple"),
        ({1, 2}, "set"),
        (iter([1]), "list_iterator"),
    ],
)
def test_other_things_are_refused_in_words(index: Any, told: str) -> None:
    with pytest.raises(TypeError, match=f"a number, a slice, a list of numbers or a mask, not by .*{told}"):
        LETTERS[index]


def test_take_wants_several() -> None:
    with pytest.raises(TypeError, match="got one number: write"):
        LETTERS.take(3)
    with pytest.raises(TypeError, match=r"got an array of shape \(2, 2\)"):
        LETTERS[np.zeros((2, 2), np.int64)]


def test_it_is_a_sequence() -> None:
    assert list(LETTERS) == list("abcdefg")
    assert list(reversed(LETTERS)) == list("gfedcba")
    assert "c" in LETTERS and "z" not in LETTERS
    assert (LETTERS.index("c"), LETTERS.count("c")) == (2, 1)
