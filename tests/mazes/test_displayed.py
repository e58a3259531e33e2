import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.errors import MazeRLError, UnknownNameError
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.flip_pairs import find_flip_pairs
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection, collect
from maze_rl.mazes.measures import measure
from maze_rl.mazes.pictures.drawing import draw_boxes
from maze_rl.mazes.solve import solve
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.mazes.summary import summarise

Read = Callable[[str], Any]


@pytest.fixture(scope="module")
def mixed() -> MazeCollection:
    return collect([*generate(4, num=2, seed=1), *generate(3, num=1, seed=1), *generate(((2, 5),), num=1, seed=1)])


@pytest.fixture
def corridor() -> Maze:
    """Three cells in a row, one below the last."""
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, 0, :2] = True
    connections[0, 0, 2] = True
    return Maze(connections, (0, 0), (1, 2))


def test_print_draws_a_maze_and_a_solution_with_its_path(corridor: Maze) -> None:
    assert str(corridor) == draw_boxes(corridor)
    assert str(solve(corridor)) == draw_boxes(corridor, [(0, 0), (0, 1), (0, 2), (1, 2)])
    assert "S · · · ·" in str(solve(corridor))


def test_one_line_says_what_there_is(mixed: MazeCollection, corridor: Maze) -> None:
    assert repr(corridor) == "<Maze 2x3 (0, 0) -> (1, 2)>"
    assert repr(solve(corridor)) == "<Solution: 2x3, 3 steps, (0, 0) -> (1, 2)>"
    assert repr(mixed) == "<MazeCollection: 4 mazes: 1 of 3x3, 1 of 2x5, 2 of 4x4>"
    assert repr(mixed.batches[1]) == f"<MazeBatch: {len(mixed.batches[1])} maze, 3x3>"
    assert repr(solve(corridor.as_batch())) == "<BatchSolution: 1 maze, 2x3; 3 steps>"
    lengths = [solve(maze).distance for maze in mixed]
    assert repr(solve(mixed)) == (
        "<CollectionSolution: 4 mazes: 1 of 3x3, 1 of 2x5, 2 of 4x4; "
        f"{min(lengths)} to {max(lengths)} steps, mean {np.mean(lengths):.1f}>"
    )


def test_many_shapes_are_not_listed_and_equal_counts_said_once() -> None:
    many = collect([maze for size in range(2, 10) for maze in generate(size, num=1)])
    assert repr(many) == "<MazeCollection: 8 mazes of 8 shapes, 2x2 to 9x9>"
    equal = collect([maze for size in (2, 3) for maze in generate(size, num=2)])
    assert repr(equal) == "<MazeCollection: 4 mazes: 2 each of 2x2, 3x3>"


def test_batches_of_one_shape_count_together() -> None:
    twice = MazeCollection.concatenate([generate(3, num=2), generate(3, num=5)])
    assert repr(twice) == "<MazeCollection: 7 mazes, 3x3>"


def test_nothing_is_said_in_peace() -> None:
    empty = generate(3, num=1).take(np.arange(0))
    assert repr(empty) == "<MazeCollection: 0 mazes>"
    assert repr(solve(empty)) == "<CollectionSolution: 0 mazes>"
    with pytest.raises(MazeRLError, match="no maze to draw"):
        empty.plot()


def seconds(call: Callable[[], Any]) -> float:
    """Time of the processor alone, so that other work on the machine counts for nothing; the best of three."""

    def once() -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    return min(once() for _ in range(3))


def test_a_hundred_thousand_mazes_are_told_at_once(read_page: Read) -> None:
    mazes = generate(range(3, 6), num=100_000)
    solutions = solve(mazes)
    measures = measure(mazes.batches[0])
    for shown in (mazes, solutions, *mazes.batches, *solutions.batches, measures, label_cells(mazes.batches[0])):
        told = repr(shown)
        assert seconds(shown.__repr__) < 0.02
        assert len(told) < 300
        assert "\n" not in told
    for shown in (mazes, solutions):
        html = shown._repr_html_()
        assert seconds(shown._repr_html_) < 0.2
        assert len(html) < 60_000
        assert "100,000 mazes" in read_page(html).text


def test_numbers_of_mazes_in_one_line() -> None:
    batch = generate(9, num=40, seed=1).batches[0]
    told = repr(measure(batch))
    assert told.startswith("<MazeMeasures: 40 mazes, means: ")
    assert f"{solve(batch).lengths.mean():.1f} distance" in told
    pairs = find_flip_pairs(batch, depths=(1, 64))
    assert repr(pairs) == (f"<FlipPairs: {len(pairs)} pairs, found in {pairs.num_found} of 40 mazes searched>")


def test_a_dataset_says_where_it_is_and_what_it_holds(tmp_path: Path, read_page: Read) -> None:
    spec = MazeSpec(sizes=((3, 3), (5, 5)), algorithm="wilson")
    write_dataset(GenerationConfig(spec=spec, num=30, seed=2), tmp_path / "mazes")
    stored = open_dataset(tmp_path / "mazes")
    assert repr(stored) == f"<StoredMazes: {tmp_path / 'mazes'}: 30 mazes, 3x3 to 5x5, wilson>"
    page = read_page(stored._repr_html_())
    assert "30 mazes, 3x3 to 5x5, wilson" in page.text
    assert page.tags.count("svg") == 6


def test_a_summary_is_a_table_by_size(read_page: Read) -> None:
    summary = summarise([generate((4, 6), num=30)])
    assert repr(summary).startswith("<DatasetSummary: 4×4, 6×6: 30 mazes, ")
    page = read_page(summary._repr_html_())
    assert "30 mazes" in page.text
    assert page.tags.count("tr") == 4  # head, two sizes, all
    assert f"4×4 {summary.grids[0].statistics.num} {summary.grids[0].statistics.distance.median} " in page.text


def test_a_notebook_shows_a_maze_as_a_picture(corridor: Maze, read_page: Read) -> None:
    page = read_page(corridor._repr_html_())
    assert page.tags.count("svg") == 1
    assert page.text == "2x3, (0, 0) to (1, 2)"
    assert "polyline" not in page.tags
    solved = read_page(solve(corridor)._repr_html_())
    assert solved.text == "3 steps, 1 shortest path"
    assert 'points="5,5 15,5 25,5 25,15"' in solve(corridor)._repr_html_()


def test_a_picture_has_every_wall_and_the_ends(corridor: Maze) -> None:
    svg = corridor._repr_html_()
    (walls,) = [part.split('"')[0] for part in svg.split('<path d="')[1:]]
    assert drawn_edges(walls) == expected_edges(corridor)
    assert 'cx="5" cy="5"' in svg
    assert 'x="22.6" y="12.6" width="4.8" height="4.8"' in svg


def drawn_edges(walls: str) -> set[tuple[float, float, str]]:
    """Unit walls of a path such as ``M0 0H30``: (x, y, H or V)."""
    found = set()
    for line in walls.split("M")[1:]:
        way = "H" if "H" in line else "V"
        start, end = line.split(way)
        x, y = map(int, start.split())
        for step in range((int(end) - (x if way == "H" else y)) // 10):
            found.add((x // 10 + step, y // 10, way) if way == "H" else (x // 10, y // 10 + step, way))
    return found


def expected_edges(maze: Maze) -> set[tuple[float, float, str]]:
    rows, cols = maze.shape
    border = {(col, row, "H") for col in range(cols) for row in (0, rows)}
    border |= {(col, row, "V") for row in range(rows) for col in (0, cols)}
    inner = {(col, row + 1, "H") for row in range(rows - 1) for col in range(cols) if not maze.connections[0, row, col]}
    inner |= {
        (col + 1, row, "V") for row in range(rows) for col in range(cols - 1) if not maze.connections[1, row, col]
    }
    return border | inner


def test_a_huge_maze_is_told_in_words(read_page: Read) -> None:
    maze = generate(201, num=1)[0]
    page = read_page(maze._repr_html_())
    assert "svg" not in page.tags
    assert "201x201 cells are too many to draw here" in page.text


def test_a_notebook_shows_the_first_mazes_of_many(mixed: MazeCollection, read_page: Read) -> None:
    page = read_page(mixed._repr_html_())
    assert page.tags.count("svg") == 4
    assert page.text.startswith("4 mazes: 1 of 3x3, 1 of 2x5, 2 of 4x4 0: 4x4 1: 4x4 2: 3x3 3: 2x5")
    solved = read_page(solve(mixed)._repr_html_())
    assert solved.tags.count("polyline") == 4
    assert f"0: {solve(mixed[0]).distance} steps" in solved.text
    assert read_page(generate(3, num=50)._repr_html_()).tags.count("svg") == 6


def names(axes: Sequence[Any]) -> list[str]:
    return [each.get_title() for each in axes]


@pytest.mark.usefixtures("closed_figures")
def test_plot_returns_axes_of_a_new_figure_or_those_given(corridor: Maze) -> None:
    from matplotlib import pyplot

    axes = corridor.plot(title="a corridor")
    assert axes.get_title() == "a corridor"
    assert axes.figure is pyplot.gcf()
    own = pyplot.figure().subplots()
    assert corridor.plot(own) is own


@pytest.mark.usefixtures("closed_figures")
def test_plot_of_a_solution_draws_its_path(corridor: Maze) -> None:
    def paths(axes: Any) -> list[list[list[float]]]:
        return [line.get_xydata().tolist() for line in axes.lines if len(line.get_xydata()) > 1]

    assert paths(corridor.plot()) == []
    assert paths(solve(corridor).plot()) == [[[0, 0], [1, 0], [2, 0], [2, 1]]]
    assert paths(corridor.plot(path=[(0, 0), (0, 1)])) == [[[0, 0], [1, 0]]]


@pytest.mark.usefixtures("closed_figures")
def test_a_path_to_plot_may_be_an_array(corridor: Maze) -> None:
    lines = [
        corridor.plot(path=path).lines[0].get_xydata()
        for path in (solve(corridor.as_batch()).paths[0], [(0, 0), (0, 1), (0, 2), (1, 2)])
    ]
    assert np.array_equal(*lines)
    for strange in ([1, 2], [(0.5, 1)], "abc"):
        with pytest.raises(MazeRLError, match=r"path: expected cells \(row, col\)"):
            corridor.plot(path=strange)


@pytest.mark.usefixtures("closed_figures")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"columns": 0}, "columns is 0: expected a whole number, at least 1"),
        ({"columns": -1}, "columns is -1"),
        ({"num": -1}, "num is -1"),
        ({"side": 0}, "side is 0: expected inches, more than 0"),
        ({"side": float("nan")}, "side is nan"),
    ],
)
def test_a_gallery_without_room_is_refused(given: dict, message: str, mixed: MazeCollection) -> None:
    with pytest.raises(MazeRLError, match=message):
        mixed.plot(**given)


@pytest.mark.usefixtures("closed_figures")
def test_plot_of_many_returns_one_axes_for_each(mixed: MazeCollection) -> None:
    assert names(mixed.plot()) == ["0: 4x4", "1: 4x4", "2: 3x3", "3: 2x5"]
    assert names(mixed.plot(2, columns=1)) == ["0: 4x4", "1: 4x4"]
    assert names(mixed.batches[0].plot(1)) == [f"0: {'x'.join(map(str, mixed.batches[0].shape))}"]
    solved = solve(mixed).plot(3)
    assert all(any(len(line.get_xydata()) > 1 for line in axes.lines) for axes in solved)


@pytest.mark.usefixtures("closed_figures")
def test_marks_are_those_of_the_command_line(corridor: Maze) -> None:
    from maze_rl.configs.marks import MARKS

    corridor.plot(marks=list(MARKS))
    generate(3, num=2).plot(marks=["distances"])
    with pytest.raises(UnknownNameError, match="solution"):
        corridor.plot(marks=["solutoin"])
