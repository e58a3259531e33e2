"""Corner-first order: the cells and edges of a small canvas come before those a larger one adds.

Cells are sorted by ring ``max(row, col)``, inside a ring by ``(row, col)`` for even rows and ``(col, row)``
for odd ones, ties in row-major order (the order of maze-dataset's AOTP_UT_uniform vocabulary). An edge
belongs to the ring of its farther cell. Ids therefore never change when the canvas grows.
"""

from functools import lru_cache

Cell = tuple[int, int]
Edge = tuple[int, int, int]
"""(direction, row, col): direction 0 joins (row, col)-(row + 1, col), 1 joins (row, col)-(row, col + 1)."""


@lru_cache(maxsize=64)
def corner_first_cells(canvas: int) -> tuple[Cell, ...]:
    """List the cells of a `canvas` x `canvas` grid in corner-first order."""
    cells = [(row, col) for row in range(canvas) for col in range(canvas)]
    return tuple(sorted(cells, key=lambda cell: (max(cell), cell if cell[0] % 2 == 0 else (cell[1], cell[0]))))


def edge_cells(edge: Edge) -> tuple[Cell, Cell]:
    """Return the two cells of an edge, the upper or left one first."""
    direction, row, col = edge
    return (row, col), (row + 1, col) if direction == 0 else (row, col + 1)


@lru_cache(maxsize=64)
def corner_first_edges(canvas: int) -> tuple[Edge, ...]:
    """List the lattice edges of a `canvas` x `canvas` grid in corner-first order of their farther cell."""
    rank = {cell: position for position, cell in enumerate(corner_first_cells(canvas))}
    down = [(0, row, col) for row in range(canvas - 1) for col in range(canvas)]
    right = [(1, row, col) for row in range(canvas) for col in range(canvas - 1)]

    def order(edge: Edge) -> tuple[int, int]:
        ranks = [rank[cell] for cell in edge_cells(edge)]
        return max(ranks), min(ranks)

    return tuple(sorted(down + right, key=order))


def ring(edge: Edge) -> int:
    """Return the ring an edge belongs to: the larger ``max(row, col)`` of its cells."""
    return max(max(cell) for cell in edge_cells(edge))
