"""Settings of a round of self-play (SPIN).

After Chen, Deng, Yuan, Ji and Gu: Self-Play Fine-Tuning Converts Weak Language Models to Strong Language Models,
arXiv 2401.01335 (2024).
"""

from dataclasses import dataclass

from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.options import is_count, is_number
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name

SPIN_LOSSES = ("logistic", "hinge", "filtered")
TIE_POLICIES = ("skip", "as_real", "punish")
INVALID_POLICIES = ("punish", "skip")


@dataclass(frozen=True, kw_only=True)
class SpinConfig(Shown):
    """One round: the model learns to tell real paths from those it wrote itself when the round began.

    Raises:
        ConfigurationError: A number is out of range, or two settings contradict each other; names them.
        UnknownNameError: A named choice is unknown.
    """

    beta: int | float = 1.0
    """Scale of the log-ratios, lambda in the paper: how firmly the round holds on to its opponent.

    The logistic optimum is p proportional to p_opponent * (p_real / p_opponent)^(1 / beta) (the paper's theorem 5.4):
    1 goes to the real distribution, more goes part of the way, less goes beyond it. The 0.1 of the paper suits log
    probabilities summed over hundreds of words; a wrong path differs from the right one at a few tokens.
    """
    loss: str = "logistic"
    """`logistic`: softplus(-margin); `hinge`: max(0, 1 - margin); `filtered`: no game, but the likelihood of those
    written paths that are shortest (rejection sampling), the control for what the opponent's losing paths add."""
    samples: int = 1
    """Paths written for each maze."""
    temperature: int | float = 1.0
    """Of the writing. The theory needs samples, 1; 0 writes the most likely path, as the paper's first script does."""
    prompts: int = 4096
    """Mazes of a round."""
    most_tokens: int | None = None
    """Most tokens of a written path; None for as many as an evaluation allows (two cells more than the grid has)."""
    window: int = 2
    """Rounds whose pairs are trained on in equal shares: 1 is this round alone, 2 takes in the one before it."""
    tie_policy: str = "skip"
    """What a written path is that differs from the real one but is as short: `skip` leaves it out; `as_real` takes it
    for one more real path, against the losing samples of its maze; `punish` takes it for losing."""
    invalid_policy: str = "punish"
    """What a written path is that walks through walls, names no cells or does not end: `punish` or `skip`."""
    length_normalised: bool = False
    """Divide each log probability by the tokens of its path."""
    nll: int | float = 0.0
    """Weight of the real paths' negative log likelihood beside the loss."""
    kl_stop: int | float | None = None
    """The round ends early when the estimated KL divergence from its opponent passes this, nats; None for never."""
    keep_best: bool = True
    """End the run with the weights of the best round, judged on the validation split."""

    def __post_init__(self) -> None:
        check_field_types(self)
        self._check_names()
        self._check_numbers()
        if self.temperature == 0 and self.samples > 1:
            raise ConfigurationError(
                f"samples is {self.samples} at temperature 0, which writes one path again and again: "
                "use samples 1 or a temperature above 0."
            )
        if self.tie_policy != "skip" and self.loss == "filtered":
            raise ConfigurationError(
                f"tie_policy {self.tie_policy} with loss filtered, which learns from every shortest path: leave it out."
            )
        if self.tie_policy == "as_real" and self.samples < 2:
            raise ConfigurationError(
                "tie_policy as_real sets tied paths against other samples of the same maze: use samples of 2 or more."
            )

    def _check_names(self) -> None:
        for name, known in (("loss", SPIN_LOSSES), ("tie_policy", TIE_POLICIES), ("invalid_policy", INVALID_POLICIES)):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)

    def _check_numbers(self) -> None:
        for name in ("length_normalised", "keep_best"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}: use true or false.")
        for name in ("samples", "prompts", "window"):
            if not is_count(getattr(self, name)):
                raise ConfigurationError(f"{name} is {getattr(self, name)}: use a whole number, at least 1.")
        if self.most_tokens is not None and not is_count(self.most_tokens):
            raise ConfigurationError(f"most_tokens is {self.most_tokens}: use a whole number, at least 1, or none.")
        if not (is_number(self.beta, 0, 1e6) and self.beta > 0):
            raise ConfigurationError(f"beta is {self.beta}: use a number above 0; 1 is the default.")
        for name in ("temperature", "nll"):
            if not is_number(getattr(self, name), 0, 1e6):
                raise ConfigurationError(f"{name} is {getattr(self, name)}: use 0 or more.")
        if self.kl_stop is not None and not (is_number(self.kl_stop, 0, 1e6) and self.kl_stop > 0):
            raise ConfigurationError(f"kl_stop is {self.kl_stop}: use a number of nats above 0, or none.")
