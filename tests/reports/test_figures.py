"""What the figures are made of: labels, colours, thinned curves, inline SVG."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from maze_rl.evaluation.first_error import FIRST_ERRORS
from maze_rl.evaluation.results import Estimate, GridCell
from maze_rl.reports.direct_labels import spread
from maze_rl.reports.error_figures import first_errors, hazard
from maze_rl.reports.example_figures import choose_examples
from maze_rl.reports.heat_maps import heat_map
from maze_rl.reports.names import NO_ERROR, error_name
from maze_rl.reports.palette import COLOURS, ERROR_COLOURS, LEVELS, RUN_COLOURS, light, luminance, ramp_level
from maze_rl.reports.pooling import error_counts
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.success_figures import success_by_size
from maze_rl.reports.training_figures import MOST_POINTS, series, thin
from maze_rl.reports.vector_graphics import css_identifier, figure_style, inline_svg


def test_labels_far_apart_stay_where_they_are() -> None:
    assert spread([5.0, 50.0, 20.0], 3.0, 0.0, 100.0) == [5.0, 50.0, 20.0]


def test_labels_on_one_spot_are_spread_around_it() -> None:
    assert spread([50.0, 50.0, 50.0], 4.0, 0.0, 100.0) == pytest.approx([46.0, 50.0, 54.0])
    assert spread([0.0, 0.0], 4.0, 0.0, 100.0) == pytest.approx([0.0, 4.0])


@pytest.mark.parametrize("seed", range(20))
def test_spread_labels_keep_order_distance_and_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    positions = list(random.uniform(0, 100, random.integers(1, 14)) ** 2 / 100)
    placed = spread(positions, 9.0, 0.0, 100.0)
    ordered = np.array(placed)[np.argsort(positions)]
    gap = min(9.0, 100 / max(1, len(placed) - 1))
    assert (np.diff(ordered) >= gap - 1e-6).all()
    assert ordered[0] >= -1e-6 and ordered[-1] <= 100 + 1e-6


def contrast(first: str, second: str) -> float:
    bright, dark = sorted((luminance(tuple(bytes.fromhex(colour[1:]))) for colour in (first, second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", [0, 1])
def test_text_can_be_read(mode: int) -> None:
    for name, paper in (("ink", "paper"), ("muted", "paper"), ("muted", "void"), ("muted", "band"), ("ink", "band")):
        assert contrast(COLOURS[name][mode], COLOURS[paper][mode]) >= 4.5, name
    for level in range(LEVELS):
        assert contrast(COLOURS[f"ramp-{level}"][mode], COLOURS[f"on-ramp-{level}"][mode]) >= 4.3, level


def test_the_ramp_covers_all_shares() -> None:
    assert [ramp_level(share) for share in (-0.1, 0.0, 0.5, 1.0, 1.2)] == [0, 0, 10, 20, 20]


def test_inline_svg_keeps_text_and_names_its_parts() -> None:
    with figure_style():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=light("blue"))
        axes.text(0, 0, '<b>$1.23456$</b> id="x" #0072b2', color=light("ink"))
        svg = inline_svg(figure, "one", 'a "quoted" <alt>')
    assert svg.startswith('<svg viewBox="0 0 216 144" role="img" aria-label="a &#34;quoted&#34; &lt;alt&gt;">')
    assert "&lt;b&gt;$1.23456$&lt;/b&gt;" in svg and "#0072b2</text>" in svg
    assert "stroke: var(--blue)" in svg and "fill: var(--ink)" in svg
    assert "http" not in svg and "DejaVu" not in svg and "<style" not in svg
    assert 'id="one-axes_1"' in svg and 'id="axes_1"' not in svg


def test_identifiers_are_plain() -> None:
    assert (css_identifier("Run/1 <b>"), css_identifier("…")) == ("run-1-b", "run")


def test_long_logs_are_thinned_to_medians() -> None:
    metrics = [{"step": step, "loss": float(step)} for step in range(1, 1001)] + [{"step": 1001, "loss": None}]
    steps, values = series(metrics, "loss")
    assert len(steps) == 1000
    places, middle, low, high = thin(steps, values)
    assert len(places) == MOST_POINTS
    np.testing.assert_allclose(places, middle)
    assert (low < middle).all() and (middle < high).all()


def test_success_is_drawn_where_it_was_measured(run: RunSummary) -> None:
    with figure_style():
        axes = success_by_size([run]).axes[0]
    rows = run.evaluation.rows
    expected = [[row.size, 100 * row.shortest.value] for row in rows]
    assert any(np.array_equal(line.get_xydata(), expected) for line in axes.lines)
    texts = [text.get_text() for text in axes.texts]
    assert {"model", "oracle", "Manhattan greedy", "look-ahead 16", "shaded: seen in training"} <= set(texts)
    filled = [
        float(line.get_xdata()[0])  # type: ignore[index]
        for line in axes.lines
        if line.get_marker() == "o" and line.get_markerfacecolor() == light("blue")
    ]
    assert filled == [5.0, 6.0]


def test_the_heat_map_greys_cells_with_few_mazes(run: RunSummary) -> None:
    with figure_style():
        axes = heat_map(run.evaluation).axes[0]
    grey = sum(to_hex(patch.get_facecolor()) == light("void") for patch in axes.patches)
    assert grey == sum(cell.shortest.num < 50 for cell in run.evaluation.grid) > 0
    assert len(axes.patches) == len(run.evaluation.grid)


def test_examples_show_both_kinds_over_all_sizes(run: RunSummary) -> None:
    chosen = choose_examples(run.evaluation.examples, most=3)
    right = [example for example in chosen if example.outcome == "shortest"]
    assert len(right) == 3 and len(chosen) == 6
    assert [example.size for example in right] == [4, 6, 8]


def test_only_all_is_written_as_100_percent(run: RunSummary) -> None:
    rates = [(1.0, "100"), (0.996, ">99"), (0.5, "50"), (0.004, "<1"), (0.0, "0")]
    estimates = [Estimate(value=value, low=0.0, high=1.0, num=1000) for value, _ in rates]
    cells = [GridCell(size=size, low=1, high=4, shortest=each) for size, each in enumerate(estimates, 4)]
    with figure_style():
        axes = heat_map(replace(run.evaluation, grid=cells, training_sizes=[])).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts[:-1:2] == [f"{text} %" for _, text in rates]
    assert set(texts[1:-1:2]) == {"n = 1,000"}


def test_bars_of_first_errors_are_as_high_as_the_share_of_failures(run: RunSummary) -> None:
    with figure_style():
        figure = first_errors(run.evaluation, ["malformed_cell"])
    (axes,), (legend,) = figure.axes, figure.legends
    tops = [0.0] * len(run.evaluation.first_errors)
    for container in axes.containers:
        tops = [top + patch.get_height() for top, patch in zip(tops, container, strict=True)]
    assert tops == pytest.approx([100 * (1 - row.counts["none"] / row.num) for row in run.evaluation.first_errors])
    named = {text.get_text() for text in legend.get_texts()}
    assert named == {error_name(kind) for kind in [*error_counts([run.evaluation]), "malformed_cell"]}


def test_a_type_of_error_has_one_colour_whatever_else_occurs(run: RunSummary) -> None:
    def colours(counts: dict[str, int]) -> dict[str, str]:
        row = replace(run.evaluation.first_errors[0], counts=counts | {"none": 3}, num=sum(counts.values()) + 3)
        with figure_style():
            (legend,) = first_errors(replace(run.evaluation, first_errors=[row]), list(counts)).legends
        return {
            text.get_text(): to_hex(patch.get_facecolor())
            for text, patch in zip(legend.get_texts(), legend.get_patches(), strict=True)
        }

    many = colours(dict.fromkeys(ERROR_COLOURS, 5))
    assert len(set(many.values())) == len(many) == len(ERROR_COLOURS)
    assert colours({"wall": 9, "missed_end": 1}).items() <= many.items()
    assert colours({"missed_end": 9, "wall": 1}).items() <= many.items()
    assert not {light(name) for name in RUN_COLOURS} & set(many.values()), "a colour of runs"


def test_every_type_of_first_error_has_a_name_and_a_colour() -> None:
    kinds = set(FIRST_ERRORS) - {NO_ERROR}
    assert kinds == set(ERROR_COLOURS)
    assert all("_" not in error_name(kind) for kind in kinds)


def test_an_empty_figure_says_why(run: RunSummary) -> None:
    row = run.evaluation.first_errors[0]
    start = replace(row, num=80, counts={"wall": 80, "none": 0}, hazard=[1.0], at_risk=[80], constant_hazard=1.0)
    clean = replace(row, num=80, counts={"none": 80}, hazard=[0.0, 0.0], at_risk=[80, 40], constant_hazard=0.0)
    with figure_style():
        all_at_start = hazard(replace(run.evaluation, first_errors=[start])).axes[0]
        nothing = first_errors(replace(run.evaluation, first_errors=[clean]), []).axes[0]
        nobody = hazard(replace(run.evaluation, first_errors=[])).axes[0]
    said = [" ".join(text.get_text().split()) for axes in (all_at_start, nothing, nobody) for text in axes.texts]
    assert "All rollouts went wrong at the start: none was left at any later step." in said
    assert "No rollout went wrong." in said
    assert "No rollout was at risk of an error." in said
    marked = [line for line in all_at_start.lines if line.get_marker() == "o"]
    assert [line.get_xydata().tolist() for line in marked] == [[[0.0, 100.0]]]  # type: ignore[union-attr]
