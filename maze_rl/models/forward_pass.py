"""What the parts of a model share during one forward pass: what positions see, and the embedding that loops recall."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import Float, Int
from torch import Tensor, nn

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.models.visibility import Sight


class ForwardPass(threading.local, Shown):
    """One for each model; filled at the start of a forward pass and emptied at its end.

    Every thread sees its own: passes of one model may run side by side.
    """

    def __init__(self) -> None:
        self.sight: Sight | None = None
        """What each position sees; None for the causal mask, which needs no table."""
        self.embedded: Float[Tensor, "batch pos d_model"] | None = None
        self.entered: nn.Module | None = None
        """The block a pass that starts inside the network begins with: its input has the embedding in it."""
        self.learns_from: nn.Module | None = None
        """The block, the first of a loop, from which on gradients are wanted; None for all of the pass."""
        self.segments: Int[Tensor, "batch pos"] | None = None
        """Segments of the sequences; None for one path behind each prompt."""
        self.running = False
        """Whether a pass runs: what is embedded outside of one is noted nowhere, so that no later pass sees it."""

    def __deepcopy__(self, memo: dict[int, object]) -> "ForwardPass":
        """Return one for the copy of a model, which is in no pass."""
        return memo.setdefault(id(self), ForwardPass())  # type: ignore[return-value]

    def __reduce__(self) -> tuple[type["ForwardPass"], tuple[()]]:
        """Send one in no pass along with a model to another process."""
        return ForwardPass, ()

    @property
    def embedding(self) -> Float[Tensor, "batch pos d_model"]:
        """The embedding of the tokens, positions included.

        Raises:
            ConfigurationError: A block runs outside a forward pass of its model.
        """
        if self.embedded is None:
            raise ConfigurationError(
                "a block of a model with loops recalls the embedding: run it by the model's own forward pass."
            )
        return self.embedded

    @contextmanager
    def open(self) -> Iterator[None]:
        """Within, a forward pass runs; what another one left is put back afterwards."""
        before = dict(vars(self))
        self.__init__()
        self.running = True
        try:
            yield
        finally:
            vars(self).update(before)
