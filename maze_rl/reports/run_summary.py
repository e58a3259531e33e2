"""All that a report knows of one run: its configuration, its training log, its evaluation."""

import shlex
from dataclasses import dataclass
from typing import Any

from maze_rl.configs.ranges import format_range
from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import EvaluationResult

JsonDict = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunSummary(Shown):
    """One run, as read from its folder and evaluated."""

    name: str
    folder: str
    """Where the run lies, as commands name it."""
    config: JsonDict
    """The run's ``config.json``."""
    metrics: list[JsonDict]
    """Rows of ``metrics.jsonl``; `tokens`, `mazes` and `seconds` count from the start of training."""
    evaluation: EvaluationResult
    training_seconds: float
    num_parameters: int
    leak_count: int
    """Mazes seen in training that do not belong to the train split; counted while training."""
    mazes_seen: int
    loops: int | None = None
    """Times its block was applied in the evaluation, where that is not as its files say."""

    def setting(self, path: str) -> Any:
        """Return the configuration's value at a dotted path such as ``training.loss``; None where there is none."""
        value: Any = self.config
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return value

    @property
    def phases(self) -> list[JsonDict]:
        """Phases of training, each with `steps` and `mazes`; empty for a run that did not record them."""
        return self.setting("training.phases") or []

    @property
    def steps(self) -> int | None:
        """Optimizer steps taken, by the log."""
        return self.metrics[-1]["step"] if self.metrics else None

    @property
    def tokens_seen(self) -> int | None:
        """Tokens trained on, by the log."""
        return next((row["tokens"] for row in reversed(self.metrics) if "tokens" in row), None)

    @property
    def trained_on(self) -> str:
        """Sizes and algorithms of the training mazes in words."""
        sizes = format_range(tuple(self.evaluation.training_sizes))
        algorithms = dict.fromkeys(str(phase.get("mazes", {}).get("algorithm", "")) for phase in self.phases)
        return f"sizes {sizes}, {', '.join(filter(None, algorithms)) or 'algorithm not recorded'}"

    @property
    def command(self) -> str | None:
        """The command that trained the run, as typed."""
        command = self.setting("command")
        return shlex.join(map(str, command)) if isinstance(command, list) else command


def flat_settings(values: JsonDict, prefix: str = "") -> list[tuple[str, Any]]:
    """List the leaves of a nested configuration as (dotted path, value); lists of dicts count from 1."""
    leaves: list[tuple[str, Any]] = []
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = {str(number): item for number, item in enumerate(value, 1)}
        if isinstance(value, dict):
            leaves += flat_settings(value, f"{prefix}{key}.")
        else:
            leaves.append((f"{prefix}{key}", value))
    return leaves
