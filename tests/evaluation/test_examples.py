import pytest

from maze_rl.evaluation.examples import example_sizes


@pytest.mark.parametrize(
    ("sizes", "training", "expected"),
    [
        (range(4, 13), range(5, 10), [4, 7, 9, 10]),
        (range(5, 10), range(5, 10), [5, 7, 9]),
        ((4, 6, 15), (5, 6, 7, 8, 9), [4, 6, 15]),
        ((4, 5, 6), (), [4, 5, 6]),
        ((10, 12, 15), (5, 6), [10, 12, 15]),
        ((3, 4, 5, 6, 7), (6, 7), [3, 5, 7]),
        ((5,), (5,), [5]),
    ],
)
def test_sizes_shown(sizes: range, training: range, expected: list[int]) -> None:
    assert example_sizes(tuple(sizes), tuple(training)) == expected
