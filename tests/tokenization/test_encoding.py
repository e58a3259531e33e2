"""The compiled encoder: known text, labels that agree with the words, random orders without bias."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import Encoded, Tokenization, load_tokenization

REGION_OF_MARK = {"<ADJLIST_START>": Region.ADJACENCY, "<ORIGIN_START>": Region.ORIGIN}
REGION_OF_MARK |= {"<TARGET_START>": Region.TARGET, "<PATH_START>": Region.PATH}


def test_worked_example_in_row_major_order(worked_maze: Maze) -> None:
    text = load_tokenization("unique_cells", shuffle_edges=False).to_text(worked_maze)
    assert text == (
        "<ADJLIST_START> (0,0) <--> (1,0) ; (0,2) <--> (1,2) ; (1,0) <--> (2,0) ; (1,1) <--> (2,1) ; "
        "(0,0) <--> (0,1) ; (0,1) <--> (0,2) ; (2,0) <--> (2,1) ; (2,1) <--> (2,2) ; <ADJLIST_END> "
        "<ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (2,1) <TARGET_END> "
        "<PATH_START> (0,0) (1,0) (2,0) (2,1) <PATH_END>"
    )


def test_worked_example_in_ids(worked_maze: Maze) -> None:
    tokens, spans = load_tokenization("unique_cells").encode(worked_maze)
    assert tokens.shape == (1, 46)
    assert tokens[0, 0] == 0
    assert tokens[0, 33:].tolist() == [1, 4, 11, 5, 2, 18, 3, 6, 11, 13, 16, 18, 7]
    assert (int(spans.path_start[0]), int(spans.lengths[0])) == (40, 46)


def test_worked_example_as_edges(worked_maze: Maze) -> None:
    assert load_tokenization("edges", shuffle_edges=False).to_text(worked_maze) == (
        "<ADJLIST_START> (0,0)-(1,0) (0,2)-(1,2) (1,0)-(2,0) (1,1)-(2,1) (0,0)-(0,1) (0,1)-(0,2) (2,0)-(2,1) "
        "(2,1)-(2,2) <ADJLIST_END> <ORIGIN_START> (0,0) <ORIGIN_END> <TARGET_START> (2,1) <TARGET_END> "
        "<PATH_START> (0,0) (1,0) (2,0) (2,1) <PATH_END>"
    )


def cells_in(word: str, offset: list[int]) -> list[tuple[int, int]]:
    """Read the cells a word names, in the maze's own coordinates."""
    cells = [part.strip("()").split(",") for part in word.split("-(")] if word.startswith("(") else []
    return [(int(row) - offset[0], int(col) - offset[1]) for row, col in cells]


def assert_labels_agree(tokenization: Tokenization, encoded: Encoded, row: int) -> None:
    """Read the words of one sequence again, and compare every label with what the word says."""
    spans, offset = encoded.spans, encoded.spans.offsets[row].tolist()
    words = [tokenization.vocabulary[token] for token in encoded.tokens[row]]
    region, first = Region.DELIMITER, 0
    for position, word in enumerate(words):
        cells = cells_in(word, offset)
        label = Region(int(spans.regions[row, position]))
        if word == "<PADDING>":
            assert label is Region.PADDING
        elif word.startswith("<") and word != "<-->":
            assert label is Region.DELIMITER
            region, first = REGION_OF_MARK.get(word, Region.DELIMITER), position + 1
        else:
            assert label is region
        expected_cell = list(cells[0]) if len(cells) == 1 else [-1, -1]
        assert spans.cells[row, position].tolist() == expected_cell
        if label is Region.ADJACENCY:
            start = first + (position - first) // 4 * 4
            ends = cells if len(cells) == 2 else [cells_in(words[at], offset)[0] for at in (start, start + 2)]
            (top, left), (bottom, _) = sorted(ends)
            assert spans.edges[row, position].tolist() == [0 if bottom > top else 1, top, left]
        else:
            assert spans.edges[row, position].tolist() == [-1, -1, -1]
    assert words[int(spans.path_start[row])] == "<PATH_START>"
    length = int(spans.lengths[row])
    assert "<PADDING>" not in words[:length]
    assert set(words[length:]) <= {"<PADDING>"}


@pytest.mark.parametrize("name", ["unique_cells", "edges"])
@pytest.mark.parametrize("random_offsets", [False, True])
@pytest.mark.parametrize("prompt_only", [False, True])
def test_labels_agree_with_the_words(name: str, random_offsets: bool, prompt_only: bool) -> None:
    tokenization = load_tokenization(name, canvas=9, random_offsets=random_offsets)
    mazes = generate((2, 4, 6), "dfs_percolation", num=20, percolation=0.3)
    encoded = tokenization.encode(mazes, prompt_only=prompt_only)
    for row in range(20):
        assert_labels_agree(tokenization, encoded, row)
    ends = encoded.tokens[torch.arange(20), encoded.spans.lengths - 1]
    assert set(ends.tolist()) == {6 if prompt_only else 7}


@pytest.mark.parametrize("name", ["unique_cells", "edges"])
def test_labels_of_rectangles(name: str, rectangle: Callable) -> None:
    tokenization = load_tokenization(name, canvas=8, random_offsets=True)
    for seed, shape in enumerate([(2, 7), (8, 3), (1, 4), (5, 1)]):
        assert_labels_agree(tokenization, tokenization.encode(rectangle(*shape, 0.3, seed), seed=seed), 0)


def copies(maze: Maze, num: int) -> MazeBatch:
    one = maze.as_batch()
    return MazeBatch(*(np.repeat(array, num, axis=0) for array in (one.connections, one.origins, one.targets)))


def test_edge_orders_and_orientations_are_all_equally_likely() -> None:
    maze = generate(2, num=1)[0]  # three edges: 6 orders, 8 orientations
    tokens = load_tokenization("unique_cells").encode(copies(maze, 9600)).tokens[:, 1:13]
    counts = Counter(row.numpy().tobytes() for row in tokens)
    assert len(counts) == 48
    assert chisquare(list(counts.values())).pvalue > 1e-4
    orders = Counter(row.numpy().tobytes() for row in load_tokenization("edges").encode(copies(maze, 3000)).tokens)
    assert len(orders) == 6
    assert chisquare(list(orders.values())).pvalue > 1e-4


def test_offsets_stay_inside_and_favour_the_border() -> None:
    # -2 .. 5 uniformly, clipped to 0 .. 3: the two ends get three shares each
    maze = generate(3, num=1)[0]
    offsets = load_tokenization("edges", canvas=6, random_offsets=True).encode(copies(maze, 8000)).spans.offsets
    assert offsets.dtype == torch.int16
    for axis in range(2):
        assert chisquare(np.bincount(offsets[:, axis].numpy(), minlength=4), [3000, 1000, 1000, 3000]).pvalue > 1e-4
    corners = {tuple(offset) for offset in offsets.tolist()} & {(0, 0), (0, 3), (3, 0), (3, 3)}
    assert len(corners) == 4
    assert abs(np.corrcoef(offsets.numpy().T)[0, 1]) < 5 / np.sqrt(8000)


def test_a_maze_that_fills_the_canvas_has_no_offset() -> None:
    mazes = generate(5, num=30)
    assert (load_tokenization("edges", canvas=5, random_offsets=True).encode(mazes).spans.offsets == 0).all()
    assert (load_tokenization("edges", canvas=9).encode(mazes).spans.offsets == 0).all()


def test_offsets_do_not_change_the_order_of_edges() -> None:
    mazes = generate(4, num=20)
    plain = load_tokenization("edges", canvas=9).encode(mazes).spans
    moved = load_tokenization("edges", canvas=9, random_offsets=True).encode(mazes).spans
    assert (moved.offsets != 0).any()
    assert torch.equal(plain.edges, moved.edges)
    assert torch.equal(plain.cells, moved.cells)
