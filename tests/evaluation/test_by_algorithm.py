from collections.abc import Callable

from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.evaluation.by_algorithm import ALGORITHMS, evaluate_algorithms
from maze_rl.models.build import MazeTransformer

Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]


def test_a_perfect_model_is_perfect_on_every_algorithm(tiny_model: MazeTransformer, solving_decode: Decode) -> None:
    rows = evaluate_algorithms(
        tiny_model, sizes=(4, 5), num=15, trained_on=("dfs",), training_sizes=(5,), decode=solving_decode
    )
    assert [(row.algorithm, row.size) for row in rows] == [(name, size) for name in ALGORITHMS for size in (4, 5)]
    assert all(row.shortest.value == 1.0 and row.shortest.num == 15 for row in rows)
    assert [row.trained_on for row in rows] == [True, True, False, False, False, False]
    assert [row.in_training_range for row in rows[:2]] == [False, True]
    assert any(row.manhattan.value < 1.0 for row in rows)


def test_a_size_that_has_no_test_maze_of_an_algorithm_is_left_out(
    tiny_model: MazeTransformer, solving_decode: Decode
) -> None:
    rows = evaluate_algorithms(tiny_model, sizes=(2, 5), algorithms=("dfs",), num=5, decode=solving_decode)
    assert [(row.algorithm, row.size) for row in rows] == [("dfs", 5)]
