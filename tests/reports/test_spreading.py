"""A search spreading over a maze: right moves blue, wrong ones orange, arrows where the model would go."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from maze_rl.interp.activations.answers_by_loop import LoopAnswers
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate
from maze_rl.reports.palette import light, ramp_level
from maze_rl.reports.search.spreading import spreading_figure
from maze_rl.tokenization.layouts import STEPS

MAZES = generate(4, "dfs", num=2, seed=5).batches[0]
ROW = 1


def answers() -> LoopAnswers:
    """The shortest moves from loop 2 on, with the confidence of the loop; before, none is a neighbour."""
    labels = label_cells(MAZES)
    moves = np.full((2, 3, 16), -1, np.int8)
    moves[:, 1:] = labels.optimal.argmax(axis=2)[:, None]
    moves[:, 2, 0] = (moves[:, 2, 0] + 2) % 4  # at last the first cell turns round
    confidence = np.tile(np.array([0.1, 0.6, 0.9], np.float32)[:, None], (2, 1, 16))
    confidence[:, 2, 0] = 0.2
    return LoopAnswers(
        mazes=MAZES,
        moves=moves,
        confidence=confidence,
        optimal=labels.optimal,
        distances=labels.distances,
    )


def faces(axes: Axes) -> dict[tuple[int, int], str]:
    squares = [each for each in axes.patches if isinstance(each, Rectangle)]
    return {(round(each.get_y() + 0.5), round(each.get_x() + 0.5)): to_hex(each.get_facecolor()) for each in squares}


def test_cells_have_the_colour_of_their_answer_and_an_arrow_to_where_they_would_go() -> None:
    found = answers()
    figure = spreading_figure(found, ROW, (1, 2, 3), across=2)
    field, *pictures = figure.axes
    assert len(pictures) == 3 and len(faces(field)) == 16
    assert [each.get_title(loc="left") for each in pictures] == ["after 1 loop", "after 2 loops", "after 3 loops"]
    target = MAZES[ROW].target
    for loop, axes in enumerate(pictures):
        coloured = faces(axes)
        assert set(coloured) == {(row, col) for row in range(4) for col in range(4)} - {target}
        for cell, colour in coloured.items():
            number = 4 * cell[0] + cell[1]
            sure = float(found.confidence[ROW, loop, number])
            share = sure if found.right[ROW, loop, number] else sure - 1
            assert colour == light(f"diverging-{ramp_level((share + 1) / 2)}")
        arrows = [each for each in axes.texts if isinstance(each, Annotation)]
        ways = {
            (round(each.xy[1] - 0.36 * down), round(each.xy[0] - 0.36 * right)): (down, right)
            for each in arrows
            for down, right in STEPS.tolist()
            if np.allclose(
                each.xy,
                (round(each.xy[0] - 0.36 * right) + 0.36 * right, round(each.xy[1] - 0.36 * down) + 0.36 * down),
            )
        }
        expected = {
            cell: tuple(STEPS[found.moves[ROW, loop, 4 * cell[0] + cell[1]]].tolist())
            for cell in coloured
            if found.moves[ROW, loop, 4 * cell[0] + cell[1]] >= 0
        }
        assert ways == expected
