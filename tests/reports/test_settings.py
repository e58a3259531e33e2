"""No setting can be forgotten: every field of a configuration that is changed shows up, whatever it is called."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from maze_rl.configs.causal_recipe import causal_run
from maze_rl.configs.endpoints import Endpoints
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import DataFolder, Phase, RunConfig, run_to_json
from maze_rl.reports.course import course
from maze_rl.reports.run_summary import RunSummary
from maze_rl.reports.run_tables import setup_table, shared_table
from maze_rl.reports.settings import changed_settings, settings_section

USUAL = default_run(MazeSpec(split="train"), device="cpu")


def as_file(config: RunConfig) -> dict:
    """What `config.json` holds: lists for tuples."""
    return json.loads(json.dumps(run_to_json(config)))


def other(value: Any) -> Any:
    """Another value of about the same kind; it need not be allowed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return [*value, "something"] if isinstance(value, list) else "something else"


def leaves(values: dict, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*prefix, name))
        elif name != "phases":
            yield (*prefix, name)


def put(values: dict, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        values = values[name]
    values[path[-1]] = value


def get(values: dict, path: tuple[str, ...]) -> Any:
    for name in path:
        values = values[name]
    return values


def test_every_field_of_a_configuration_is_walked() -> None:
    """The walk of the next test reaches each dataclass field, so that a new one is in it."""
    walked = {path[-1] for path in leaves(as_file(USUAL))}
    parts = (USUAL, USUAL.training, USUAL.tokenization, USUAL.model)
    named = {field.name for part in parts for field in fields(part)}
    held = {field.name for part in parts for field in fields(part) if is_dataclass(getattr(part, field.name))}
    assert walked == named - held - {"phases"}
    assert len(walked) > 40


@pytest.mark.parametrize("path", list(leaves(as_file(USUAL))), ids=".".join)
def test_a_changed_setting_is_shown(path: tuple[str, ...]) -> None:
    config = as_file(USUAL)
    put(config, path, other(get(config, path)))
    shown = changed_settings(config)
    if path == ("device",):  # another device has other defaults
        assert "device" in [setting.path for setting in shown]
        return
    (setting,) = shown
    assert setting.path == ".".join(path)
    assert setting.value == get(config, path) != setting.default


def test_the_default_run_has_nothing_to_show_but_its_phases(run: RunSummary) -> None:
    assert changed_settings(as_file(USUAL)) == []
    (section,) = settings_section(replace(run, config=as_file(USUAL)))
    assert section.tables == () and "nothing else is said" in section.lead.text
    (row,) = [row for row in setup_table([replace(run, config=as_file(USUAL))]).rows if row["fact"] == "phases"]
    assert row["run_0"] == "sizes 5, 5–6, 5–7, 5–8 for 247–248 steps each, then 5–9 for 1,210 steps"


def test_a_model_to_begin_from_is_shown() -> None:
    config = as_file(USUAL) | {"start": {"model": "runs/x", "digest": "abc"}}
    assert {setting.path: setting.value for setting in changed_settings(config)} == {
        "start.model": "runs/x",
        "start.digest": "abc",
    }


def test_settings_are_said_with_their_defaults(run: RunSummary) -> None:
    config = as_file(USUAL)
    config["training"] |= {"update_rule": "dice:classic,dc=12", "training_loops": [3, 9], "clip_norm": 0.5}
    (section,) = settings_section(replace(run, config=config))
    rows = {row["setting"]: (row["value"], row["default"]) for row in section.tables[0].rows}
    assert rows == {
        "update rule": ("dice:classic,dc=12", "every_step"),
        "loops drawn in training": ("3, 9", "4, 18"),
        "largest gradient norm": ("0.5", "1"),
    }


PLAIN = Phase(steps=10, mazes=MazeSpec(split="train"))
OTHERS: dict[str, Any] = {
    "steps": 11,
    "data": DataFolder(folder="data/mine", content="digest"),
    "loss": "path_only_set",
    "rate": 0.25,
    "restart": True,
    "spin": SpinConfig(prompts=128),
    "lora": 4,
}
OTHER_MAZES: dict[str, Any] = {
    "sizes": (4, 7),
    "algorithm": "wilson",
    "options": {"forks": False},
    "split": None,
}
OTHER_ENDPOINTS: dict[str, Any] = {
    "min_path_length": 3,
    "max_path_length": 17,
    "path_lengths": ((5, 1.0),),
    "origin": "dead_end",
    "target": "dead_end",
    "origins": ((0, 0),),
    "targets": ((1, 1),),
    "paths": "one",
}
OTHER_SPIN: dict[str, Any] = {
    "beta": 0.5,
    "loss": "hinge",
    "samples": 3,
    "temperature": 0.7,
    "prompts": 77,
    "most_tokens": 31,
    "window": 1,
    "tie_policy": "punish",
    "invalid_policy": "skip",
    "length_normalised": True,
    "nll": 0.3,
    "kl_stop": 0.9,
    "keep_best": False,
}


def said(phase: Phase) -> str:
    """The line of a phase, which stands behind a plain one: a run may not begin with self-play."""
    config = replace(USUAL, training=replace(USUAL.training, phases=(PLAIN, phase)))
    return course(as_file(config)["training"]["phases"][1:])


@pytest.mark.parametrize(
    ("base", "changes", "wrap"),
    [
        (PLAIN, OTHERS, lambda part: part),
        (PLAIN.mazes, OTHER_MAZES, lambda part: replace(PLAIN, mazes=part)),
        (Endpoints(), OTHER_ENDPOINTS, lambda part: replace(PLAIN, mazes=replace(PLAIN.mazes, endpoints=part))),
        (SpinConfig(), OTHER_SPIN, lambda part: replace(PLAIN, spin=part)),
    ],
    ids=["phase", "mazes", "endpoints", "spin"],
)
def test_every_field_of_a_phase_changes_its_line(base: Any, changes: dict[str, Any], wrap: Any) -> None:
    told_otherwise = {"interleaved", "name", "mazes", "endpoints"}  # their own fields, or a label
    assert {field.name for field in fields(base)} - told_otherwise == set(changes)
    plain = said(wrap(base))
    for name, value in changes.items():
        more: dict[str, Any] = {"tie_policy": {"samples": 2}, "algorithm": {"options": {}}}.get(name, {})
        assert said(wrap(replace(base, **{name: value}, **more))) != plain, name


def test_phases_in_one_line() -> None:
    lengths = course(as_file(causal_run(MazeSpec(split="train")))["training"]["phases"])
    assert lengths.startswith("paths up to 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32 steps for 49–50 steps each, then ")
    assert lengths.endswith("paths of any length for 360 steps; throughout sizes 5–9")
    rounds = default_run(MazeSpec(sizes=(3, 4), split="train"), device="cpu", steps=100, rounds=3, lora=4)
    assert course(as_file(rounds)["training"]["phases"]) == (
        "sizes 3 for 45 steps, then 3–4 for 55 steps; then self-play, learning rate × 0.1, prompts 240, "
        "adapters of rank 4 alone, sizes 3–4: 3 × 10 steps"
    )
    data = replace(PLAIN, data=DataFolder(folder="a", content="1"), interleaved=(DataFolder(folder="b", content="2"),))
    assert said(data) == "dataset a, in turn with dataset b, sizes 5–9: 10 steps"


def test_of_several_runs_what_differs_comes_first_and_the_rest_once(run: RunSummary) -> None:
    first, second = as_file(USUAL), as_file(replace(USUAL, model=replace(USUAL.model, n_layers=3), seed=4))
    second["training"]["update_rule"] = first["training"]["loss"] = "dice"
    second["training"]["loss"] = "dice"
    runs = [replace(run, name=name, config=config) for name, config in (("a", first), ("b", second))]
    differing = {row["fact"]: (row["run_0"], row["run_1"]) for row in setup_table(runs).rows}
    assert differing["update rule"] == ("every_step", "dice")
    assert differing["seed"] == ("0", "4")
    assert differing["model: layers"] == ("2", "3")
    assert all(first != second for first, second in differing.values())
    shared = {row["fact"]: row["value"] for row in shared_table(runs).rows}
    assert shared["loss"] == "dice" and shared["learning-rate controller"] == "none"
    assert not shared.keys() & differing.keys()


def test_path_lengths_and_cells_of_a_phase_are_told_as_such() -> None:
    def drawn(**constraints: Any) -> str:
        return said(replace(PLAIN, mazes=replace(PLAIN.mazes, endpoints=Endpoints(**constraints))))

    assert drawn(path_lengths=tuple((steps, 1.0) for steps in range(5, 9))).startswith("paths of 5–8 steps, ")
    assert drawn(path_lengths=((5, 2.0), (10, 1.0))).startswith("paths of 5 (weight 2), 10 (weight 1) steps, ")
    assert drawn(origins=((0, 0), (4, 4))).startswith("origins (0, 0), (4, 4), ")
    assert drawn(targets=((3, 4),)).startswith("targets (3, 4), ")
