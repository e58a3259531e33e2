import pytest

from maze_rl.evaluation.held_out import telling_sizes, trained_range


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


def test_sizes_between_those_trained_on_count_as_inside() -> None:
    assert list(trained_range((4, 7))) == [4, 5, 6, 7]
    assert list(trained_range(())) == []
