"""What a recorded loss is: numbers of one kind share an axis and a column, others do not.

A loss per token, the loss of a game and the likelihood of whole paths are three scales, and so are losses that weigh
other tokens. `accuracy` beside them counts tokens in the first, pairs of paths in a game.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maze_rl.configs.losses import PROMPT_LOSSES
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL
from maze_rl.displays.short_repr import Shown

JsonDict = dict[str, Any]


@dataclass(frozen=True)
class LossKind(Shown):
    """One scale of losses."""

    name: str
    """For example ``path_only`` or ``self-play (logistic)``."""
    unit: str
    """What one of its numbers counts, e.g. ``nats per weighted token``."""
    hits: str
    """What the `accuracy` recorded beside it is a share of."""
    is_game: bool = False
    """Whether it is measured against an opponent that changes: less of it is then no better model."""

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name}, {self.unit}"

    @property
    def direction(self) -> str:
        """Which way is better, as it stands behind a title; empty where neither is."""
        return "" if self.is_game else "lower is better"


def _setting(config: JsonDict, path: str, otherwise: Any = None) -> Any:
    value: Any = config
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return otherwise if value is None else value


def phase_of(config: JsonDict, step: int) -> JsonDict:
    """Return the phase that `step` (counted from 1) belongs to; past the end the last one, {} where none is known."""
    phases = _setting(config, "training.phases", [])
    for phase in phases:
        if step <= phase.get("steps", 0):
            return phase
        step -= phase.get("steps", 0)
    return phases[-1] if phases else {}


def training_kind(config: JsonDict, row: JsonDict) -> LossKind:
    """Return the kind of the training loss of a row of ``metrics.jsonl``."""
    phase = phase_of(config, row.get("step", 0))
    if "margin" in row:
        return _spin_kind(phase.get("spin") or {})
    factors = "".join(f" × {factor}" for factor in _setting(config, "training.weight_factors", ()))
    starts = _setting(config, "training.starts", 0)
    return _supervised_kind(config, phase, factors + (f", {starts} further starts" if starts else ""))


def validation_kind(config: JsonDict) -> LossKind:
    """Return the kind of the validation loss: the supervised loss of the last phase, on one path for each maze.

    Factors on the weights belong to training: no validation loss has them.
    """
    phases = _setting(config, "training.phases", [])
    return _supervised_kind(config, phases[-1] if phases else {}, "")


def _supervised_kind(config: JsonDict, phase: JsonDict, more: str) -> LossKind:
    loss = phase.get("loss") or _setting(config, "training.loss", "loss")
    return LossKind(loss + more, f"nats per weighted token{_tokens(config, loss)}", "weighted tokens")


def _tokens(config: JsonDict, loss: str) -> str:
    """Name the tokens where one is not a cell of the path: their losses are no common scale."""
    written, path = (_setting(config, f"tokenization.{name}") for name in ("format", "path"))
    prompt = loss.partition(":")[0] in PROMPT_LOSSES
    if written is None or (written in ONE_TOKEN_PER_CELL and path in (None, "cells") and not prompt):
        return ""
    return f" ({written}{'' if path in (None, 'cells') else f', {path}'})"


def _spin_kind(spin: JsonDict) -> LossKind:
    loss = spin.get("loss", "logistic")
    per = " and token" if spin.get("length_normalised") else ""
    if loss == "filtered":
        return LossKind("filtered: −log likelihood of written paths", f"nats per path{per}", "pairs", is_game=True)
    unit = f"nats per pair of paths{per}" if loss == "logistic" else f"per pair of paths{per}"
    nll = f" + {spin['nll']:g} nll" if spin.get("nll") else ""
    return LossKind(f"self-play game ({loss}{nll})", unit, "pairs", is_game=True)


def kinds_of_rows(config: JsonDict, rows: Sequence[JsonDict]) -> dict[LossKind, list[JsonDict]]:
    """Sort the rows of a log that recorded a loss by its kind, in the order the kinds occur."""
    found: dict[LossKind, list[JsonDict]] = {}
    for row in rows:
        if row.get("loss") is not None:
            found.setdefault(training_kind(config, row), []).append(row)
    return found
