"""Labels: what every position is, read again from the words; masks by region, and choosing rows."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import torch

from maze_rl.configs.tokenization import FORMATS, PATHS
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import Encoded, Tokenization, load_tokenization

REGION_OF_MARK = {
    "<ADJLIST_START>": Region.ADJACENCY,
    "<ORIGIN_START>": Region.ORIGIN,
    "<TARGET_START>": Region.TARGET,
    "<PATH_START>": Region.PATH,
}
STEP = {"SOUTH": (1, 0), "EAST": (0, 1), "NORTH": (-1, 0), "WEST": (0, -1)}
CLOCKWISE = ["NORTH", "EAST", "SOUTH", "WEST"]
TURN = {"FORWARD": 0, "RIGHT": 1, "BACKWARD": 2, "LEFT": 3}
"""Quarters of a turn clockwise."""
OPTIONS = [
    {},
    {"path": "moves"},
    {"query": "first"},
    {"walls": True},
    {"connectors": False},
    {"path": "moves", "query": "first", "walls": True},
    {"origin": "path"},
    {"origin": "path", "path": "moves", "walls": True},
    {"origin": "path", "path": "moves", "query": "first"},
    {"path": "turns"},
    {"origin": "path", "path": "turns"},
]
NONE, NO_EDGE = (-1, -1), (-1, -1, -1)


class Label(NamedTuple):
    region: Region
    cell: tuple[int, int] = NONE
    edge: tuple[int, int, int] = NO_EDGE
    wall: bool = False
    sides: int = -1


SIDES = {"S": 1, "E": 2, "N": 4, "W": 8}


def numbers(words: list[str]) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", " ".join(words))]


def edge_labels(words: list[str], shift: Callable[..., tuple[int, int]], size: int) -> Iterator[Label]:
    """Label the words of one listed edge, or cell."""
    ends = numbers(words)
    if "[" in words[0]:
        open_sides = sum(SIDES[side] for side in words[0].split("[")[1][:-1])
        yield Label(Region.ADJACENCY, shift(*ends), sides=open_sides)
        return
    first, second = shift(*ends[:2]), shift(*ends[2:])
    (row, col), (next_row, _) = sorted((first, second))
    edge, wall = (0 if next_row > row else 1, row, col), any("|" in word or word == "<XX>" for word in words)
    mark = ("<-->", "<XX>", ";")
    cells = [NONE] if len(words) == 1 else [first] * size + [second] * size
    following = iter(cells)
    for word in words:
        yield Label(Region.ADJACENCY, NONE if word in mark else next(following), edge, wall)


def read_labels(tokenization: Tokenization, words: list[str], offset: tuple[int, int]) -> list[Label]:
    """Label every word of a sequence by reading it from left to right."""

    def shift(row: int, col: int) -> tuple[int, int]:
        return row - offset[0], col - offset[1]

    size, per_edge = tokenization.layout.tokens_per_cell, tokenization.layout.tokens_per_edge
    labels, at, region, here, facing = [], 0, Region.DELIMITER, NONE, "NORTH"
    named = tokenization.config.origin == "path"
    while at < len(words):
        word = words[at]
        if word == "<PADDING>":
            labels.append(Label(Region.PADDING))
        elif word in REGION_OF_MARK or word.endswith("_END>"):
            labels.append(Label(Region.DELIMITER))
            region = REGION_OF_MARK.get(word, Region.DELIMITER)
        elif region is Region.ADJACENCY:
            labels += edge_labels(words[at : at + per_edge], shift, size)
        elif word in STEP or word in TURN:
            if word in TURN:
                word = facing = CLOCKWISE[(CLOCKWISE.index(facing) + TURN[word]) % 4]
            here = here[0] + STEP[word][0], here[1] + STEP[word][1]
            labels.append(Label(region, here))
        else:
            cell = shift(*numbers(words[at : at + size]))
            given = named and words[at - 1] == "<PATH_START>"
            here = cell if region is Region.ORIGIN or given else here
            labels += [Label(Region.ORIGIN if given else region, cell)] * size
        at = len(labels)
    return labels


def assert_labels_agree(tokenization: Tokenization, encoded: Encoded, row: int) -> None:
    """Read the words of one sequence again, and compare every label with what the words say."""
    spans = encoded.spans
    words = [tokenization.vocabulary[token] for token in encoded.tokens[row]]
    row_offset, col_offset = spans.offsets[row].tolist()
    found = [
        Label(Region(region), tuple(cell), tuple(edge), wall, sides)
        for region, cell, edge, wall, sides in zip(
            *(getattr(spans, name)[row].tolist() for name in ("regions", "cells", "edges", "walls", "open_sides")),
            strict=True,
        )
    ]
    assert found == read_labels(tokenization, words, (row_offset, col_offset))
    assert words[int(spans.path_start[row])] == "<PATH_START>"
    length = int(spans.lengths[row])
    assert "<PADDING>" not in words[:length]
    assert set(words[length:]) <= {"<PADDING>"}


CHOICES = [
    (name, options)
    for name in FORMATS
    for options in OPTIONS
    if name not in ("edges", "cells") or "connectors" not in options
    if name != "cells" or "walls" not in options
]


@pytest.mark.parametrize(("name", "options"), CHOICES)
@pytest.mark.parametrize("prompt_only", [False, True])
def test_labels_agree_with_the_words(name: str, options: dict[str, Any], prompt_only: bool) -> None:
    tokenization = load_tokenization(name, canvas=9, random_offsets=True, **options)
    mazes = generate((2, 4, 6), "dfs_percolation", num=12, percolation=0.3)
    encoded = tokenization.encode(mazes, prompt_only=prompt_only)
    for row in range(12):
        assert_labels_agree(tokenization, encoded, row)
    ends = encoded.tokens[torch.arange(12), encoded.spans.lengths - 1]
    behind_origin = prompt_only and tokenization.config.origin == "path"
    assert behind_origin or set(ends.tolist()) == {6 if prompt_only else 7}
    assert not prompt_only or torch.equal(encoded.spans.lengths, encoded.spans.answer_start)


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_labels_of_rectangles(name: str, options: dict[str, Any], rectangle: Callable[..., Maze]) -> None:
    tokenization = load_tokenization(name, canvas=8, random_offsets=True, **options)
    for seed, shape in enumerate([(2, 7), (8, 3), (1, 4), (5, 1), (1, 1)]):
        assert_labels_agree(tokenization, tokenization.encode(rectangle(*shape, 0.3, seed), seed=seed), 0)


@pytest.mark.parametrize("offsets", [False, True])
def test_every_cell_is_labelled_once_with_the_sides_the_maze_has(offsets: bool) -> None:
    maze = generate(5, "dfs_percolation", num=1, percolation=0.2)[0]
    spans = load_tokenization("cells", canvas=7, random_offsets=offsets).encode(maze).spans
    listed = spans.regions[0] == Region.ADJACENCY
    assert (spans.edges == -1).all()
    assert (spans.open_sides[0][~listed] == -1).all()
    cells = [tuple(cell) for cell in spans.cells[0][listed].tolist()]
    assert len(set(cells)) == len(cells) == 25
    for cell, sides in zip(cells, spans.open_sides[0][listed].tolist(), strict=True):
        ways = ((1, 0), (0, 1), (-1, 0), (0, -1))
        around = {(cell[0] + row, cell[1] + col) for bit, (row, col) in enumerate(ways) if sides >> bit & 1}
        assert around == set(maze.neighbours(cell))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "cells"])
def test_every_lattice_edge_is_labelled_once_as_the_maze_has_it(name: str) -> None:
    maze = generate(5, "dfs_percolation", num=1, percolation=0.2)[0]
    tokenization = load_tokenization(name, walls=True, canvas=7)
    spans = tokenization.encode(maze).spans
    listed = spans.regions[0] == Region.ADJACENCY
    every = list(zip(map(tuple, spans.edges[0][listed].tolist()), spans.walls[0][listed].tolist(), strict=True))
    assert len(set(every)) == 40
    assert len(every) == 40 * tokenization.layout.tokens_per_edge
    assert all(bool(maze.connections[edge]) is not wall for edge, wall in every)


def test_regions_are_fixed_numbers() -> None:
    assert [region.name for region in Region] == ["ADJACENCY", "ORIGIN", "TARGET", "PATH", "DELIMITER", "PADDING"]


def test_masks() -> None:
    tokens, spans = load_tokenization("edges", canvas=6).encode(generate((3, 6), num=20))
    assert torch.equal(spans.real, tokens != 10)
    written = [row[mask].tolist() for row, mask in zip(tokens, spans.after_path_start, strict=True)]
    for row, path in zip(tokens.tolist(), written, strict=True):
        assert path == row[row.index(6) + 1 : row.index(7) + 1]
        assert len(path) > 2


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("path", PATHS)
def test_an_origin_on_the_path_is_not_to_be_written(name: str, path: str) -> None:
    tokenization = load_tokenization(name, canvas=6, origin="path", path=path)
    tokens, spans = tokenization.encode(generate((3, 6), num=20))
    size = tokenization.layout.tokens_per_cell
    for row, ids in enumerate(tokens.tolist()):
        behind = ids.index(6) + 1
        assert spans.given_origin[row].nonzero()[:, 0].tolist() == list(range(behind, behind + size))
        assert (spans.regions[row, behind : behind + size] == Region.ORIGIN).all()
        assert tokens[row][spans.after_path_start[row]].tolist() == ids[behind + size : ids.index(7) + 1]
    assert not load_tokenization(name, canvas=6).encode(generate(3, num=2)).spans.given_origin.any()


def test_rows_takes_sequences_and_cuts_them() -> None:
    tokens, spans = load_tokenization("edges", canvas=6).encode(generate(4, num=5))
    chosen = torch.tensor([3, 1])
    cut = spans.rows(chosen, 7)
    assert cut.regions.shape == (2, 7)
    assert cut.cells.shape == (2, 7, 2)
    assert cut.edges.shape == (2, 7, 3)
    assert torch.equal(cut.edges, spans.edges[chosen, :7])
    assert torch.equal(cut.walls, spans.walls[chosen, :7])
    assert torch.equal(cut.path_start, spans.path_start[chosen])
    assert torch.equal(cut.lengths, spans.lengths[chosen])
    assert tokens.shape == spans.regions.shape
