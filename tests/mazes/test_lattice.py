"""Mazes as arrays: every invariant is checked once, and the error names the first offender."""

from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch, MazeCollection

# o-+-+
#   | |
# +-+ x
CONNECTIONS = np.array([[[0, 1, 1], [0, 0, 0]], [[1, 1, 0], [1, 0, 0]]], np.bool_)


def arrays(num: int = 4) -> dict[str, np.ndarray]:
    """Return the fields of a batch of valid 2x3 mazes."""
    return {
        "connections": np.tile(CONNECTIONS, (num, 1, 1, 1)),
        "origins": np.tile(np.array([0, 0], np.int16), (num, 1)),
        "targets": np.tile(np.array([1, 2], np.int16), (num, 1)),
    }


def assert_refused(fields: dict[str, np.ndarray], message: str) -> None:
    # straight to the checks: while testing, jaxtyping refuses wrong types before they are reached
    unchecked = object.__new__(MazeBatch)
    for field, value in fields.items():
        object.__setattr__(unchecked, field, value)
    with pytest.raises(InvalidMazeError) as caught:
        unchecked.__post_init__()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_valid_arrays_make_a_batch() -> None:
    batch = MazeBatch(**arrays())
    assert len(batch) == 4
    assert batch.shape == (2, 3)
    assert [maze.target for maze in batch] == [(1, 2)] * 4


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "connections",
            np.zeros((4, 3, 2, 3), np.bool_),
            "connections: expected Bool[batch, 2, rows, cols], got shape",
        ),
        ("connections", np.zeros((2, 2, 3), np.bool_), "connections: expected Bool[batch, 2, rows, cols], got shape"),
        ("connections", np.zeros((4, 2, 2, 3), np.int64), "connections: expected booleans, got int64"),
        ("connections", np.zeros((4, 2, 0, 3), np.bool_), "connections: a grid of 0 x 3 has no cells"),
        ("origins", np.zeros((3, 2), np.int16), "origins: expected shape (4, 2), got (3, 2)"),
        ("targets", np.zeros((4, 3), np.int16), "targets: expected shape (4, 2), got (4, 3)"),
        ("targets", np.zeros((4, 2), np.int64), "targets: expected int16, got int64"),
    ],
)
def test_wrong_arrays_are_named(field: str, value: np.ndarray, message: str) -> None:
    assert_refused(arrays() | {field: value}, message)


def test_an_open_border_is_named() -> None:
    fields = arrays()
    fields["connections"][3, 0, 1, 0] = True
    assert_refused(fields, "maze 3: connections lead downward from the last row: the border must be closed.")
    fields["connections"][2, 1, 0, 2] = True
    assert_refused(fields, "maze 2: connections lead right from the last column: the border must be closed.")


@pytest.mark.parametrize("field", ["origins", "targets"])
@pytest.mark.parametrize("cell", [(2, 0), (0, 3), (-1, 0), (0, -1)])
def test_cells_off_the_grid_are_named(field: str, cell: tuple[int, int]) -> None:
    fields = arrays()
    fields[field][1:3] = cell
    assert_refused(fields, f"maze 1: {field} {cell} lies outside the 2 x 3 grid.")


def test_parted_endpoints_are_named() -> None:
    fields = arrays()
    fields["connections"][2:, 0, 0, 2] = False
    assert_refused(fields, "maze 2: target cannot be reached from origin")
    with pytest.raises(InvalidMazeError, match=r"^maze 2: target cannot"):
        MazeBatch(**fields)


def test_the_first_of_several_faults_is_named() -> None:
    fields = arrays()
    fields["connections"][3, 0, 1, 0] = True
    fields["targets"][2] = (5, 5)
    assert_refused(fields, "maze 2: targets (5, 5)")
    fields["origins"][2] = (7, 7)
    assert_refused(fields, "maze 2: origins (7, 7)")
    fields["connections"][1, 0, 0, 2] = False
    assert_refused(fields, "maze 1: target cannot be reached")


def test_a_maze_names_its_field() -> None:
    with pytest.raises(InvalidMazeError, match=r"^target \(2, 0\) lies outside the 2 x 3 grid\.$"):
        Maze(CONNECTIONS, (0, 0), (2, 0))
    with pytest.raises(InvalidMazeError, match=r"^origin \(0, 70000\) lies outside"):
        Maze(CONNECTIONS, (0, 70_000), (1, 2))  # 70000 would wrap in 16 bits
    with pytest.raises(InvalidMazeError, match=r"^origin: expected a cell \(row, col\), got \(0, 0, 0\)\.$"):
        Maze(CONNECTIONS, (0, 0, 0), (1, 2))
    with pytest.raises(InvalidMazeError, match=r"^connections: expected Bool\[2, rows, cols\], got shape \(3, 2\)\.$"):
        Maze(np.zeros((3, 2), np.bool_), (0, 0), (1, 2))
    with pytest.raises(InvalidMazeError, match="target cannot be reached"):
        Maze(np.zeros_like(CONNECTIONS), (0, 0), (1, 2))


def test_neighbours_in_the_order_down_right_up_left() -> None:
    maze = Maze(CONNECTIONS, (0, 0), (1, 2))
    assert maze.neighbours((0, 0)) == [(0, 1)]
    assert maze.neighbours((0, 1)) == [(1, 1), (0, 2), (0, 0)]
    assert maze.neighbours((1, 1)) == [(0, 1), (1, 0)]
    assert maze.neighbours((1, 2)) == [(0, 2)]


def test_neighbours_are_mutual() -> None:
    for maze in generate(range(2, 7), "dfs_percolation", num=20, percolation=0.3):
        pairs = {(cell, other) for cell in np.ndindex(maze.shape) for other in maze.neighbours(cell)}
        assert pairs == {(other, cell) for cell, other in pairs}
        assert len(pairs) == 2 * maze.connections.sum()


def test_equal_mazes_are_equal_and_hash_alike() -> None:
    batch = MazeBatch(**arrays(2))
    alone = Maze(CONNECTIONS.copy(), (0, 0), (1, 2))
    assert batch[0] == batch[1] == alone
    assert len({batch[0], batch[1], alone}) == 1


def test_each_part_of_a_maze_counts() -> None:
    more = CONNECTIONS.copy()
    more[0, 0, 0] = True
    mazes = [
        Maze(CONNECTIONS, (0, 0), (1, 2)),
        Maze(CONNECTIONS, (0, 1), (1, 2)),
        Maze(CONNECTIONS, (0, 0), (0, 2)),
        Maze(more, (0, 0), (1, 2)),
        *generate((3, 4), num=2),
    ]
    assert len(set(mazes)) == len(mazes)
    assert mazes[0] != "maze"


def test_a_maze_is_a_view_of_its_row() -> None:
    batch = MazeBatch(**arrays(2))
    assert np.shares_memory(batch[1].connections, batch.connections)
    assert np.shares_memory(batch[1].as_batch().connections, batch.connections)
    assert batch[1].as_batch()[0] == batch[1]


def test_cells_are_int16_and_plain_integers_outside() -> None:
    maze = Maze(CONNECTIONS, np.array([0, 0]).tolist(), (1, 2))
    assert maze.as_batch().origins.dtype == np.int16
    assert type(maze.origin[0]) is int
    assert repr(maze) == "<Maze 2x3 (0, 0) -> (1, 2)>"


def test_large_rectangles_fit(open_grids: Callable) -> None:
    batch = open_grids(1, 300, 2, target=(299, 1))
    assert batch[0].target == (299, 1)


def test_take_chooses_rows() -> None:
    batch = generate(4, num=6).batches[0]
    assert list(batch.take(np.array([4, 1]))) == [batch[4], batch[1]]
    assert list(batch.take(slice(2, 4))) == [batch[2], batch[3]]


def test_a_collection_keeps_its_order() -> None:
    small, large = generate(3, num=3).batches[0], generate(5, num=2).batches[0]
    mixed = MazeCollection((small, large), np.array([1, 0, 0, 1, 0]), np.array([1, 2, 0, 0, 1]))
    assert list(mixed) == [large[1], small[2], small[0], large[0], small[1]]
    assert mixed.indices_of(0).tolist() == [2, 4, 1]
    assert mixed.indices_of(1).tolist() == [3, 0]


def test_collections_join_one_after_another() -> None:
    first, second = generate((3, 5), num=9), generate((4, 5), num=7, seed=1)
    joined = MazeCollection.concatenate([first, second])
    assert list(joined) == [*first, *second]
    assert list(MazeCollection.from_batch(second.batches[0])) == list(second.batches[0])


def test_neighbours_of_a_cell_off_the_grid_are_refused() -> None:
    maze = Maze(CONNECTIONS, (0, 0), (1, 2))
    assert maze.neighbours((0, 1)) == maze.neighbours([0, 1]) == [(1, 1), (0, 2), (0, 0)]
    for cell in ((-1, 0), (0, -1), (2, 0), (0, 3)):
        with pytest.raises(InvalidMazeError, match=r"lies outside the 2 x 3 grid"):
            maze.neighbours(cell)
