"""Do dice lead elsewhere in the loss landscape than plain updates, and to flatter ground?

A script with loops of its own: ``python experiments/loss_landscape.py --out FOLDER``. Roll-to-Train promises that dice
explore the landscape; here that is measured. Runs share first weights, mazes and their order; they differ in what
becomes of an update: as it is (`plain`), rolled for (`dice`, the classic rules), or shrunk by the mean of those rolls
(`mean_scale`, the sham: as much dice as there is without chance). On held-out mazes, a run's weights being one point:

- barrier: on the straight line between two ends, the most by which the loss lies above the line between their losses;
- rise: how much the loss rises at a relative distance of 0.2 from an end, the mean over random directions in which
  every column of a matrix is as long as that column of the weights (filter normalisation, Li et al. 2018, Visualizing
  the Loss Landscape of Neural Nets, 1712.09913; vectors stay);
- the figure: the line through the ends of plain and dice and beyond them; the plane through start and both ends, with
  the way of every run laid on it; the rise by distance.

Expected: no barrier, since runs that begin alike and see the same mazes end in one valley; dice on flatter ground than
plain, since they are less far along, and no flatter than the mean scale. Cost: half a minute a seed on
one idle CPU core; a call that was interrupted goes on.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor, nn

from maze_rl.configs.experiment import small_run
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.weight_space import Loss, filter_direction, flat, line, losses_at, place, plane_through
from maze_rl.models.build import build_model
from maze_rl.reports.palette import light
from maze_rl.reports.run_comparison.verdicts import paired_t
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.vector_graphics import WIDTH, figure_style
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.state import new_state
from maze_rl.training.trainer import Callbacks, train
from maze_rl.training.update_rules.rule_sets import mean_scale
from maze_rl.training.validation import validator
from maze_rl.workflows.arms_script import run_script

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARMS = {
    "plain": ("every_step", "blue"),
    "dice": ("dice:classic", "vermillion"),
    "mean_scale": (f"scale:{mean_scale('classic'):.10g}", "green"),
}
"""Name -> update rule and colour."""
JUDGED = 0.2
DISTANCES = (0.05, 0.1, 0.15, JUDGED, 0.25, 0.3)
PAIRS = (("dice", "plain"), ("dice", "mean_scale"))
FIGURE = "loss_landscape"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The runs and what is measured of them."""

    size: int = 5
    steps: int = 200
    batch_size: int = 32
    layers: int = 2
    d_model: int = 32
    mazes: int = 64
    """Held-out mazes of every loss."""
    points: int = 15
    """Of the line, and of a side of the plane."""
    directions: int = 5
    snapshots: int = 20
    """Weights kept along the way."""


@dataclass(frozen=True)
class Ways:
    """The runs of one seed."""

    model: nn.Module
    loss: Loss
    weights: dict[str, Float[Tensor, "snapshot weight"]]
    """By arm: the start, then on to the end."""

    def end(self, arm: str) -> Float[Tensor, " weight"]:
        """Return the last weights of a run."""
        return self.weights[arm][-1]


def rises(ways: Ways, arm: str, settings: Settings, seed: int) -> Float[ndarray, " distance"]:
    """Return how much the loss rises at each of `DISTANCES` from the end of a run, the mean over random directions."""
    end = ways.end(arm)
    place(ways.model, end)
    lowest = ways.loss(ways.model)
    ups = []
    for draw in range(settings.directions):
        away = filter_direction(ways.model, seed, draw)
        points = torch.stack([end + distance * away for distance in DISTANCES])
        ups.append(losses_at(ways.model, points, ways.loss) - lowest)
    return np.mean(ups, axis=0)


def barrier(ways: Ways, first: str, second: str, points: int) -> float:
    """Return the most by which the loss between two ends lies above the line between theirs; 0 where it never does."""
    shares = np.linspace(0, 1, points)
    losses = losses_at(ways.model, line(ways.end(first), ways.end(second), shares), ways.loss)
    return float((losses - np.interp(shares, (0, 1), losses[[0, -1]])).max())


def train_ways(settings: Settings, seed: int) -> Ways:
    """Train every arm from the same weights on the same mazes, and keep weights along the way."""
    base = small_run(
        (settings.size,),
        steps=settings.steps,
        canvas=settings.size,
        batch_size=settings.batch_size,
        n_layers=settings.layers,
        d_model=settings.d_model,
        validation_mazes=settings.mazes,
    )
    tokenization = Tokenization(base.tokenization)
    weights, model = {}, None
    steps = set(np.linspace(0, settings.steps, settings.snapshots + 1).astype(int).tolist())
    for arm, (rule, _) in ARMS.items():
        model = build_model(base.model, tokenization, seed=seed)
        state = new_state(model, replace(base.training, update_rule=rule), seed)
        way = [flat(model)]

        def keep_weights(row: dict[str, Any], model: nn.Module = model, way: list[Tensor] = way) -> None:
            if row["step"] in steps:
                way.append(flat(model))

        train(state, replace(base.training, update_rule=rule), Callbacks(on_row=keep_weights))
        weights[arm] = torch.stack(way)
        print(f"seed {seed}: {arm} trained", file=sys.stderr, flush=True)
    assert model is not None
    measure = validator(base.training, tokenization, seed=0)  # the same mazes for every seed
    return Ways(model.eval(), lambda model: measure(model)["validation_loss"], weights)


def measured(ways: Ways, settings: Settings, seed: int) -> dict[str, Any]:
    """Return the numbers of one seed."""
    ends = losses_at(ways.model, torch.stack([ways.end(arm) for arm in ARMS]), ways.loss)
    shares = line_shares(settings)
    return {
        "seed": seed,
        "loss": dict(zip(ARMS, ends.tolist(), strict=True)),
        "way": {arm: float((ways.end(arm) - ways.weights[arm][0]).norm()) for arm in ARMS},
        "apart": {other: float((ways.end("dice") - ways.end(other)).norm()) for _, other in PAIRS},
        "barrier": {other: barrier(ways, "dice", other, settings.points) for _, other in PAIRS},
        "rises": {arm: rises(ways, arm, settings, seed).tolist() for arm in ARMS},
        "line": losses_at(ways.model, line(ways.end("plain"), ways.end("dice"), shares), ways.loss).tolist(),
    }


def line_shares(settings: Settings) -> Float[ndarray, " point"]:
    """Return the places on the line from the end of plain, 0, to that of dice, 1, and half as far beyond either."""
    return np.linspace(-0.5, 1.5, settings.points)


def surface(ways: Ways, settings: Settings) -> dict[str, Any]:
    """Return the losses on the plane through the start and the ends of plain and dice, and the ways on it."""
    plane = plane_through(ways.weights["plain"][0], ways.end("plain"), ways.end("dice"))
    on_plane = {arm: plane.coordinates(way) for arm, way in ways.weights.items()}
    reach = np.concatenate(list(on_plane.values()))
    margin = 0.25 * np.ptp(reach, axis=0)
    low, high = reach.min(axis=0) - margin, reach.max(axis=0) + margin
    across, up = (np.linspace(low[axis], high[axis], settings.points) for axis in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    losses = losses_at(ways.model, plane.at(grid.reshape(-1, 2)), ways.loss).reshape(grid.shape[:2])
    shares = {arm: plane.share(way) for arm, way in ways.weights.items()}
    return {
        "across": across.tolist(),
        "up": up.tolist(),
        "losses": losses.tolist(),
        "ways": {arm: way.tolist() for arm, way in on_plane.items()},
        "shares": shares,
    }


def landscape_figure(rows: Sequence[dict[str, Any]], plane: dict[str, Any], settings: Settings) -> "Figure":
    """Draw the line, the plane and the rises."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.5, 1))
        _draw_line(left, rows, settings)
        _draw_plane(middle, plane)
        _draw_rises(right, rows)
    return figure


def _draw_line(axes: "Axes", rows: Sequence[dict[str, Any]], settings: Settings) -> None:
    shares, losses = line_shares(settings), np.array([row["line"] for row in rows])
    axes.plot(shares, losses.T, color=light("reference-light"), linewidth=0.8)
    axes.plot(shares, losses.mean(axis=0), color=light("ink"))
    for share, arm in ((0, "plain"), (1, "dice")):
        loss = np.mean([row["loss"][arm] for row in rows])
        axes.plot([share], [loss], "o", color=light(ARMS[arm][1]), zorder=4)
        axes.annotate(arm, (share, loss), (8, -4), textcoords="offset points", color=light(ARMS[arm][1]))
    axes.set(yscale="log", xlabel="from plain (0) to dice (1)", ylabel="validation loss, nats")
    axes.set_title(f"line ({len(rows)} seeds, their mean)")
    for ticks in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        ticks(lambda loss, _: f"{loss:.2g}")


def _draw_plane(axes: "Axes", plane: dict[str, Any]) -> None:
    levels = np.geomspace(np.min(plane["losses"]), np.max(plane["losses"]), 13)
    axes.contourf(plane["across"], plane["up"], plane["losses"], levels, cmap="Greys", norm="log", alpha=0.55)
    lines = axes.contour(
        plane["across"], plane["up"], plane["losses"], levels, colors=light("reference-mid"), linewidths=0.6, norm="log"
    )
    axes.clabel(lines, lines.levels[::2], fmt=lambda loss: f"{loss:.2g}", fontsize=7)
    for arm, way in plane["ways"].items():
        colour = light(ARMS[arm][1])
        axes.plot(
            *np.transpose(way),
            ".-",
            color=colour,
            linewidth=1.4,
            markersize=4,
            label=f"{arm} ({plane['shares'][arm]:.0%})",
        )
        axes.plot(*way[-1], "o", color=colour, markersize=7)
    axes.plot(*plane["ways"]["plain"][0], "s", color=light("ink"), markersize=6, label="start")
    axes.legend(fontsize=7.5, loc="best", framealpha=0.9)
    axes.set(xlabel="towards the end of plain", ylabel="at right angles, towards the end of dice")
    axes.set_title("plane of seed 0 (share of the way in it)")
    axes.grid(False)


def _draw_rises(axes: "Axes", rows: Sequence[dict[str, Any]]) -> None:
    for arm, (_, colour) in ARMS.items():
        ups = np.array([row["rises"][arm] for row in rows])
        mean, half = paired_t(ups)
        axes.plot(DISTANCES, mean, ".-", color=light(colour), label=arm, linewidth=1.5)
        axes.fill_between(DISTANCES, mean - half, mean + half, color=light(colour), alpha=0.2, linewidth=0)
    axes.set(xlabel="relative distance from the end", ylabel="rise of the loss, nats")
    axes.set_title("around the ends (95 %)")
    axes.legend(fontsize=8)


def answers(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what the runs say, each with its 95 % interval over seeds."""
    for arm in ARMS:
        loss, way = (np.mean([row[what][arm] for row in rows]) for what in ("loss", "way"))
        yield f"{arm}: validation loss {loss:.4f}, {way:.1f} from the start"
    judged = DISTANCES.index(JUDGED)
    for arm, other in PAIRS:
        heights = np.array([row["barrier"][other] for row in rows])
        mean, half = (float(value) for value in paired_t(heights))
        far = np.mean([row["apart"][other] for row in rows])
        yield f"barrier between {arm} and {other}, {far:.1f} apart: {mean:.4f} nats ({interval(mean, half)})"
        gaps = np.array([row["rises"][arm][judged] - row["rises"][other][judged] for row in rows])
        mean, half = (float(value) for value in paired_t(gaps))
        yield (
            f"rise at distance {JUDGED:g}, {arm} against {other}: {mean:+.4f} nats ({interval(mean, half)}), "
            f"{verdict(mean, half)}"
        )


def interval(mean: float, half: float) -> str:
    """Write the ends of an interval."""
    return "one seed, so no interval" if math.isnan(half) else f"95 %: {mean - half:+.4f} to {mean + half:+.4f}"


def verdict(mean: float, half: float) -> str:
    """Say which is flatter; nothing where the interval holds zero, or there is none."""
    if not abs(mean) > half:
        return "no difference shown"
    return "flatter" if mean < 0 else "sharper"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, value in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("landscape"), help="folder for the figure and the numbers")
    return parser.parse_args(arguments)


def check(settings: Settings, seeds: int, out: Path) -> None:
    """Check the settings.

    Raises:
        ConfigurationError: There is a fault.
    """
    least = {name: 1 for name in vars(settings)} | {"size": 4, "points": 3, "d_model": 4}
    for name, lowest in least.items():
        if getattr(settings, name) < lowest:
            raise ConfigurationError(
                f"--{name.replace('_', '-')} is {getattr(settings, name)}: {lowest} or more, please."
            )
    if seeds < 1:
        raise ConfigurationError(f"--seeds is {seeds}: 1 or more, please.")
    if out.is_file():
        raise ConfigurationError(f"--out {out} is a file: name a folder, please.")


def finished(out: Path, settings: Settings) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the seeds an earlier call measured, and its plane; none where there are none of these settings."""
    file = out / f"{FIGURE}.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    return (kept["seeds"], kept["plane"]) if kept.get("settings") == vars(settings) else ([], {})


def write(rows: Sequence[dict[str, Any]], plane: dict[str, Any], settings: Settings, out: Path) -> None:
    """Write the numbers, after every seed: an interrupted call goes on from there."""
    out.mkdir(parents=True, exist_ok=True)
    numbers = {"settings": vars(settings), "answers": list(answers(rows)), "seeds": rows, "plane": plane}
    (out / f"{FIGURE}.json").write_text(json.dumps(numbers) + "\n")


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Train every arm for every seed, measure, draw, and print the answers."""
    read = vars(parse(arguments))
    seeds, out = read.pop("seeds"), read.pop("out")
    settings = Settings(**read)
    check(settings, seeds, out)
    rows, plane = finished(out, settings)
    for seed in range(len(rows), seeds):
        ways = train_ways(settings, seed)
        rows.append(measured(ways, settings, seed))
        plane = surface(ways, settings) if seed == 0 else plane
        write(rows, plane, settings, out)
    rows = rows[:seeds]
    keep(landscape_figure(rows, plane, settings), out, FIGURE)
    found = list(answers(rows))
    print("\n".join(found))
    return rows


if __name__ == "__main__":
    run_script(main)
