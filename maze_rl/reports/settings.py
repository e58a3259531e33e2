"""Every setting of a run that is not the default, found by walking its configuration beside the default one.

Nothing is listed by hand: a field that is added to a configuration shows up here by itself. Phases are told in one
line by `maze_rl.reports.course`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import run_to_json
from maze_rl.displays.short_repr import Shown
from maze_rl.reports.content import Column, Section, Statement, Table
from maze_rl.reports.run_summary import JsonDict, RunSummary, flat_settings
from maze_rl.reports.setting_words import setting_name, value_words

PARTS = ("training", "tokenization", "model", "seed", "start", "device")
"""Parts of ``config.json`` that are settings; the rest records how and with what they were run."""


@dataclass(frozen=True)
class Setting(Shown):
    """One setting of a run."""

    path: str
    value: Any
    default: Any

    @property
    def is_default(self) -> bool:
        """Whether it is as in a run of which nothing else is said."""
        return self.value == self.default


@cache
def _default_settings(device: str) -> Mapping[str, Any]:
    return dict(_leaves(run_to_json(default_run(MazeSpec(split="train"), device=device))))


def _leaves(config: JsonDict) -> list[tuple[str, Any]]:
    """List the settings of a configuration but its phases, lists for tuples."""
    parts = {part: config[part] for part in PARTS if part in config}
    if isinstance(parts.get("training"), dict):
        parts["training"] = {name: value for name, value in parts["training"].items() if name != "phases"}
    return [(path, list(value) if isinstance(value, tuple) else value) for path, value in flat_settings(parts)]


def settings_of(config: JsonDict) -> dict[str, Setting]:
    """Return the recorded settings of a run by path, beside those of the default run on its kind of device."""
    kind = "cuda" if str(config.get("device", "cpu")).startswith("cuda") else "cpu"
    usual = _default_settings(kind)
    found = {}
    for path, value in _leaves(config):
        default = "cpu" if path == "device" else usual.get(path)
        found[path] = Setting(path, value, default)
    return found


def changed_settings(config: JsonDict) -> list[Setting]:
    """Return the settings that are not the default, in the order of the configuration."""
    return [setting for setting in settings_of(config).values() if not setting.is_default]


def settings_section(run: RunSummary) -> list[Section]:
    """Return the section on the settings of a single run; none for a run that recorded none."""
    if not isinstance(run.config.get("training"), dict):
        return []
    changed = changed_settings(run.config)
    if not changed:
        lead = Statement("All settings but the phases told above are those of maze-rl train when nothing else is said.")
        return [Section(name="settings", title="Settings", lead=lead)]
    rows = [
        {
            "setting": setting_name(each.path),
            "value": value_words(each.value),
            "default": value_words(each.default),
        }
        for each in changed
    ]
    columns = (
        Column(key="setting", title="setting"),
        Column(key="value", title="this run"),
        Column(key="default", title="default", about="what maze-rl train does when nothing else is said"),
    )
    table = Table(
        name="settings", caption="Every setting that is not the default.", columns=columns, rows=rows
    )  # the phases have a line of their own
    return [Section(name="settings", title="Settings", tables=[table])]


def compared_settings(runs: Sequence[RunSummary]) -> dict[str, list[str | None]]:
    """Return each setting that any of several runs has changed: what it is called -> its value in every run.

    None where a run did not record it.
    """
    each = [settings_of(run.config) for run in runs]
    paths = dict.fromkeys(path for found in each for path, setting in found.items() if not setting.is_default)
    return {
        setting_name(path): [value_words(found[path].value) if path in found else None for found in each]
        for path in paths
    }
