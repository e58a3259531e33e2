"""The pairs of a round: (prompt, real path, path the opponent wrote), and what the opponent thought of both.

A response stands in the table once however often it was written, with the opponent's log probability of it: constants
of a round, so that no second model is kept. Reference: section 4 of arXiv 2401.01335 and its released code mix the
pairs of two rounds; here every pair says which round it is from.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import torch
from jaxtyping import Float, Float32, Int, Int8, Int32, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.tokenization.layouts import PADDING, PATH_END


class Kind(IntEnum):
    """What the written path of a pair is."""

    DISTINCT = 0
    """A walk of the maze that ends, but longer than the real path or short of the target."""
    IDENTICAL = 1
    """The real path: nothing to learn, the gradient would be zero for any weights."""
    TIED = 2
    """Another path as short as the real one."""
    INVALID = 3
    """No walk from the origin through open edges, or without an end."""


@dataclass(frozen=True, eq=False)
class PairTable(Shown):
    """Pairs of one or several rounds. Ids are stored as int16 or int32, as the vocabulary needs."""

    prompts: Int[Tensor, "prompts pos"]
    """Token ids up to ``<PATH_START>``, right-padded."""
    prompt_lengths: Int32[Tensor, " prompts"]
    responses: Int[Tensor, "responses new"]
    """Real and written paths: what stands after ``<PATH_START>``, ``<PATH_END>`` included if it was written."""
    response_lengths: Int32[Tensor, " responses"]
    prompt_of: Int32[Tensor, " responses"]
    """The prompt each response answers."""
    reference: Float[Tensor, " responses"]
    """Log probability of each response under the opponent, nats; a sum over its tokens."""
    real: Int32[Tensor, " pairs"]
    """The response that is the real path."""
    generated: Int32[Tensor, " pairs"]
    """The response the opponent wrote."""
    kinds: Int8[Tensor, " pairs"]
    """A `Kind` for each pair."""
    rounds: Int32[Tensor, " pairs"]
    """The round whose opponent wrote the path."""
    counts: Int32[Tensor, " pairs"]
    """How often it wrote it; 0 for a further pair of a path that another pair counts."""
    weights: Float32[Tensor, " pairs"]
    """Weight in the loss; 0 for pairs that are not trained on."""

    def __len__(self) -> int:
        return len(self.real)

    def state_dict(self) -> dict[str, Any]:
        """Return the table as a flat dict of tensors."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "PairTable":
        """Rebuild a table from `state_dict`."""
        return cls(**state)

    @property
    def newest_round(self) -> int:
        """The round that trains on this table."""
        return int(self.rounds.max())

    def trainable(self, number: int) -> Int64[Tensor, " chosen"]:
        """Return the pairs of a round that are trained on."""
        return ((self.rounds == number) & (self.weights > 0)).nonzero()[:, 0]

    def summary(self, number: int) -> dict[str, int | float]:
        """Count what the opponent of a round wrote, in samples.

        `tokens` are those of all samples, `trained` is the weight of the pairs that are trained on.
        """
        own = self.rounds == number
        ends = self.responses.gather(1, self.response_lengths[:, None].long() - 1)[:, 0] == PATH_END
        counts = {kind.name.lower(): int(self.counts[own & (self.kinds == kind)].sum()) for kind in Kind}
        return {
            "samples": int(self.counts[own].sum()),
            **counts,
            "truncated": int(self.counts[own & ~ends[self.generated]].sum()),
            "tokens": int((self.counts * self.response_lengths[self.generated])[own].sum()),
            "trained": float(self.weights[own].sum()),
        }

    def sequences(self, chosen: Int[Tensor, " rows"]) -> tuple[Tensor, Tensor, Tensor]:
        """Write out responses behind their prompts.

        Returns:
            tokens: Int64[rows, pos], right-padded.
            starts: Int64[rows], position of the first token of each response.
            lengths: Int64[rows], tokens before the padding.
        """
        asked = self.prompt_of[chosen]
        starts, written = self.prompt_lengths[asked].long(), self.response_lengths[chosen].long()
        lengths, width = starts + written, int(starts.max())
        tokens = torch.full((len(chosen), max(width, int(lengths.max()))), PADDING)
        tokens[:, :width] = self.prompts[asked, :width].long()
        row, place = (torch.arange(self.responses.shape[1]) < written[:, None]).nonzero(as_tuple=True)
        tokens[row, starts[row] + place] = self.responses[chosen[row], place].long()
        return tokens, starts, lengths

    def keep(self, chosen: Int64[Tensor, " chosen"]) -> "PairTable":
        """Return the table of the pairs `chosen`, without the responses and prompts no pair needs any more."""
        used, places = torch.cat([self.real[chosen], self.generated[chosen]]).unique(return_inverse=True)
        asked, prompt_of = self.prompt_of[used].unique(return_inverse=True)
        real, generated = places.int().chunk(2)
        pairs = {name: getattr(self, name)[chosen] for name in ("kinds", "rounds", "counts", "weights")}
        return PairTable(
            self.prompts[asked],
            self.prompt_lengths[asked],
            self.responses[used],
            self.response_lengths[used],
            prompt_of.int(),
            self.reference[used],
            real.contiguous(),
            generated.contiguous(),
            **pairs,
        )

    def join(self, other: "PairTable") -> "PairTable":
        """Return one table with the pairs of both."""
        moved = replace(
            other,
            prompt_of=other.prompt_of + len(self.prompts),
            real=other.real + len(self.responses),
            generated=other.generated + len(self.responses),
        )
        parts = ((getattr(self, field.name), getattr(moved, field.name)) for field in fields(self))
        return PairTable(*(_stack(first, second) for first, second in parts))


def _stack(first: Tensor, second: Tensor) -> Tensor:
    """Put rows below rows, padded to one width."""
    if first.ndim == 1:
        return torch.cat([first, second])
    width = max(first.shape[1], second.shape[1])
    wide = (torch.nn.functional.pad(part, (0, width - part.shape[1]), value=PADDING) for part in (first, second))
    return torch.cat(list(wide))
