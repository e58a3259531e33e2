"""The summary of a dataset: known answers, and that chunks do not matter."""

import json

import numpy as np
import pytest

from maze_rl.configs.mazes import MazeSpec
from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate, generate_mazes
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.solve import solve
from maze_rl.mazes.summary import summarise


def corridors(ends: list[tuple[int, int]]) -> MazeCollection:
    """One row of five cells, walked between the given columns."""
    connections = np.zeros((len(ends), 2, 1, 5), np.bool_)
    connections[:, 1, 0, :4] = True
    columns = np.array(ends, np.int16)
    cells = np.zeros((2, len(ends), 2), np.int16)
    cells[:, :, 1] = columns.T
    return MazeCollection.from_batch(MazeBatch(connections, cells[0], cells[1]))


def test_corridors() -> None:
    summary = summarise([corridors([(0, 1), (0, 4)]), corridors([(0, 3), (1, 3), (4, 0)])])
    (grid,) = summary.grids
    distance = grid.statistics.distance
    assert (grid.name, summary.num, grid.lengths) == ("1×5", 5, ((1, 1), (2, 1), (3, 1), (4, 2)))
    assert (distance.least, distance.lower, distance.median, distance.upper, distance.most) == (1, 2, 3, 4, 4)
    assert distance.mean == pytest.approx(14 / 5)
    assert grid.path_counts == ((1, 1, 5),)
    assert grid.examples == {"shortest": 0, "median": 2, "longest": 1}
    assert grid.statistics.num_distinct == 1
    assert summary.whole.share_duplicates == pytest.approx(4 / 5)
    assert summary.whole.share_several == 0
    assert sum(summary.buckets.values()) == 5


def test_copies_up_to_symmetry_are_duplicates() -> None:
    (batch,) = generate(6, num=30, seed=1).batches
    # mirrored left to right: edges to the right start one column farther left
    connections = batch.connections[..., ::-1].copy()
    connections[:, 1] = np.roll(connections[:, 1], -1, axis=-1)
    ends = [
        np.stack([cells[:, 0], 5 - cells[:, 1]], axis=1).astype(np.int16) for cells in (batch.origins, batch.targets)
    ]
    mirrored = MazeCollection.from_batch(MazeBatch(connections, *ends))
    summary = summarise([MazeCollection.from_batch(batch), mirrored])
    assert summary.whole.num_distinct == summarise([MazeCollection.from_batch(batch)]).whole.num_distinct == 30
    assert summary.whole.share_duplicates == pytest.approx(0.5)


def test_path_counts_are_binned_by_doubling() -> None:
    mazes = generate(8, "dfs_percolation", num=300, seed=5, percolation=0.5)
    counts = solve(mazes).batches[0].path_counts
    (grid,) = summarise([mazes]).grids
    for least, most, number in grid.path_counts:
        assert number == sum(least <= count <= most for count in counts)
    assert sum(number for *_, number in grid.path_counts) == 300
    assert grid.statistics.num_several == sum(count > 1 for count in counts)


def test_chunks_and_their_order_do_not_matter() -> None:
    spec = MazeSpec(sizes=(4, 6, 7), algorithm="dfs_percolation", options={"percolation": 0.3})
    whole = summarise([generate_mazes(spec, np.arange(90), 3)])
    parts = summarise(generate_mazes(spec, np.arange(start, start + 15), 3) for start in range(0, 90, 15))
    assert whole == parts
    mazes = generate_mazes(spec, np.arange(90), 3)
    for grid in whole.grids:
        lengths = [solve(mazes[index]).distance for index in grid.examples.values()]
        spread = grid.statistics.distance
        assert lengths == [spread.least, spread.median, spread.most]
        assert all(mazes[index].shape == (grid.rows, grid.cols) for index in grid.examples.values())


def test_split_of_the_walls() -> None:
    assert summarise([generate(5, num=40, split="test")]).buckets == {"train": 0, "validation": 0, "test": 40}


def test_json_holds_plain_values() -> None:
    summary = summarise([generate([3, 5], num=20)])
    values = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert values["whole"]["num"] == 20
    assert [grid["rows"] for grid in values["grids"]] == [3, 5]


def test_nothing_cannot_be_summarised() -> None:
    with pytest.raises(MazeRLError, match="the dataset is empty"):
        summarise([])
