"""The arithmetic of comparisons: verdicts and their intervals, curves on common points, smoothing."""

import numpy as np
import pytest

from maze_rl.errors import Caution
from maze_rl.reports.run_comparison.curve_figures import count_text
from maze_rl.reports.run_comparison.groups import Comparison, Group, SeedRun, longest
from maze_rl.reports.run_comparison.learning_curves import (
    MOST_POINTS,
    Quantity,
    common_points,
    curves,
    differences,
    recorded,
    smooth,
)
from maze_rl.reports.run_comparison.measure_figures import verdict_figure
from maze_rl.reports.run_comparison.rates import rate_table, rates
from maze_rl.reports.run_comparison.verdicts import judge_pair, paired_t, verdict_table, verdicts

VALIDATION = Quantity(key="validation_loss", title="validation loss", logarithmic=True)


def group(name: str, values: list[float], measure: str = "shortest@5", seeds: list[int] | None = None) -> Group:
    rows = [{"tokens": 100, "loss": 1.0}]
    numbered = enumerate(values) if seeds is None else zip(seeds, values, strict=True)
    return Group(name=name, runs=[SeedRun(seed=s, metrics=rows, measures={measure: v}) for s, v in numbered])


def logged(name: str, *tables: list[tuple[float, float]]) -> Group:
    """A group whose seeds recorded the validation loss at some tokens."""
    runs = [
        SeedRun(seed=seed, metrics=[{"tokens": x, "validation_loss": y, "loss": y} for x, y in table])
        for seed, table in enumerate(tables)
    ]
    return Group(name=name, runs=runs)


def test_the_interval_is_students_on_paired_differences() -> None:
    from scipy.stats import ttest_rel

    ours, theirs = [0.50, 0.61, 0.44, 0.58, 0.53], [0.48, 0.55, 0.45, 0.51, 0.50]
    verdict = judge_pair(group("a", ours), group("b", theirs), "shortest@5")
    expected = ttest_rel(ours, theirs).confidence_interval()
    assert verdict is not None
    assert (verdict.low, verdict.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (verdict.word, verdict.seeds) == ("no difference shown", 5)


@pytest.mark.parametrize(
    ("measure", "shift", "word"),
    [
        ("shortest@5", 0.1, "better"),
        ("shortest@5", -0.1, "worse"),
        ("shortest@5", 0.0, "no difference shown"),
        ("path_loss@5", -0.1, "better"),
        ("path_loss@5", 0.1, "worse"),
        ("adjacency_first@5", 0.1, "worse"),
    ],
)
def test_better_and_worse_follow_the_measure(measure: str, shift: float, word: str) -> None:
    base, noise = np.array([0.5, 0.6, 0.4, 0.55, 0.45]), np.array([0.01, -0.01, 0.005, -0.005, 0.0])
    verdict = judge_pair(group("a", list(base + shift + noise), measure), group("b", list(base), measure), measure)
    assert verdict is not None
    assert verdict.word == word


def test_pairs_are_of_one_seed_whatever_their_order() -> None:
    ours = group("a", [0.9, 0.1, 0.5], seeds=[2, 0, 1])
    verdict = judge_pair(ours, group("b", [0.0, 0.4, 0.8, 0.3]), "shortest@5")
    assert verdict is not None
    assert verdict.seeds == 3
    assert (verdict.low, verdict.high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_one_seed_gets_no_verdict() -> None:
    verdict = judge_pair(group("a", [0.9]), group("b", [0.1]), "shortest@5")
    assert verdict is not None
    assert (verdict.low, verdict.word) == (None, "no difference shown")
    assert "difference +80.0 [one seed], 1 seed" in verdict.text
    assert verdict_table([verdict])[1] == [["a", "b", "1", "1.00 : 1", "+80.0 [one seed]"]]


def test_no_common_seed_or_measure_gives_nothing() -> None:
    assert judge_pair(group("a", [0.9], seeds=[5]), group("b", [0.1]), "shortest@5") is None
    assert judge_pair(group("a", [0.9]), group("b", [0.1]), "valid@5") is None


def test_unequal_tokens_are_told() -> None:
    ours = group("a", [0.5, 0.6])
    theirs = Group(
        name="b",
        runs=[SeedRun(seed=s, metrics=[{"tokens": 200, "loss": 1.0}], measures={"shortest@5": 0.5}) for s in range(2)],
    )
    verdict = judge_pair(ours, theirs, "shortest@5")
    assert verdict is not None
    assert "tokens 0.50 : 1" in verdict.text


def test_verdicts_of_all_pairs() -> None:
    groups = [group(name, [0.5, 0.6]) for name in ("a", "b", "c")]
    comparison = Comparison(
        title="", groups=groups, target=groups[0], control="b", shams={"c": "a"}, judged=["shortest@5", "valid@5"]
    )
    with pytest.warns(Caution, match="judged 'valid@5' was measured in no run"):
        found = verdicts(comparison)
    assert [(each.arm, each.against) for each in found] == [("a", "b"), ("c", "b"), ("c", "a")]


def test_the_figure_has_a_row_per_pair_and_a_panel_per_measure() -> None:
    a, b, c = (group(name, values) for name, values in (("a", [0.9, 0.8]), ("b", [0.5, 0.5]), ("c", [0.5, 0.6])))
    found = [judge_pair(a, b, "shortest@5"), judge_pair(c, b, "shortest@5")]
    figure = verdict_figure([each for each in found if each is not None])
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["a − b", "c − b"]
    strokes = [np.asarray(line.get_xdata()) for line in panel.lines if line.get_marker() == "|"]
    assert np.allclose(strokes, [[40, 30], [0, 10]])
    assert panel.get_title() == "shortest at 5, points"
    assert "● no difference shown" in [text.get_text() for text in figure.texts]


def test_small_mazes_are_shown_and_not_judged() -> None:
    ours, theirs = (group(name, [value, value + 0.01], "shortest@4") for name, value in (("a", 0.9), ("b", 0.1)))
    verdict = judge_pair(ours, theirs, "shortest@4")
    assert verdict is not None
    assert (verdict.word, verdict.verdict) == ("not judged", "not judged: too few layouts")
    assert verdict.difference == pytest.approx(0.8)
    rows = [{"tokens": 100, "loss": 1.0}]
    counted = Group(name="c", runs=[SeedRun(seed=0, metrics=rows, measures={"shortest@4": 0.5, "layouts@4": 27.0})])
    verdict = judge_pair(counted, theirs, "shortest@4")
    assert verdict is not None
    assert "shortest@4: not judged: 27 layouts (50.0 %" in verdict.text


def test_curves_interpolate_linearly_on_the_union_of_points() -> None:
    one = logged("one", [(100, 4.0), (300, 2.0)])
    other = logged("other", [(200, 1.0), (400, 3.0)])
    first, second = curves([one, other], VALIDATION)
    assert first.tokens.tolist() == [100, 200, 300, 400]
    np.testing.assert_array_equal(first.mean, [4, 3, 2, np.nan])
    np.testing.assert_array_equal(second.mean, [np.nan, 1, 2, 3])
    gap = differences([one, other], other, VALIDATION)[0]
    np.testing.assert_array_equal(gap.mean, [np.nan, 2, 0, np.nan])


def test_the_difference_of_the_target_with_itself_is_zero_wherever_it_is_defined() -> None:
    target = logged("t", [(1, 0.3), (7, 0.1), (9, 0.7)], [(2, 0.9), (8, 0.2)])
    gap = differences([target], target, VALIDATION)[0]
    assert (gap.mean[np.isfinite(gap.mean)] == 0).all()
    assert np.isfinite(gap.mean).any()
    assert (gap.low[np.isfinite(gap.low)] == 0).all()


def test_bands_are_the_range_of_seeds_and_the_interval_of_differences() -> None:
    a = logged("a", [(1, 1.0), (2, 1.0)], [(1, 3.0), (2, 5.0)])
    b = logged("b", [(1, 0.0), (2, 0.0)], [(1, 1.0), (2, 3.0)])
    curve, gap = curves([a, b], VALIDATION)[0], differences([a, b], b, VALIDATION)[0]
    assert (curve.low.tolist(), curve.mean.tolist(), curve.high.tolist()) == ([1, 1], [2, 3], [3, 5])
    mean, half = paired_t(np.array([[1.0, 1.0], [2.0, 2.0]]))
    np.testing.assert_allclose(gap.mean, mean)
    np.testing.assert_allclose(gap.high - gap.mean, half)


def test_groups_without_a_common_seed_differ_without_a_band() -> None:
    a = logged("a", [(1, 1.0), (2, 1.0)])
    b = Group(
        name="b",
        runs=[SeedRun(seed=9, metrics=[{"tokens": 1, "validation_loss": 0.5}, {"tokens": 2, "validation_loss": 0.5}])],
    )
    gap = differences([a, b], b, VALIDATION)[0]
    assert not gap.paired
    assert gap.mean.tolist() == gap.low.tolist() == [0.5, 0.5]


def test_points_are_thinned_but_the_ends_stay() -> None:
    long = logged("long", [(float(step), 1.0) for step in range(1, 3001)])
    points = common_points([long], VALIDATION)
    assert len(points) <= MOST_POINTS
    assert (points[0], points[-1]) == (1, 3000)


def test_smoothing_keeps_constants_and_lines_and_cuts_the_window_at_the_ends() -> None:
    np.testing.assert_allclose(smooth(np.full(500, 3.0)), 3.0)
    line = np.arange(500.0)
    np.testing.assert_allclose(smooth(line)[20:-20], line[20:-20])
    noisy = np.random.default_rng(0).normal(size=500)
    assert smooth(noisy)[50:450].std() < noisy.std() / 3
    assert smooth(noisy)[-1] == pytest.approx(noisy[-11:].mean())


def test_only_what_every_group_recorded_is_compared() -> None:
    full = logged("full", [(1, 1.0), (2, 1.0)])
    bare = Group(name="bare", runs=[SeedRun(seed=0, metrics=[{"tokens": 1, "loss": 1.0}])])
    assert [each.key for each in recorded([full, bare])] == ["loss"]


def test_the_longest_group_prefers_the_control_among_equals() -> None:
    groups = [logged(name, [(tokens, 1.0)]) for name, tokens in (("a", 99.0), ("b", 100.0), ("c", 50.0))]
    assert longest(groups, "b").name == "b"
    assert longest(groups, "c").name == "a"


def test_written_tokens_of_self_play_are_disclosed_apart() -> None:
    rows = [{"tokens": 5, "loss": 1.0, "spin": {"pairs": {"tokens": 40}}}, {"tokens": 9, "loss": 1.0}]
    run = SeedRun(seed=0, metrics=rows)
    assert (run.tokens, run.generated_tokens) == (9, 40)


def test_counts_are_short() -> None:
    assert [count_text(value) for value in (500, 20_000, 1_500_000)] == ["500", "20 k", "1.5 M"]


def test_rates_are_means_with_their_own_intervals() -> None:
    from scipy.stats import t

    values = [0.50, 0.61, 0.44]
    groups = [group("a", values), group("b", [0.7])]
    found = rates(Comparison(title="", groups=groups, target=groups[0], control="a", judged=("shortest@5", "valid@5")))
    low, high = t.interval(0.95, 2, loc=np.mean(values), scale=np.std(values, ddof=1) / 3**0.5)
    assert (found[0].low, found[0].high) == (pytest.approx(low), pytest.approx(high))
    assert [each.text for each in found] == [f"51.7 % [{100 * low:.1f}, {100 * high:.1f}]", "70.0 %"]
    titles, rows = rate_table([each.to_json() for each in found])
    assert titles == ["arm", "seeds", "shortest@5"]
    assert [row[:2] for row in rows] == [["a", "3"], ["b", "1"]]


def test_a_loss_is_no_percentage() -> None:
    (found,) = rates(
        Comparison(
            title="", groups=[group("a", [0.12361], "path_loss@5")], target=group("a", [0.1]), judged=("path_loss@5",)
        )
    )
    assert found.text == "0.1236"
