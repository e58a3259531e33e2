from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from maze_rl.errors import UnknownNameError
from maze_rl.evaluation.result_table import HEAD
from maze_rl.evaluation.results import Estimate, EvaluationResult, LengthRow, PairedDifference, SizeRow

Read = Callable[[str], Any]


def rate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.02, high=value + 0.01, num=1200, layouts=900)


def size_row(size: int) -> SizeRow:
    best = rate(1 - size / 50)
    return SizeRow(
        size=size,
        num=1200,
        in_training_range=size <= 6,
        valid=rate(0.99),
        reaches=rate(0.97),
        simple=best,
        shortest=best,
        exact_match=best,
        spl=best,
        optimality_ratio=None,
        progress=best,
        baselines={"manhattan": rate(0.4), "random_non_backtracking": rate(0.2)},
        against_manhattan=PairedDifference(value=0.5, low=0.45, high=0.55, p_value=1.25e-30),
        solved_where_manhattan_fails=None if size == 5 else rate(0.8),
        layouts=900,
    )


@pytest.fixture
def result() -> EvaluationResult:
    lengths = [
        LengthRow(low=low, high=low + 3, num=700, in_training_range=low < 5, shortest=rate(0.9), baselines={})
        for low in (1, 5, 9)
    ]
    return EvaluationResult(
        model="runs/<x>",
        algorithm="dfs",
        num_per_size=1200,
        seed=0,
        maze_digest="0" * 64,
        training_sizes=[5, 6],
        longest_training_path=20,
        rows=[size_row(size) for size in (5, 6, 7)],
        by_length=lengths,
        grid=[],
        teacher_forced=[],
        first_errors=[],
        examples=[],
        seconds=1.0,
    )


def test_one_line_says_the_rate_at_every_size(result: EvaluationResult) -> None:
    assert repr(result) == (
        "<EvaluationResult: runs/<x>; shortest paths by size 5: 0.90, 6: 0.88, 7: 0.86; 1,200 dfs mazes per size>"
    )
    many = replace(result, rows=[size_row(5)] * 40)
    assert repr(many).endswith("5: 0.90, ... 40 sizes; 1,200 dfs mazes per size>")


def test_rows_and_numbers_say_their_interval(result: EvaluationResult) -> None:
    assert repr(result.rows[0].shortest) == "<Estimate: 0.900 [0.880, 0.910], num=1,200>"
    assert repr(result.rows[2]) == (
        "<SizeRow: size 7 (not trained on): shortest 0.860 [0.840, 0.870], Manhattan 0.400, 1,200 mazes>"
    )
    assert repr(result.by_length[0]) == (
        "<LengthRow: 1 to 4 steps (trained on): shortest 0.900 [0.880, 0.910], 700 mazes>"
    )
    assert repr(result.rows[0].against_manhattan) == "<PairedDifference: 0.500 [0.450, 0.550], p 1.2e-30>"


def test_print_shows_a_table(result: EvaluationResult) -> None:
    lines = str(result).splitlines()
    assert lines[0] == "runs/<x>: greedy rollouts, 1,200 held-out dfs mazes per size"
    assert lines[2].split() == " ".join(HEAD).split()
    assert lines[3].split() == ["5", "900", "0.900", "0.88-0.91", "0.970", "0.990", "0.400", "0.200", "-"]
    assert lines[5].split() == ["7*", "900", "0.860", "0.84-0.87", "0.970", "0.990", "0.400", "0.200", "0.800"]
    assert len({len(line) for line in lines[2:6]}) == 1
    assert lines[-1] == "*: outside the sizes trained on."


def test_a_notebook_shows_a_table_with_bars(result: EvaluationResult, read_page: Read) -> None:
    page = read_page(result._repr_html_())
    assert page.text.startswith("runs/<x> greedy rollouts, 1,200 held-out dfs mazes per size size layouts shortest")
    assert "5 900 0.900 0.88-0.91 0.970 0.990 0.400 0.200 -" in page.text
    assert page.tags.count("svg") == 3
    assert 'aria-label="0.860, 0.840 to 0.870"' in result._repr_html_()


def lines_of(axes: Any) -> dict[str, list[list[float]]]:
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


@pytest.mark.usefixtures("closed_figures")
def test_plot_draws_rates_beside_baselines(result: EvaluationResult) -> None:
    axes = result.plot()
    drawn = lines_of(axes)
    assert drawn["runs/<x>"] == pytest.approx(np_rows([(5, 90), (6, 88), (7, 86)]))
    assert drawn["Manhattan greedy"] == pytest.approx(np_rows([(5, 40), (6, 40), (7, 40)]))
    assert set(drawn) == {"runs/<x>", "Manhattan greedy", "random, no turning back"}
    assert [text.get_text() for text in axes.get_xticklabels()] == ["5", "6", "7"]
    shaded = [patch.get_x() for patch in axes.patches]
    assert shaded == [4.5, 5.5]


def np_rows(rows: list[tuple[float, float]]) -> Any:
    import numpy as np

    return np.array(rows, float)


@pytest.mark.usefixtures("closed_figures")
def test_a_second_result_on_the_same_axes_has_its_own_colour(result: EvaluationResult) -> None:
    axes = result.plot()
    assert replace(result, model="other").plot(axes) is axes
    colours = {line.get_label(): line.get_color() for line in axes.lines}
    assert len(axes.lines) == 4
    assert colours["other"] != colours["runs/<x>"]


def length_row(low: int, high: int, value: float) -> LengthRow:
    return LengthRow(low=low, high=high, num=700, in_training_range=None, shortest=rate(value), baselines={})


@pytest.mark.usefixtures("closed_figures")
def test_results_on_the_same_axes_share_the_places_of_sizes_and_lengths(result: EvaluationResult) -> None:
    short = replace(result, by_length=[length_row(1, 4, 0.9), length_row(5, 8, 0.8)])
    far = replace(result, model="far", rows=[size_row(4), size_row(9)])
    far = replace(far, by_length=[length_row(5, 8, 0.7), length_row(13, 16, 0.6), length_row(97, 120, 0.5)])
    farther = replace(far, model="farther", by_length=[length_row(97, 130, 0.4)])
    axes = short.plot(by="length")
    for other in (far, farther):
        other.plot(axes, by="length")
    drawn = lines_of(axes)
    assert drawn["runs/<x>"] == pytest.approx(np_rows([(0, 90), (1, 80)]))
    assert drawn["far"] == pytest.approx(np_rows([(1, 70), (3, 60), (9, 50)]))
    assert drawn["farther"] == pytest.approx(np_rows([(9, 40)]))
    ticks = {tick.get_position()[0]: tick.get_text() for tick in axes.get_xticklabels()}
    assert ticks == {0: "1–4", 1: "5–8", 3: "13–16", 9: "97–130"}
    axes = short.plot()
    far.plot(axes)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["4", "5", "6", "7", "9"]
    assert axes.get_xticks().tolist() == [4, 5, 6, 7, 9]


@pytest.mark.usefixtures("closed_figures")
def test_colours_of_results_on_the_same_axes_differ_clearly(result: EvaluationResult) -> None:
    from matplotlib.colors import to_rgb

    axes = result.plot()
    for number in range(5):
        replace(result, model=f"other {number}").plot(axes)
    colours = [to_rgb(line.get_color()) for line in axes.lines if line.get_marker() == "o"]
    assert len(colours) == 6
    apart = [
        sum((a - b) ** 2 for a, b in zip(one, two, strict=True)) ** 0.5
        for place, one in enumerate(colours)
        for two in colours[:place]
    ]
    assert min(apart) > 0.2


def test_only_mazes_of_the_test_split_are_called_held_out(result: EvaluationResult) -> None:
    of_any = replace(result, by_split={"train": 900, "validation": 100, "test": 200})
    assert str(of_any).splitlines()[0] == "runs/<x>: greedy rollouts, 1,200 dfs mazes per size"
    assert "walls by split: 900 train, 100 validation, 200 test" in str(of_any)


@pytest.mark.usefixtures("closed_figures")
def test_plot_by_length(result: EvaluationResult) -> None:
    axes = result.plot(by="length", label="mine")
    assert list(lines_of(axes)) == ["mine"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1–4", "5–8", "9–12"]
    with pytest.raises(UnknownNameError, match="length"):
        result.plot(by="lenght")
