"""Any text either reads as exactly the maze it spells or is refused in one line."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_rl.configs.tokenization import FORMATS
from maze_rl.errors import MazeRLError
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

SHAPE = (3, 4)
CHOICES = [
    load_tokenization(name, canvas=5, **options)
    for name in FORMATS
    for options in (
        {},
        {"path": "moves"},
        {"path": "turns"},
        {"walls": True},
        {"query": "first"},
        {"connectors": False},
        {"origin": "path"},
    )
    if name not in ("edges", "cells") or "connectors" not in options
    if name != "cells" or "walls" not in options
]
MUTATIONS = ("drop", "swap", "duplicate", "replace", "foreign")


def listed_edges(words: list[str], tokenization: Tokenization) -> tuple[set, set]:
    """Read the open edges and the walls of a list by its numbers alone; None stands for what is no edge."""
    start, end = words.index("<ADJLIST_START>") + 1, words.index("<ADJLIST_END>")
    if tokenization.name == "cells":
        return edges_of_cells(words[start:end]), set()
    size, opened, closed = tokenization.layout.tokens_per_edge, set(), set()
    for at in range(start, end, size):
        group = " ".join(words[at : at + size])
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        first, second = sorted([tuple(numbers[:2]), tuple(numbers[2:])])
        (closed if "|" in group or "<XX>" in group else opened).add((int(first[0] == second[0]), *first))
    return opened, closed


def edges_of_cells(words: list[str]) -> set:
    """Read the open edges of a list of cells, which must name every cell once and agree on both sides."""
    steps = {"S": (1, 0), "E": (0, 1), "N": (-1, 0), "W": (0, -1)}
    ways = set()
    for word in words:
        row, col = map(int, re.findall(r"\d+", word))
        ways |= {((row, col), (row + steps[side][0], col + steps[side][1])) for side in word.split("[")[1][:-1]}
    cells = [word.split("[")[0] for word in words]
    assert len(cells) == len(set(cells)) == SHAPE[0] * SHAPE[1]
    assert ways == {(there, here) for here, there in ways}
    return {(int(here[0] == there[0]), *here) for here, there in ways if here < there}


def mutate(words: list[str], data: st.DataObject, vocabulary: tuple[str, ...]) -> list[str]:
    """Change a few words at random."""
    words = list(words)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(len(words) - 1, 0)))
        kind = data.draw(st.sampled_from(MUTATIONS))
        if not words:
            break
        if kind == "drop":
            del words[at : at + data.draw(st.integers(1, 12))]
        elif kind == "swap":
            other = data.draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
        elif kind == "duplicate":
            words.insert(at, words[at])
        elif kind == "replace":
            words[at] = data.draw(st.sampled_from(vocabulary))
        else:
            words[at] = data.draw(st.text(max_size=6))
    return words


@settings(max_examples=300, deadline=None, derandomize=True)
@given(tokenization=st.sampled_from(CHOICES), seed=st.integers(0, 50), data=st.data())
def test_mutated_text_is_refused_or_read_exactly(
    tokenization: Tokenization, seed: int, data: st.DataObject, rectangle: Callable[..., Maze]
) -> None:
    words = tokenization.to_text(rectangle(*SHAPE, 0.2, seed), seed=seed).split()
    text = " ".join(mutate(words, data, tokenization.vocabulary))
    try:
        maze = tokenization.from_text(text, SHAPE)
    except MazeRLError as refusal:
        assert str(refusal)
        assert len(str(refusal).splitlines()) == 1
        return
    opened, closed = listed_edges(text.split(), tokenization)
    assert {tuple(edge) for edge in np.argwhere(maze.connections).tolist()} == opened
    assert not opened & closed


@settings(max_examples=200, deadline=None, derandomize=True)
@given(tokenization=st.sampled_from(CHOICES), text=st.text(max_size=40))
def test_any_text_is_refused(tokenization: Tokenization, text: str) -> None:
    try:
        tokenization.from_text(text, SHAPE)
    except MazeRLError as refusal:
        assert len(str(refusal).splitlines()) == 1
    else:
        raise AssertionError(f"{text!r} was read as a maze")


def test_mutations_of_groups_that_stay_readable(rectangle: Callable[..., Maze]) -> None:
    """Whole edges dropped or doubled leave readable text: the check above must see accepted text too."""
    accepted = 0
    maze: Any = rectangle(*SHAPE, 0.6, 3)
    for tokenization in (choice for choice in CHOICES if choice.name != "cells"):
        words, size = tokenization.to_text(maze).split(), tokenization.layout.tokens_per_edge
        start = words.index("<ADJLIST_START>") + 1
        doubled = words[:start] + words[start : start + size] + words[start:]
        assert tokenization.from_text(" ".join(doubled), SHAPE) == maze
        try:
            fewer = tokenization.from_text(" ".join(words[:start] + words[start + size :]), SHAPE)
        except MazeRLError:
            continue
        accepted += 1
        assert maze.connections.sum() - fewer.connections.sum() in (0, 1)
    assert accepted > 5
