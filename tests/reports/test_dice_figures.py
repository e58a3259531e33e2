"""The three panels of dice: what they show is what the rows say, and short or bare logs are drawn as well."""

import numpy as np
import pytest
from matplotlib.text import Text

from maze_rl.reports.dice_figures import MOST_ROLLS, dice_panels, read_rolls
from maze_rl.reports.vector_graphics import figure_style, inline_svg
from maze_rl.training.slots import Moment
from maze_rl.training.update_rules.dice import DiceRoll


def rows_of(steps: int, rolls: int = 1, validate_every: int = 5) -> list[dict]:
    die, rows = DiceRoll(0), []
    for step in range(1, steps + 1):
        loss = 2.0 / step
        records = [{**die.decide(Moment(step, 0, lambda: 1.0)).record, "loss": loss} for _ in range(rolls)]
        rows.append({"step": step, "loss": loss, "rolls": records})
        if step % validate_every == 0:
            rows[-1]["validation_loss"] = 1.1 * loss
    return rows


@pytest.mark.parametrize("rolls", [1, 4])
def test_panels_hold_the_losses_before_and_after_and_of_validation(rolls: int) -> None:
    rows = rows_of(20, rolls)
    with figure_style():
        before, after, validation = dice_panels(rows).axes
    assert [axes.get_title(loc="left").split(",")[0].split(":")[0] for axes in (before, after, validation)] == [
        "loss before the roll",
        "loss after the roll",
        "validation loss",
    ]
    np.testing.assert_allclose(before.lines[0].get_ydata(), np.repeat(2.0 / np.arange(1, 21), rolls))  # type: ignore[arg-type]
    np.testing.assert_allclose(validation.lines[0].get_xydata()[:, 0], [5, 10, 15, 20])  # type: ignore[index]
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in after.collections])
    expected = [
        (row["step"] - 1 + place / rolls, roll["scale"] * roll["loss"])
        for row in rows
        for place, roll in enumerate(row["rolls"], 1)
    ]
    np.testing.assert_allclose(sorted(drawn.tolist()), sorted(expected))


def test_the_key_gives_the_share_of_every_outcome_and_the_mean_scale() -> None:
    rows = rows_of(200)
    outcomes = [row["rolls"][0]["outcome"] for row in rows]
    scales = [row["rolls"][0]["scale"] for row in rows]
    with figure_style():
        figure = dice_panels(rows)
        svg = inline_svg(figure, "dice", "three panels")
    texts = {text.get_text() for text in figure.findobj(Text)}  # type: ignore[attr-defined]
    assert f"{outcomes.count('success') / 2:.0f} % saves" in texts
    assert f"{outcomes.count('critical failure') / 2:.0f} % critical failures" in texts
    assert f"mean scale {np.mean(scales):.3f}" in texts
    assert "critical failures</text>" in svg and "var(--vermillion)" in svg


def test_long_logs_are_drawn_by_every_nth_roll() -> None:
    with figure_style():
        after = dice_panels(rows_of(MOST_ROLLS + 500)).axes[1]
    drawn = sum(len(points.get_offsets()) for points in after.collections)  # type: ignore[arg-type]
    assert MOST_ROLLS / 2 <= drawn <= MOST_ROLLS


def test_a_roll_without_a_loss_has_that_of_its_step_and_others_are_left_out() -> None:
    record = {"face": 20, "outcome": "critical success", "scale": 1.0}
    rows = [
        {"step": 1, "loss": 2.0, "rolls": [record]},
        {"step": 2, "loss": None, "rolls": [record]},
        {"step": 3, "loss": 1.0},
        {"step": 4, "loss": 1.0, "rolls": [{"scale": 0.5}]},
        {"step": 5, "loss": 1.0, "rolls": [record | {"loss": 3.0, "scale": -0.5}]},
    ]
    rolls = read_rolls(rows)
    assert rolls.steps.tolist() == [1, 5] and rolls.after.tolist() == [2.0, -1.5]


@pytest.mark.parametrize("rows", [[], [{"step": 1, "loss": 0.0}], rows_of(1), rows_of(3, validate_every=9)])
def test_short_and_bare_logs_are_drawn(rows: list[dict]) -> None:
    with figure_style():
        figure = dice_panels(rows)
        inline_svg(figure, "dice", "three panels")
    assert any(text.get_text() == "not recorded" for text in figure.axes[2].texts)
