"""Plug-ins that cannot work together, and why: the table of all such pairs, checked before anything is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maze_rl.configs.choices import read_choice
from maze_rl.configs.options import OptionValue
from maze_rl.configs.update_rules import UPDATE_RULES
from maze_rl.errors import ConfigurationError

if TYPE_CHECKING:
    from maze_rl.configs.training import TrainingConfig


@dataclass(frozen=True)
class Refusal:
    """Two plug-ins that refuse each other."""

    first: str
    second: str
    holds: Callable[[Any], bool]
    """Whether a `TrainingConfig` has both."""
    reason: str
    fix: str


def _options(config: "TrainingConfig") -> Mapping[str, OptionValue]:
    """Return the options of the update rule."""
    return read_choice("update rule", UPDATE_RULES, config.update_rule).options


def _applied_to(config: "TrainingConfig") -> OptionValue:
    """Return what the update rule's scale falls on; None for a rule without a scale."""
    if read_choice("update rule", UPDATE_RULES, config.update_rule).name == "noise":
        return "update"
    options = _options(config)
    if "apply_to" not in options:
        return None
    return options["apply_to"] or ("update" if options.get("per") == "step" else "loss")


def _plays(config: "TrainingConfig") -> bool:
    return any(phase.spin is not None for phase in config.phases)


REFUSALS = (
    Refusal(
        "update rule dice:head, applied to loss or gradient",
        "SPIN rounds",
        lambda config: _plays(config) and _options(config).get("rules") == "head" and _applied_to(config) != "update",
        "it never skips a step: at its scale 0 momentum and decay still move the player",
        "use dice:head,per=step,apply_to=update, or dice:classic",
    ),
    Refusal(
        "an update rule applied to the update",
        "optimizer schedule_free",
        lambda config: config.optimizer.strip() == "schedule_free" and _applied_to(config) == "update",
        "that optimizer keeps two more copies of the weights, which scaled updates would drift away from",
        "use apply_to=grad, or another optimizer",
    ),
    Refusal(
        "loss path_from_first_choice",
        "SPIN rounds",
        lambda config: (
            _plays(config)
            and any(
                phase.spin is None and config.loss_at(phase).strip().startswith("path_from_first_choice")
                for phase in config.phases
            )
        ),
        "such a model never learns to write the origin, with which every path it plays begins",
        "use path_only",
    ),
)


def check_together(config: "TrainingConfig") -> None:
    """Check that the plug-ins of a run can work together.

    Raises:
        ConfigurationError: Some cannot; names every such pair and the way out.
    """
    faults = [
        f"{refusal.first} cannot be combined with {refusal.second}: {refusal.reason}; {refusal.fix}."
        for refusal in REFUSALS
        if refusal.holds(config)
    ]
    if faults:
        raise ConfigurationError(" ".join(faults))
