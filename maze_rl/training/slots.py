"""The plug-in slots of the trainer: what each gets, what it answers, and when it is asked.

A plug-in is a plain function or an object with two methods. The order within a step is fixed: learning rate, loss and
gradient of every mini-batch (update rules ``per="mini_batch"`` are asked for each, before the first), clip by the norm
of the gradient as it is without their scales, update rules ``per="step"``, step, scaling of the update, controllers.

Objects that remember something between steps also have ``state_dict`` and ``load_state_dict`` (`Stateful`): what they
return is saved in every checkpoint, so that a resumed run equals a straight one bit for bit. Randomness comes from a
generator of the plug-in's own, made by `maze_rl.seeding.numpy_generator(seed, "name of the stream")`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown

Record = Mapping[str, Any]
"""Plain JSON values that go into the step's row of ``metrics.jsonl``."""


# ------------------------------------------------------------------------------------------------- objective


@dataclass(frozen=True)
class Loss(Shown):
    """What one micro-batch contributes; sums, so that the trainer can divide by the weights of the whole step."""

    total: Float[Tensor, ""]
    """Weighted sum, nats; the gradient comes from here."""
    measures: Mapping[str, Float[Tensor, ""]] = field(default_factory=dict)
    """Weighted sums of whatever else is reported, without gradient; divided like the loss."""


@runtime_checkable
class Objective(Protocol):
    """What is minimised: the sum of ``loss(...).total`` over that of ``weight(...)``, over a step's micro-batches."""

    def weight(self, model: HookedTransformer, micro: Any) -> float:
        """Return what a micro-batch adds to the step's one normaliser."""
        ...

    def loss(self, model: HookedTransformer, micro: Any) -> Loss:
        """Return the unnormalised loss of a micro-batch."""
        ...


# ----------------------------------------------------------------------------------------------- update rule


@dataclass(frozen=True)
class Apply(Shown):
    """Take the update, scaled."""

    scale: float = 1.0
    """Factor on the loss, the gradient or the update; negative turns it round. 1.0 changes no bit."""
    record: Record = field(default_factory=dict)
    noise: float = 0.0
    """Standard deviation of Gaussian noise on the update, in units of each parameter's root mean square change; needs
    ``apply_to="update"``."""


@dataclass(frozen=True)
class Skip(Shown):
    """Throw the gradient away: weights, optimizer state, weight decay and learning-rate schedule stay as they are."""

    record: Record = field(default_factory=dict)


@dataclass(frozen=True)
class Moment(Shown):
    """When an update rule is asked."""

    step: int
    """Batches used up before this step."""
    mini_batch: int
    """Which mini-batch of the step, or the number of them when the rule is asked once a step."""
    loss: Callable[[], float]
    """Measures the loss (per weight) of the mini-batch, or of the step; for a mini-batch that costs a forward pass."""


@runtime_checkable
class UpdateRule(Protocol):
    """Decides whether, and how strongly, a gradient changes the weights."""

    per: Literal["mini_batch", "step"]
    """Asked for every mini-batch before the first backward pass, or once a step."""
    apply_to: Literal["loss", "grad", "update"]
    """`loss` and `grad`: on the gradient before the optimizer, of a mini-batch or the step; clipping knows no scale, so
    that the two are one choice. `update`: on what the optimizer changed."""

    def decide(self, moment: Moment) -> Apply | Skip:
        """Return what to do; called exactly once per mini-batch or step, in order."""
        ...


# ------------------------------------------------------------------------------------------------ controller


class Verdict(Enum):
    """What a controller asks of the trainer after a step."""

    GO_ON = "go on"
    REMEMBER = "remember"
    """Keep a copy of weights and optimizer state as the one to go back to."""
    GO_BACK = "go back"
    """Return to that copy; data and step counts go on."""


@dataclass(frozen=True)
class Outcome(Shown):
    """What a controller learns of a step."""

    step: int
    """Updates taken in this stretch before this step: the place in its schedule, which a skipped step leaves."""
    steps: int
    """Steps of the stretch."""
    loss: float
    """Training loss before the update, per weight."""
    gradient_norm: float
    """Before clipping, and without the scales of an update rule."""
    learning_rate: float
    """The rate the step was taken with (of the last parameter group)."""
    held_out: Callable[[], float]
    """Loss on data no step trains on. On the endless stream that is the training loss itself; on a finite dataset, and
    in a round of self-play (there the run's loss on mazes' paths), a forward pass over mazes set aside for it."""
    taken: bool = True
    """Whether the update was taken: false where the update rule skipped it, or loss or gradient was not finite."""

    @property
    def finite(self) -> bool:
        """Whether loss and gradient were finite; else the step was not taken."""
        return abs(self.loss) != float("inf") and self.loss == self.loss and self.gradient_norm < float("inf")


@runtime_checkable
class Controller(Protocol):
    """Multiplies the learning rate of the schedule, and learns from what comes of it."""

    def multiplier(self) -> float:
        """Return the factor for the next step."""
        ...

    def observe(self, outcome: Outcome) -> Verdict:
        """Learn from a step; called after every step, taken or not."""
        ...


@runtime_checkable
class Beginning(Protocol):
    """A controller that wants to know where a stretch begins: a new optimizer, a schedule from its start."""

    def begin(self) -> None:
        """Forget what belonged to the stretch before; its weights can no longer be gone back to."""
        ...


# ------------------------------------------------------------------------------------------------ remembering


@runtime_checkable
class Stateful(Protocol):
    """Remembers something between steps. The state is a tree of dicts with text keys: tensors and JSON values."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what comes next, random state included."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state that `state_dict` returned, on disk in between."""
        ...
