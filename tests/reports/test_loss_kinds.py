"""Losses of unlike kinds never share an axis, a column or a sentence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from maze_rl.reports.comparison_readings import trainings_reading
from maze_rl.reports.failure_readings import training_reading
from maze_rl.reports.loss_kinds import kinds_of_rows, training_kind, validation_kind
from maze_rl.reports.run_comparison.comparison_files import columns_of, page_text, points_text, table_row
from maze_rl.reports.run_comparison.curve_figures import learning_figure
from maze_rl.reports.run_comparison.groups import Comparison, Group, SeedRun
from maze_rl.reports.run_comparison.learning_curves import having, recorded
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.training_figures import panels_of, training_curves
from maze_rl.reports.vector_graphics import figure_style

SPIN = {"loss": "logistic", "nll": 0.0, "length_normalised": False}
GAME = {"steps": 20, "spin": SPIN}


def config(*phases: dict, loss: str = "path_only", **tokens: str) -> dict:
    return {"training": {"loss": loss, "phases": list(phases) or [{"steps": 40}]}, "tokenization": tokens}


def log(supervised: int, game: int = 0) -> list[dict]:
    """A log that ends with a game, whose losses are near ln 2 and whose accuracy counts pairs."""
    rows = [{"step": step, "loss": 0.05, "accuracy": 0.9, "tokens": 10 * step} for step in range(1, supervised + 1)]
    rows += [
        {"step": step, "loss": 0.69, "accuracy": 0.5, "margin": 0.1, "tokens": 10 * step}
        for step in range(supervised + 1, supervised + game + 1)
    ]
    for row in rows[9::10]:
        row |= {"validation_loss": 0.07, "validation_exact": 0.5}
    return rows


ALIKE = config()
ROUNDS = config({"steps": 20}, GAME)


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        (config(), config(), True),
        (config(), config(loss="weighted:0.3"), False),
        (config(), config({"steps": 40, "loss": "all"}), False),
        (config(format="edges"), config(format="cells"), True),
        (config(format="edges"), config(format="row_column"), False),
        (config(format="edges"), config(format="edges", path="moves"), False),
        (config(format="edges", path="moves"), config(format="edges", path="turns"), False),
        (config(format="cells", loss="all"), config(format="cells", loss="all", path="turns"), False),
        (config(format="edges", loss="all"), config(format="cells", loss="all"), False),
    ],
)
def test_what_is_one_kind(first: dict, second: dict, alike: bool) -> None:
    row = {"step": 3, "loss": 1.0}
    assert (training_kind(first, row) == training_kind(second, row)) is alike
    assert (validation_kind(first) == validation_kind(second)) is alike


def test_what_a_sequence_asks_is_part_of_a_training_loss_alone() -> None:
    asked = config()
    asked["training"]["starts"] = 24
    assert training_kind(asked, {"step": 1}).name == "path_only, 24 further starts"
    assert validation_kind(asked) == validation_kind(config())


def test_factors_on_the_weights_are_part_of_a_training_loss_alone() -> None:
    weighed = config()
    weighed["training"]["weight_factors"] = ["within_reach:1"]
    assert training_kind(weighed, {"step": 1}).name == "path_only × within_reach:1"
    assert validation_kind(weighed) == validation_kind(config()), "validation takes no factor"


@pytest.mark.parametrize(
    ("spin", "name", "unit"),
    [
        (SPIN, "self-play game (logistic)", "nats per pair of paths"),
        (SPIN | {"loss": "hinge"}, "self-play game (hinge)", "per pair of paths"),
        (SPIN | {"nll": 0.3}, "self-play game (logistic + 0.3 nll)", "nats per pair of paths"),
        (SPIN | {"loss": "filtered"}, "filtered: −log likelihood of written paths", "nats per path"),
        (SPIN | {"length_normalised": True}, "self-play game (logistic)", "nats per pair of paths and token"),
    ],
)
def test_games_say_what_they_count(spin: dict, name: str, unit: str) -> None:
    kind = training_kind(config({"steps": 5}, {"steps": 5, "spin": spin}), {"step": 7, "margin": 0.0})
    assert (kind.name, kind.unit, kind.hits, kind.direction) == (name, unit, "pairs", "")


def test_rows_are_sorted_by_kind() -> None:
    by_kind = kinds_of_rows(ROUNDS, log(20, 20))
    assert [(kind.is_game, len(rows)) for kind, rows in by_kind.items()] == [(False, 20), (True, 20)]


@pytest.fixture
def unlike(run_maker: Callable[..., RunSummary]) -> list[RunSummary]:
    plain = run_maker("plain", sizes=(4,), trained=(4,), num=6, steps=1)
    return [
        replace(plain, config=ALIKE, metrics=log(40)),
        replace(plain, name="rounds", config=ROUNDS, metrics=log(20, 20)),
        replace(plain, name="weighted", config=config(loss="weighted:0.3"), metrics=log(40)),
    ]


def test_each_panel_of_a_report_has_one_kind(unlike: list[RunSummary]) -> None:
    losses = {panel.title: sorted(panel.rows) for panel in panels_of(unlike) if panel.key == "loss"}
    assert losses == {
        "training loss: path_only, nats per weighted token": [0, 1],
        "training loss: self-play game (logistic), nats per pair of paths": [1],
        "training loss: weighted:0.3, nats per weighted token": [2],
    }
    with figure_style():
        figure = training_curves(unlike)
    drawn = {axes.get_title(loc="left").replace("\n", " "): axes for axes in figure.axes}
    assert {float(y) for line in drawn[next(iter(losses))].lines for y in line.get_ydata()} == {0.05}  # type: ignore[union-attr]
    assert {float(y) for line in drawn[list(losses)[1]].lines for y in line.get_ydata()} == {0.69}  # type: ignore[union-attr]


def test_sentences_say_the_end_of_each_kind(unlike: list[RunSummary]) -> None:
    text = trainings_reading(unlike).text
    assert "path_only, nats per weighted token: plain 0.050, rounds 0.050;" in text
    assert "self-play game (logistic), nats per pair of paths: rounds 0.690;" in text
    alone = training_reading(unlike[1]).text
    assert "went from 0.050 to 0.050 between steps 1 and 20" in alone and "0.690" not in alone


@pytest.fixture
def compared() -> Comparison:
    runs = {"plain": (ALIKE, log(40)), "rounds": (ROUNDS, log(20, 20)), "other": (config(loss="all"), log(40))}
    groups = [
        Group(name=name, runs=[SeedRun(seed=0, config=values, metrics=rows)]) for name, (values, rows) in runs.items()
    ]
    return Comparison(title="three", groups=groups, target=groups[0])


def test_each_column_has_one_kind(compared: Comparison) -> None:
    rows = {group.name: table_row(group, compared.groups) for group in compared.groups}
    token, game, other = (key for key in columns_of(compared.groups) if key.startswith("final_loss"))
    assert (rows["plain"][token], rows["plain"][game], rows["plain"][other]) == (pytest.approx(0.05), None, None)
    assert (rows["rounds"][token], rows["rounds"][game]) == (pytest.approx(0.05), pytest.approx(0.69))
    assert rows["other"][other] == pytest.approx(0.05)
    titles = columns_of(compared.groups)
    assert titles[game] == "final train loss: self-play game (logistic), nats per pair of paths"
    assert titles[token].endswith("nats per weighted token (lower is better)")
    assert titles[token] in page_text(compared, [], {})
    alone = compared.groups[:1]
    assert table_row(alone[0], alone)["final_loss"] == pytest.approx(0.05)


def test_each_quantity_is_of_the_groups_that_have_it(compared: Comparison) -> None:
    found = {each.title: [group.name for group in having(compared.groups, each)] for each in recorded(compared.groups)}
    assert found["training loss: self-play game (logistic), nats per pair of paths"] == ["rounds"]
    assert found["training, pairs right: self-play game (logistic), %"] == ["rounds"]
    assert found["training, weighted tokens right: path_only, %"] == ["plain", "rounds"]
    assert found["validation: paths without an error, %"] == ["plain", "rounds", "other"]
    assert '"loss (self-play game (logistic), nats per pair of paths)",rounds' in points_text(compared)


def test_lower_is_better_stands_where_it_is_true(compared: Comparison) -> None:
    with figure_style():
        figure = learning_figure(compared)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "less that of plain (lower is better)" in titles
    assert "less that of plain (higher is better)" in titles
    said = [text.get_text().replace("\n", " ") for axes in figure.axes for text in axes.texts]
    assert "only rounds has a loss of this kind: there is no difference to draw" in said
