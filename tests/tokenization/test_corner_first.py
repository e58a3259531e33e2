"""Corner-first order: what a larger canvas adds comes behind what a smaller one has."""

import pytest

from maze_rl.tokenization.corner_first import corner_first_cells, corner_first_edges, edge_cells, ring

# the order of maze-dataset's AOTP_UT_uniform on 4x4, ring by ring
FOUR = (
    *((0, 0), (0, 1), (1, 0), (1, 1)),
    *((0, 2), (2, 0), (1, 2), (2, 1), (2, 2)),
    *((0, 3), (3, 0), (3, 1), (2, 3), (3, 2), (1, 3), (3, 3)),
)


def test_cells_of_4x4() -> None:
    assert corner_first_cells(4) == FOUR


@pytest.mark.parametrize("canvas", range(2, 21))
def test_a_smaller_canvas_is_a_prefix(canvas: int) -> None:
    cells, edges = corner_first_cells(canvas), corner_first_edges(canvas)
    assert cells[: (canvas - 1) ** 2] == corner_first_cells(canvas - 1)
    assert edges[: 2 * (canvas - 1) * (canvas - 2)] == corner_first_edges(canvas - 1)


@pytest.mark.parametrize("canvas", [2, 3, 7, 20])
def test_every_cell_and_edge_once(canvas: int) -> None:
    cells, edges = corner_first_cells(canvas), corner_first_edges(canvas)
    assert len(set(cells)) == len(cells) == canvas**2
    pairs = {frozenset(edge_cells(edge)) for edge in edges}
    assert len(pairs) == len(edges) == 2 * canvas * (canvas - 1)
    assert all(cell in set(cells) for pair in pairs for cell in pair)


def test_the_ring_of_an_edge_is_that_of_its_farther_cell() -> None:
    assert ring((0, 1, 0)) == 2  # (1,0)-(2,0)
    assert ring((1, 0, 0)) == 1  # (0,0)-(0,1)
    assert [ring(edge) for edge in corner_first_edges(6)] == sorted(ring(edge) for edge in corner_first_edges(6))
