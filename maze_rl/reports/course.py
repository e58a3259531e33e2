"""The phases of a training in one readable line: curricula, rounds of self-play, datasets, and what each changes.

Every field of a phase that is not at its default is in the line, whatever it is: fields are found by walking the
configuration, and only their wording is written here.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import groupby
from typing import Any

from maze_rl.configs.algorithms import complete_options
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig, run_to_json
from maze_rl.errors import MazeRLError
from maze_rl.reports.run_summary import JsonDict, flat_settings
from maze_rl.reports.setting_words import path_length_words, size_words, value_words

GROWING = ("mazes.sizes", "mazes.endpoints.max_path_length")
"""What a curriculum lets grow."""
_UNSAID = ("steps", "name", "data.content", "interleaved", "spin", "data")
"""Told in other words, or saying nothing to a reader."""
_WORDS = {
    "mazes.algorithm": "algorithm {}",
    "mazes.split": "{} split",
    "mazes.endpoints.max_path_length": "paths up to {} steps",
    "mazes.endpoints.min_path_length": "paths of {} steps or more",
    "rate": "learning rate × {}",
    "lora": "adapters of rank {} alone",
    "loss": "loss {}",
    "data.folder": "dataset {}",
    "restart": "new optimizer and schedule",
}


def course(phases: Sequence[JsonDict]) -> str:
    """Say what was trained on, phase after phase.

    Args:
        phases: As in ``config.json``.

    Returns:
        For example ``sizes 5, 5–6, 5–7, 5–8 for 270 steps each, then 5–9 for 1,320 steps``.
    """
    said = [_said(phase) for phase in phases]
    if not said:
        return ""
    shared = {path: text for path, text in said[0].items() if all(each.get(path) == text for each in said)}
    if len(said) == 1:
        shared = {}
    own = [{path: text for path, text in each.items() if path not in shared} for each in said]
    steps = [phase.get("steps", 0) for phase in phases]
    parts, start = [], 0
    for what, group in groupby(own, lambda each: _without_growth(each)):
        members = list(group)
        parts.append(_part(what, members, steps[start : start + len(members)]))
        start += len(members)
    line = "; then ".join(parts)
    return f"{line}; throughout {', '.join(shared.values())}" if shared else line


def _without_growth(said: Mapping[str, str]) -> str:
    return ", ".join(text for path, text in said.items() if path not in GROWING)


def _part(what: str, members: Sequence[Mapping[str, str]], steps: Sequence[int]) -> str:
    """Word phases that differ in nothing but what grows, and in their steps."""
    grown = [", ".join(each[path] for path in GROWING if path in each) or "paths of any length" for each in members]
    grows = len(set(grown)) > 1
    if not grows:
        named = any(path in members[0] for path in GROWING)
        of = ", ".join(part for part in (what, grown[0] if named else "") if part)
        times = f"{len(members)} × " if len(members) > 1 else ""
        return f"{of + ': ' if of else ''}{times}{_range_words(steps)} steps"
    *before, last = grown
    each = " each" if len(before) > 1 else ""
    line = f"{_said_once(before)} for {_range_words(steps[:-1])} steps{each}"
    return f"{what + ': ' if what else ''}{line}, then {last.removeprefix('sizes ')} for {steps[-1]:,} steps"


def _said_once(stages: Sequence[str]) -> str:
    """List the stages of a curriculum, their common words said once: ``paths up to 2, 3, 4 steps``."""
    for before, behind in (("sizes ", ""), ("paths up to ", " steps")):
        if all(text.startswith(before) and text.endswith(behind) and "," not in text for text in stages):
            return before + ", ".join(text.removeprefix(before).removesuffix(behind) for text in stages) + behind
    return ", ".join(stages)


def _range_words(steps: Sequence[int]) -> str:
    low, high = min(steps), max(steps)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _said(phase: JsonDict) -> dict[str, str]:
    """Return what is to be said of a phase: path of the field -> words, of those that are not at their defaults."""
    usual = _usual(phase)
    said = {}
    if phase.get("spin"):
        said["spin"] = "self-play"
    for path, value in flat_settings(phase):
        if path == "mazes.sizes":
            said[path] = f"sizes {size_words(value)}"
        elif path == "mazes.endpoints.path_lengths" and value:
            said[path] = f"paths of {path_length_words(value)} steps"
        elif path not in _UNSAID and not path.endswith(".content") and usual.get(path) != value:
            said[path] = _words(path).format(value_words(value))
    return said


def _words(path: str) -> str:
    """Return the wording of a field, with a place for its value."""
    if path.startswith("interleaved."):
        return "in turn with dataset {}"
    return _WORDS.get(path, path.rpartition(".")[2].replace("_", " ") + " {}")


def _usual(phase: JsonDict) -> JsonDict:
    """Return the defaults of a phase by path: those of its algorithm, and of self-play where it plays."""
    plain = RunConfig(training=TrainingConfig(phases=(Phase(steps=1, mazes=MazeSpec(split="train")),)))
    usual: JsonDict = dict(flat_settings(_as_json(run_to_json(plain)["training"]["phases"][0])))
    algorithm = phase.get("mazes", {}).get("algorithm", "dfs")
    with suppress(MazeRLError):  # one's own generator may not be here: all its options are said
        usual |= {f"mazes.options.{name}": value for name, value in complete_options(algorithm, {}).items()}
    return usual | {f"spin.{each.name}": each.default for each in fields(SpinConfig)}


def _as_json(value: Any) -> Any:
    """Return lists for tuples, as a file has them."""
    if isinstance(value, Mapping):
        return {name: _as_json(item) for name, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value
