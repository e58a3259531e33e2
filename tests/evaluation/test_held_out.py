import pytest

from maze_rl.evaluation.held_out import sizes_held_out, telling_sizes


@pytest.mark.parametrize(
    ("sizes", "trained", "expected"),
    [
        (range(4, 13), range(5, 10), [4, 9, 10, 12]),
        (range(4, 10), range(5, 10), [4, 9]),
        ((6,), (5,), [6]),
        ((4, 7), (), [4, 7]),
        ((), (5,), []),
        ((8, 4, 16), (4, 6), [4, 8, 16]),
    ],
)
def test_telling_sizes_are_the_ends_and_the_border_of_training(
    sizes: range | tuple[int, ...], trained: range | tuple[int, ...], expected: list[int]
) -> None:
    assert telling_sizes(sizes, trained) == expected


def test_the_smallest_sizes_are_tested_where_the_split_holds_one() -> None:
    assert sizes_held_out((2, 3, 4), "dfs", {}, 0) == [3, 4]  # the 2 x 2 trees are one layout, of the validation split
