"""What training sequences ask, checked by an oracle that knows networkx alone; draws depend on the maze alone."""

from collections.abc import Iterator

import pytest
import torch

from maze_rl.configs.canvas import Asked
from maze_rl.configs.tokenization import PATHS
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.training.examples import Examples, encode_examples

FORMATS = [
    (tokens, path) for tokens in ("cells", "edges", "unique_cells", "row_column", "coordinate_tuples") for path in PATHS
]
SEED, FIRST = 11, 40


def mazes_of(num: int = 8) -> MazeCollection:
    return generate((2, 3, 4), "dfs_percolation", num=num, seed=5)


def tokenization_of(tokens: str = "cells", path: str = "cells", canvas: int = 7, **options: object) -> Tokenization:
    return load_tokenization(tokens, canvas=canvas, origin="path", path=path, random_offsets=True, **options)


def segments_of(examples: Examples, row: int) -> Iterator[list[int]]:
    """Yield the positions of every path behind the prompt, in their order."""
    segments = examples.spans.segments[row]
    for number in range(1, int(segments.max()) + 1):
        yield (segments == number).nonzero()[:, 0].tolist()


def check_segment(examples: Examples, row: int, places: list[int], known: object, alone: bool) -> list[tuple[int, int]]:
    """Check the labels of one path against the oracle; return the cells it asks from, in their order."""
    given = known.layout.tokens_per_cell
    asked = known.labels(examples.tokens[row, places].tolist(), alone)
    assert len(asked) == len(places) - given
    for at, expected in zip(places[given:], asked, strict=True):
        found = [set(label[row, at].tolist()) - {-1} for label in (examples.optimal, examples.legal)]
        assert found == [expected.optimal, expected.legal]
        assert bool(examples.forks[row, at]) == expected.fork
        assert int(examples.remaining[row, at]) == expected.remaining
        best = [token for token in examples.optimal[row, at].tolist() if token != -1]
        assert examples.legal[row, at, : len(best)].tolist() == best
        assert int(examples.tokens[row, at]) in expected.optimal
    for at in places[:given]:
        assert examples.remaining[row, at] == -1
        assert (examples.optimal[row, at] == -1).all()
    return list(dict.fromkeys(one.cell for one in asked))


def check_segments(
    examples: Examples, row: int, paths: list[list[int]], known: object
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Check a whole path and the single steps behind it; return the cells of the path and the cells they leave."""
    path, *steps = (check_segment(examples, row, places, known, number > 0) for number, places in enumerate(paths))
    assert path[0] == known.origin
    assert path[-1] == known.target
    assert all(len(cells) == 1 for cells in steps)
    return path, [cells[0] for cells in steps]


@pytest.mark.parametrize(("tokens", "path"), FORMATS)
def test_many_starts_ask_what_the_oracle_says(oracle: type, tokens: str, path: str) -> None:
    mazes, tokenization = mazes_of(), tokenization_of(tokens, path)
    examples = encode_examples(tokenization, mazes, SEED, FIRST, Asked(starts=6))
    ends = 0
    for row, maze in enumerate(mazes):
        known = oracle(maze, tokenization.layout, tuple(examples.spans.offsets[row].tolist()))
        paths = list(segments_of(examples, row))
        path, starts = check_segments(examples, row, paths, known)
        assert set(path[:-1]).isdisjoint(starts)
        assert len(set(starts)) == len(starts) == min(6, len(known.distance) - len(path[:-1]))
        for start, places in zip(starts, paths[1:], strict=True):
            written = examples.tokens[row, places[known.layout.tokens_per_cell :]].tolist()
            assert (written == [PATH_END]) == (start == known.target)
            ends += start == known.target
        asked = (examples.remaining[row] >= 0).nonzero()[:, 0].tolist()
        assert asked == [at for places in paths for at in places[known.layout.tokens_per_cell :]]
    assert ends
    assert examples.num_mazes == len(mazes)
    assert examples.decisions == int((examples.remaining >= 0).sum())


def test_more_starts_than_cells_ask_all_cells_off_the_path_and_the_target(oracle: type) -> None:
    mazes = mazes_of()
    examples = encode_examples(tokenization_of(), mazes, SEED, FIRST, Asked(starts=100))
    for row, maze in enumerate(mazes):
        known = oracle(maze, examples.spans.layout, tuple(examples.spans.offsets[row].tolist()))
        paths = list(segments_of(examples, row))
        path, starts = check_segments(examples, row, paths, known)
        assert sorted(path[:-1] + starts) == sorted(known.distance)


@pytest.mark.parametrize("asked", [Asked(starts=4), Asked(starts=3, stray_tokens=9), Asked(stray_tokens=9)], ids=str)
@pytest.mark.parametrize("tokens", ["cells", "edges"])
def test_what_is_drawn_depends_on_the_maze_and_its_index_alone(tokens: str, asked: Asked) -> None:
    mazes, tokenization = mazes_of(12), tokenization_of(tokens)
    together = encode_examples(tokenization, mazes, SEED, FIRST, asked)
    for first, last in ((0, 1), (3, 4), (2, 9), (11, 12)):
        part = encode_examples(tokenization, mazes.take(torch.arange(first, last).numpy()), SEED, FIRST + first, asked)
        for row in range(last - first):
            length = int(part.spans.lengths[row])
            assert length == together.spans.lengths[first + row]
            for ours, theirs in (
                (part.tokens, together.tokens),
                (part.optimal, together.optimal),
                (part.legal, together.legal),
                (part.forks, together.forks),
                (part.remaining, together.remaining),
                (part.spans.segments, together.spans.segments),
                (part.spans.regions, together.spans.regions),
            ):
                assert torch.equal(ours[row, :length], theirs[first + row, :length])
    other = encode_examples(tokenization, mazes, SEED + 1, FIRST, asked)
    moved = encode_examples(tokenization, mazes, SEED, FIRST + 1, asked)
    width = min(together.tokens.shape[1], other.tokens.shape[1], moved.tokens.shape[1])
    for different in (other, moved):
        assert not torch.equal(together.tokens[:, :width], different.tokens[:, :width])


def test_asking_nothing_more_is_asking_for_the_path() -> None:
    mazes, tokenization = mazes_of(), tokenization_of()
    plain = encode_examples(tokenization, mazes, SEED, FIRST)
    asked = encode_examples(tokenization, mazes, SEED, FIRST, Asked())
    more = encode_examples(tokenization, mazes, SEED, FIRST, Asked(starts=3))
    assert torch.equal(plain.tokens, asked.tokens)
    assert asked.spans.further_starts is None
    for row in range(len(mazes)):
        length = int(plain.spans.lengths[row])
        assert torch.equal(more.tokens[row, :length], plain.tokens[row, :length])
        assert torch.equal(more.optimal[row, :length], plain.optimal[row, :length])


@pytest.mark.parametrize("query", ["last", "first"])
@pytest.mark.parametrize("tokens", ["cells", "edges"])
def test_several_mazes_on_a_canvas_keep_their_own_targets_and_labels(oracle: type, tokens: str, query: str) -> None:
    from maze_rl.training.canvas import place_mazes

    mazes, tokenization = mazes_of(30), tokenization_of(tokens, canvas=9, query=query)
    asked = Asked(starts=3, stray_tokens=12, mazes_per_canvas=3)
    examples = encode_examples(tokenization, mazes, SEED, FIRST, asked)
    shapes = torch.tensor([maze.shape for maze in mazes]).numpy()
    placement = place_mazes(shapes, 9, 3, True, SEED, FIRST)
    layout, spans = tokenization.layout, examples.spans
    together = []
    for row in range(len(examples)):
        paths, targets, listed = list(segments_of(examples, row)), [], set()
        for index in range(placement.first[row], placement.first[row + 1]):
            known = oracle(mazes[index], layout, tuple(placement.offsets[index].tolist()))
            first = paths.pop(0)
            path = check_segment(examples, row, first, known, False)
            steps = min(3, len(known.distance) - len(path[:-1]))
            check_segments(examples, row, [first, *(paths.pop(0) for _ in range(steps))], known)
            targets.append(known.spelled(known.target)[0])
            listed |= _listed(mazes[index], layout, known)
        assert not paths
        regions, words = spans.regions[row], examples.tokens[row]
        assert words[regions == Region.TARGET].tolist() == targets
        found = set(words[regions == Region.ADJACENCY].tolist())
        assert listed <= found
        assert int((regions == Region.ADJACENCY).sum()) == len(found), "a thing is listed twice"
        strays = found - listed
        assert len(strays) <= 12
        together.append(len(targets))
        named = (regions == Region.ADJACENCY) if tokens == "cells" else torch.zeros_like(regions, dtype=torch.bool)
        for region in (Region.TARGET, Region.ORIGIN, Region.PATH):
            named = named | (regions == region)
        expected = [_cell_of(layout, int(word)) for word in words[named]]
        assert spans.cells[row][named].tolist() == expected
    assert sum(together) == examples.num_mazes == len(mazes)
    assert set(together) == {1, 2, 3}
    halves = [examples.rows(torch.arange(half, len(examples), 2)) for half in (0, 1)]
    assert sum(half.num_mazes for half in halves) == len(mazes)
    assert sum(half.num_tokens for half in halves) == examples.num_tokens
    assert torch.equal(halves[1].spans.segments[0], spans.segments[1, : halves[1].tokens.shape[1]])


def _listed(maze: Maze, layout: object, known: object) -> set[int]:
    """The ids with which a maze is listed."""
    row, col = known.offset
    if layout.open_cell_ids is None:
        edges = maze.connections.nonzero()
        return {int(layout.edge_ids[d, r + row, c + col]) for d, r, c in zip(*edges, strict=True)}
    steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    ids = set()
    for cell in [(r, c) for r in range(maze.shape[0]) for c in range(maze.shape[1])]:
        near = known.graph.adj.get(cell, ())
        sides = sum(1 << side for side, step in enumerate(steps) if (cell[0] + step[0], cell[1] + step[1]) in near)
        ids.add(int(layout.open_cell_ids[cell[0] + row, cell[1] + col, sides]))
    return ids


def _cell_of(layout: object, word: int) -> list[int]:
    import re

    return [int(number) for number in re.findall(r"\d+", layout.words[word])[:2]]
