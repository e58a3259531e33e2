"""Ranges as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_rl.configs.ranges import check_sizes, format_range, grid_of, parse_grid, parse_range, parse_sizes
from maze_rl.errors import MazeRLError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5..9", (5, 6, 7, 8, 9)),
        ("5..15..2", (5, 7, 9, 11, 13, 15)),
        ("5..14..4", (5, 9, 13)),
        ("4,6,8", (4, 6, 8)),
        ("7", (7,)),
        ("5..5", (5,)),
        ("9, 5..7", (9, 5, 6, 7)),
        ("5..7,6,7..8", (5, 6, 7, 8)),
        ("-3..-1", (-3, -2, -1)),
    ],
)
def test_reads(text: str, values: tuple[int, ...]) -> None:
    assert parse_range(text) == values


@pytest.mark.parametrize(
    "text", ["", "five", "5.9", "5...9", "5..", "..9", "5-9", "5..9..", "4;6", "4,,6", "4,", "5..9..2..1"]
)
def test_refuses_garbage_and_shows_how_to_write_it(text: str) -> None:
    with pytest.raises(MazeRLError, match=r"cannot read .* as a range: write 5\.\.9, 5\.\.15\.\.2 or 4,6,8\."):
        parse_range(text)


def test_refuses_a_reversed_range_and_turns_it_round() -> None:
    with pytest.raises(MazeRLError, match=r"range '9\.\.5' runs backwards: write 5\.\.9\."):
        parse_range("9..5")


@pytest.mark.parametrize("step", ["0", "-2"])
def test_refuses_a_step_below_one(step: str) -> None:
    with pytest.raises(MazeRLError, match=f"is {step}: it must be at least 1"):
        parse_range(f"5..9..{step}")


def test_refuses_a_range_that_would_fill_the_memory() -> None:
    with pytest.raises(MazeRLError, match="holds 999999999999 numbers"):
        parse_range("1..999999999999")


@pytest.mark.parametrize("text", ["1", "0..4", "-5", "5..1025"])
def test_refuses_sizes_that_no_maze_has(text: str) -> None:
    with pytest.raises(MazeRLError, match="is out of bounds: sizes are 2 to 1024 cells per side"):
        parse_sizes(text)


def test_accepts_the_smallest_and_largest_size() -> None:
    assert parse_sizes("2,1024") == (2, 1024)


def test_refuses_no_size_at_all() -> None:
    with pytest.raises(MazeRLError, match="no maze size was given"):
        check_sizes(())


def test_writes_ranges_as_a_person_would() -> None:
    assert format_range((5, 6, 7, 8, 9)) == "5..9"
    assert format_range((5, 6)) == "5,6"
    assert format_range((4, 6, 8)) == "4,6,8"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(2, 1024), min_size=1, max_size=20, unique=True))
def test_what_is_written_reads_back(values: list[int]) -> None:
    assert parse_range(format_range(tuple(values))) == tuple(values)


def test_a_size_given_twice_is_drawn_as_often_as_the_others() -> None:
    assert check_sizes([5, 5, 7]) == check_sizes("5,5,7") == check_sizes(["5..5", 5, (5, 5), 7]) == (5, 7)


def test_a_grid_that_is_read_may_have_a_single_row() -> None:
    assert grid_of("grid", "1x6") == grid_of("grid", (1, 6)) == (1, 6)
    assert parse_grid("6x1") == (6, 1)
    with pytest.raises(MazeRLError, match="maze size 0 is out of bounds: sizes are 1 to 1024"):
        parse_grid("0x5")
    with pytest.raises(MazeRLError, match="sizes are 2 to 1024"):
        parse_sizes("1x6")
