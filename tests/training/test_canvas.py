"""What else stands on a canvas: mazes apart from one another, and stray tokens that touch none of them."""

import re

import numpy as np
import pytest

from maze_rl.configs.canvas import Asked
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.canvas import place_mazes
from maze_rl.training.examples import Examples, encode_examples

STEPS = {"S": (1, 0), "E": (0, 1), "N": (-1, 0), "W": (0, -1)}
SEED, FIRST = 3, 17


def shapes_of(num: int, least: int = 2, most: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(least, most + 1, (num, 2))


def boxes(shapes: np.ndarray, offsets: np.ndarray, canvas: int, first: int, last: int) -> list[set]:
    """The cells of each maze, as pairs."""
    found = []
    for maze in range(first, last):
        (rows, cols), (top, left) = shapes[maze], offsets[maze]
        assert 0 <= top <= canvas - rows
        assert 0 <= left <= canvas - cols
        found.append({(int(top) + r, int(left) + c) for r in range(rows) for c in range(cols)})
    return found


def test_mazes_follow_one_another_and_never_overlap() -> None:
    shapes = shapes_of(400)
    placed = place_mazes(shapes, 10, 4, True, SEED, FIRST)
    assert placed.first[0] == 0
    assert placed.first[-1] == 400
    counts = np.diff(placed.first)
    assert set(counts) == {1, 2, 3, 4}
    for first, last in zip(placed.first[:-1], placed.first[1:], strict=True):
        cells = boxes(shapes, placed.offsets, 10, first, last)
        assert len(set().union(*cells)) == sum(map(len, cells))


def test_a_full_canvas_takes_no_more_and_nothing_is_dropped() -> None:
    for side, most in ((3, 4), (5, 3)):
        shapes = np.full((50, 2), 3)
        placed = place_mazes(shapes, side, most, True, SEED, FIRST)
        assert placed.first.tolist() == list(range(51))


def test_one_maze_on_a_canvas_depends_on_its_index_alone() -> None:
    shapes = shapes_of(60)
    whole = place_mazes(shapes, 9, 1, True, SEED, FIRST)
    assert whole.first.tolist() == list(range(61))
    for start in (0, 7, 59):
        part = place_mazes(shapes[start:], 9, 1, True, SEED, FIRST + start)
        assert np.array_equal(part.offsets, whole.offsets[start:])
    assert not np.array_equal(place_mazes(shapes, 9, 1, True, SEED + 1, FIRST).offsets, whole.offsets)
    assert not place_mazes(shapes, 9, 1, False, SEED, FIRST).offsets.any()


def test_what_shares_a_canvas_depends_on_its_first_maze_alone() -> None:
    shapes = shapes_of(60)
    whole = place_mazes(shapes, 12, 3, True, SEED, FIRST)
    for canvas in (1, 5, 11):
        start = int(whole.first[canvas])
        part = place_mazes(shapes[start:], 12, 3, True, SEED, FIRST + start)
        assert np.array_equal(part.first, whole.first[canvas:] - start)
        assert np.array_equal(part.offsets, whole.offsets[start:])


def test_offsets_reach_every_place() -> None:
    shapes = np.full((2000, 2), 3)
    offsets = place_mazes(shapes, 6, 1, True, SEED, FIRST).offsets
    counts = np.bincount(offsets[:, 0] * 4 + offsets[:, 1], minlength=16)
    assert (counts > 15).all()
    assert counts[[0, 3, 12, 15]].min() > counts.mean(), "corners are not rare"


def listing(examples: Examples, row: int) -> list[int]:
    return examples.tokens[row][examples.spans.regions[row] == Region.ADJACENCY].tolist()


def named(layout: Layout, word: int) -> tuple[list[tuple[int, int]], set[tuple[int, int]]]:
    """The cells a listed word names, and those its open sides lead to."""
    text = layout.words[word]
    numbers = list(map(int, re.findall(r"\d+", text)))
    cells = list(zip(numbers[::2], numbers[1::2], strict=True))
    opened = re.search(r"\[(.*)\]", text)
    (row, col) = cells[0]
    return cells, {(row + STEPS[side][0], col + STEPS[side][1]) for side in (opened.group(1) if opened else "")}


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("tokens", ["cells", "edges"])
def test_stray_tokens_touch_no_maze_and_lead_nowhere_wrong(tokens: str, most: int) -> None:
    canvas, mazes = 8, generate((2, 3, 4), num=60, seed=2)
    tokenization = load_tokenization(tokens, canvas=canvas, origin="path", random_offsets=True)
    asked = Asked(stray_tokens=15, mazes_per_canvas=most)
    examples = encode_examples(tokenization, mazes, SEED, FIRST, asked)
    shapes = np.array([maze.shape for maze in mazes])
    placed = place_mazes(shapes, canvas, most, True, SEED, FIRST)
    numbers, sides_seen = [], set()
    for row, (first, last) in enumerate(zip(placed.first[:-1], placed.first[1:], strict=True)):
        occupied = set().union(*boxes(shapes, placed.offsets, canvas, first, last))
        strays = []
        for word in listing(examples, row):
            cells, opened = named(tokenization.layout, word)
            inside = [cell in occupied for cell in cells]
            assert all(inside) or not any(inside), "a token joins a maze and what is not of it"
            if not any(inside):
                strays.append(word)
                assert not opened & occupied
                sides_seen.add(len(opened))
                assert all(0 <= r < canvas and 0 <= c < canvas for r, c in opened)
            else:
                assert opened <= occupied
        assert len({tuple(named(tokenization.layout, word)[0]) for word in strays}) == len(strays)
        numbers.append(len(strays))
    assert min(numbers) == 0 or len(numbers) < 30
    assert max(numbers) <= 15
    assert len(set(numbers)) > 8, "their number is drawn evenly"
    if tokens == "cells":
        assert {0, 1, 2, 3} <= sides_seen


def test_a_full_canvas_has_no_stray_tokens() -> None:
    tokenization = load_tokenization("cells", canvas=3, origin="path", random_offsets=True)
    mazes = generate(3, num=20, seed=2)
    plain = encode_examples(tokenization, mazes, SEED, FIRST, Asked(starts=30))
    full = encode_examples(tokenization, mazes, SEED, FIRST, Asked(starts=30, stray_tokens=9, mazes_per_canvas=4))
    assert len(full) == 20
    for row in range(20):
        assert sorted(listing(full, row)) == sorted(listing(plain, row))
        assert int(full.spans.segments[row].max()) == int(plain.spans.segments[row].max()) > 1
        path = [examples.tokens[row, int(examples.spans.path_start[row]) :] for examples in (full, plain)]
        length = min(map(len, path))
        assert path[0][:length].tolist() == path[1][:length].tolist()


def test_where_there_is_little_room_all_of_it_is_taken() -> None:
    tokenization = load_tokenization("cells", canvas=4, origin="path", random_offsets=True)
    mazes = generate(3, num=400, seed=2)
    examples = encode_examples(tokenization, mazes, SEED, FIRST, Asked(stray_tokens=500))
    numbers = [len(listing(examples, row)) for row in range(400)]
    assert max(numbers) == 16
    assert numbers.count(16) > 350


def test_a_list_in_order_stays_in_order() -> None:
    tokenization = load_tokenization("cells", canvas=8, origin="path", random_offsets=True, shuffle_edges=False)
    mazes = generate((3, 4), num=10, seed=2)
    examples = encode_examples(tokenization, mazes, SEED, FIRST, Asked(stray_tokens=6))
    plain = encode_examples(tokenization, mazes, SEED, FIRST)
    for row in range(10):
        own = len(listing(plain, row))
        cells = [named(tokenization.layout, word)[0][0] for word in listing(examples, row)[:own]]
        assert cells == sorted(cells)
