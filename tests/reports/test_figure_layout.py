"""Nothing is clipped, printed over something else, or empty, in any figure of the pages, whatever the data."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from matplotlib.figure import Figure

from maze_rl.reports.dice_figures import dice_panels
from maze_rl.reports.error_figures import first_errors, hazard
from maze_rl.reports.heat_maps import heat_map, step_heat_map
from maze_rl.reports.loop_figures import success_by_loops
from maze_rl.reports.palette import ERROR_COLOURS
from maze_rl.reports.run_comparison.curve_figures import learning_figure
from maze_rl.reports.run_comparison.groups import Comparison, Group, SeedRun
from maze_rl.reports.success_figures import success_by_length, success_by_size
from maze_rl.reports.training_figures import training_curves
from maze_rl.reports.vector_graphics import figure_style

if TYPE_CHECKING:
    from maze_rl.reports.run_summary import RunSummary

LONG = "a_run_whose_name_is_rather_long_as_names_of_runs_are"


@pytest.fixture(scope="module", params=["usual", "all right", "all wrong at once", "many sizes", "one size"])
def drawn_run(request: pytest.FixtureRequest, run_maker: Callable[..., "RunSummary"]) -> "RunSummary":
    changes = {
        "usual": {},
        "all right": {"hazard": 0.0},
        "all wrong at once": {"hazard": 0.45},
        "many sizes": {"sizes": range(3, 15), "trained": (5, 6, 7, 8, 9), "num": 12, "hazard": 0.02},
        "one size": {"sizes": (5,), "trained": (5,)},
    }
    return run_maker(**changes[request.param])


FIGURES: dict[str, Callable[["RunSummary"], Figure]] = {
    "success by size": lambda run: success_by_size([run]),
    "success by length": lambda run: success_by_length([run]),
    "several by size": lambda run: success_by_size([replace(run, name=f"{LONG} {n}") for n in range(5)]),
    "heat map": lambda run: heat_map(run.evaluation),
    "steps": lambda run: step_heat_map(run.evaluation),
    "loops": lambda run: success_by_loops(run.evaluation.by_loops),
    "first errors": lambda run: first_errors(run.evaluation, list(ERROR_COLOURS)),
    "hazard": lambda run: hazard(run.evaluation),
    "training": lambda run: training_curves([run]),
    "trainings": lambda run: training_curves([replace(run, name=f"{LONG} {n}") for n in range(5)]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_run_have_no_faults(
    name: str, drawn_run: "RunSummary", figure_faults: Callable[[Figure], list[str]]
) -> None:
    with figure_style():
        assert figure_faults(FIGURES[name](drawn_run)) == []


def unlike_logs(names: list[str]) -> Comparison:
    """Groups whose losses are of several kinds, the last ones of a game."""
    groups = []
    for number, name in enumerate(names):
        loss = "path_only" if number % 2 else "weighted:0.3"
        phases = [{"steps": 20}, {"steps": 20, "spin": {"loss": "logistic", "nll": 0.25}}]
        config = {"training": {"loss": loss, "phases": phases, "starts": 24}}
        rows = [
            {"step": step, "loss": 0.01 * (41 - step), "accuracy": step / 40, "tokens": 900 * step}
            | ({"margin": 0.1} if step > 20 and number > 1 else {})
            | ({"validation_loss": 1 / step, "validation_exact": step / 50} if step % 4 == 0 else {})
            for step in range(1, 41)
        ]
        groups.append(Group(name=name, runs=[SeedRun(seed=0, config=config, metrics=rows)]))
    return Comparison(title="unlike", groups=groups, target=groups[0])


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["first", "second", "third", LONG, LONG[:20]]], ids=len)
def test_learning_curves_have_no_faults(names: list[str], figure_faults: Callable[[Figure], list[str]]) -> None:
    with figure_style():
        assert figure_faults(learning_figure(unlike_logs(names))) == []


def test_dice_have_no_faults(figure_faults: Callable[[Figure], list[str]]) -> None:
    rolls = {"outcome": "success", "scale": 1.0, "loss": 0.5}
    rows = [{"step": step, "loss": 1 / step, "rolls": [rolls]} for step in range(1, 30)]
    with figure_style():
        assert figure_faults(dice_panels(rows, loss="self-play game (logistic + 0.25 nll), nats per pair")) == []


def test_faults_are_found(figure_faults: Callable[[Figure], list[str]]) -> None:
    """The judge itself: what is clipped, overlapping or empty is named."""
    with figure_style():
        figure = Figure(figsize=(3, 2))
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1])
        left.text(0.5, 0.5, "one text")
        left.text(0.5, 0.52, "another")
        figure.text(0.95, 0.9, "a text that leaves the canvas")
        right.set_title("bare")
    faults = figure_faults(figure)
    assert any(fault.startswith("beyond the canvas: 'a text that leaves") for fault in faults)
    assert "over each other: 'one text' and 'another'" in faults
    assert "nothing drawn in 'bare'" in faults
