"""All that a report knows of one model: its evaluation, and its configuration and training log where it has a run."""

import shlex
from dataclasses import dataclass
from typing import Any

from maze_rl.configs.ranges import format_range
from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import EvaluationResult

JsonDict = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunSummary(Shown):
    """One run, as read from its folder and evaluated; or a model without its run."""

    name: str
    folder: str | None
    """Where the run lies, as commands name it; None for a model that is an object."""
    config: JsonDict
    """The run's ``config.json``; of a model without its run what is known: `model`, `tokenization` and `about`."""
    metrics: list[JsonDict]
    """Rows of ``metrics.jsonl``; `tokens`, `mazes` and `seconds` count from the start of training."""
    evaluation: EvaluationResult
    training_seconds: float | None
    num_parameters: int
    leak_count: int | None
    """Mazes seen in training that do not belong to the train split; counted while training, None where nobody did."""
    mazes_seen: int | None
    algorithms: tuple[str, ...] = ()
    """Generators of the training mazes, as the model's files say; none where they do not."""
    loops: int | None = None
    """Times its block was applied in the evaluation, where that is not as its files say."""
    is_run: bool = True
    """Whether it is the folder of a run; otherwise a model alone, of whose training its files may say little."""

    def setting(self, path: str) -> Any:
        """Return the configuration's value at a dotted path such as ``training.loss``; None where there is none."""
        value: Any = self.config
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return value

    def fact(self, path: str) -> Any:
        """Return a setting; of a model without its run what its files say under the last part of the path."""
        value = self.setting(path)
        return self.setting(f"about.{path.rpartition('.')[2]}") if value is None else value

    @property
    def is_recorded_training(self) -> bool:
        """Whether it is known to be one training from one seed; a model set by hand, say, was never trained."""
        return self.fact("seed") is not None

    @property
    def phases(self) -> list[JsonDict]:
        """Phases of training, each with `steps` and `mazes`; empty for a run that did not record them."""
        return self.setting("training.phases") or []

    @property
    def steps(self) -> int | None:
        """Optimizer steps taken, by the log or the model's files."""
        return self.metrics[-1]["step"] if self.metrics else self.setting("about.steps")

    @property
    def tokens_seen(self) -> int | None:
        """Tokens trained on, by the log or the model's files."""
        by_log = (row["tokens"] for row in reversed(self.metrics) if "tokens" in row)
        return next(by_log, self.setting("about.tokens"))

    @property
    def algorithms_trained(self) -> list[str]:
        """Algorithms of the training mazes; empty where they are not recorded."""
        phases = (str(phase.get("mazes", {}).get("algorithm", "")) for phase in self.phases)
        return list(self.algorithms) or list(dict.fromkeys(filter(None, phases)))

    @property
    def trained_on(self) -> str:
        """Sizes and algorithms of the training mazes in words."""
        sizes = format_range(tuple(self.evaluation.training_sizes)) if self.evaluation.training_sizes else ""
        told = [f"sizes {sizes}" if sizes else "sizes not recorded", ", ".join(self.algorithms_trained)]
        return ", ".join([told[0], told[1] or "algorithm not recorded"])

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
