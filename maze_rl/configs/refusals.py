"""Plug-ins that cannot work together, and why: the table of all such pairs, checked before anything is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maze_rl.configs.choices import read_choice
from maze_rl.configs.losses import PROMPT_LOSSES
from maze_rl.configs.options import OptionValue
from maze_rl.configs.update_rules import UPDATE_RULES
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError

if TYPE_CHECKING:
    from maze_rl.configs.training import RunConfig, TrainingConfig

LISTS_OF_ONE_TOKEN = ("edges", "cells")
"""Formats in which each thing of the list is one token."""


@dataclass(frozen=True)
class Refusal(Shown):
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


def check_prompts(run: "RunConfig") -> None:
    """Check that what a run asks of its sequences is possible for its tokens and its network.

    Raises:
        ConfigurationError: It is not; names every fault and the way out.
    """
    faults = [fault for fault, holds in _prompt_faults(run) if holds]
    if faults:
        raise ConfigurationError(" ".join(faults))


def losses_on_prompt(training: "TrainingConfig") -> list[str]:
    """Return the names of the losses of a run's phases that weigh tokens of the prompt, sorted."""
    losses = {training.loss_at(phase).partition(":")[0].strip() for phase in training.phases if phase.spin is None}
    return sorted(losses & set(PROMPT_LOSSES))


def _missing_for_hints(run: "RunConfig") -> list[str]:
    """Return what a run with the objective hints would have to set besides."""
    training, tokens, model = run.training, run.tokenization, run.model
    if training.objective.partition(":")[0].strip() != "hints":
        return []
    needed = {
        "a model with loops (--loops)": model.loops is not None,
        "a visible prompt": model.prompt == "visible",  # else a cell sees neither the target nor what is listed later
        "format cells": tokens.format == "cells",
        "path cells": tokens.path == "cells",
        "gradient_loops None": training.gradient_loops is None,
    }
    return [setting for setting, holds in needed.items() if not holds]


def _prompt_faults(run: "RunConfig") -> list[tuple[str, bool]]:
    training, tokens, model = run.training, run.tokenization, run.model
    on_prompt = losses_on_prompt(training)
    shown = ", ".join(on_prompt)
    crowded = training.stray_tokens > 0 or training.mazes_per_canvas > 1
    drawn = tuple(training.training_loops)
    several = training.starts > 0 or training.mazes_per_canvas > 1
    missing = _missing_for_hints(run)
    return [
        (
            f"prompt visible with loss {shown}: the tokens of such a prompt see those they are to predict; use a loss "
            "on the path alone, such as path_only.",
            model.prompt == "visible" and bool(on_prompt),
        ),
        (
            f"unembedding path with loss {shown}: it has no logits for the words of a prompt; use unembedding all.",
            model.unembedding == "path" and bool(on_prompt),
        ),
        (
            "prompt visible with reverse_positions: they count distances backwards only; use positions none, learned "
            "or rotary.",
            model.prompt == "visible" and model.reverse_positions,
        ),
        (
            "starts and several mazes on a canvas need origin path: a prompt that names an origin is of one path.",
            several and tokens.origin != "path",
        ),
        (
            f"starts and several mazes on a canvas with positions {model.positions}: a path behind other paths would "
            "stand further away than it is; use positions none.",
            several and (model.positions != "none" or model.reverse_positions),
        ),
        (
            f"stray_tokens and mazes_per_canvas with format {tokens.format}"
            f"{' and walls' if tokens.walls else ''}: they need a list of one token for each thing, as in "
            f"{' and '.join(LISTS_OF_ONE_TOKEN)} without walls.",
            crowded and (tokens.format not in LISTS_OF_ONE_TOKEN or tokens.walls),
        ),
        (
            f"objective hints asks the stream of listed cells after every loop: use {', '.join(missing)}.",
            bool(missing),
        ),
        (
            f"training_loops {drawn} of a model without loops: set loops of the model (--loops) too.",
            bool(drawn) and model.loops is None,
        ),
        (
            f"objective path_dropout with path {tokens.path}: behind a hidden step nobody knows where the walk stands; "
            "use path cells.",
            training.objective.partition(":")[0].strip() == "path_dropout" and tokens.path != "cells",
        ),
        (
            "objective false_targets needs a model with loops (--loops) and cells of one token: use format "
            f"{' or '.join(LISTS_OF_ONE_TOKEN)}.",
            training.objective.partition(":")[0].strip() == "false_targets"
            and (model.loops is None or tokens.format not in LISTS_OF_ONE_TOKEN),
        ),
        (
            f"gradient_loops {training.gradient_loops} of a model without loops: set loops of the model (--loops) too.",
            training.gradient_loops is not None and model.loops is None,
        ),
        (
            f"training_loops {drawn} of a model built with {model.loops} loops: a step has no more than those.",
            bool(drawn) and model.loops is not None and drawn[1] > model.loops,
        ),
    ]
