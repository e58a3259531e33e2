"""A block of layers applied several times with the same weights, as one `HookedTransformer` of many blocks.

Block i of loop t has the parameters of block i of the first loop: it reads them there each time, so whatever trains
or computes them (an optimizer, adapters, another parametrization) serves all loops, and files hold the block once.
Before every loop but the first the embedding is added again (recall, Bansal et al. 2022, arXiv 2202.05826), where
asked for after a norm of the stream: x <- g * norm(x) + embedding.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformer_lens.hook_points import HookPoint

from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.fused_block import FusedBlock
from maze_rl.models.fused_layer_norm import is_hooked


class OuterNorm(nn.Module):
    """The norm of the stream between loops: one gain, shared by all of them.

    It is a layer norm without shift; a model without it has no such parameter.
    """

    def __init__(self, d_model: int, eps: float, dtype: torch.dtype) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(d_model, dtype=dtype))
        self.eps = eps

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the normalised stream times the gain."""
        return functional.layer_norm(x, self.w.shape, self.w, None, self.eps)


class Recall(nn.Module):
    """What happens between two loops; its hooks are of this place alone, its gain is the model's."""

    shared: ForwardPass
    norm: OuterNorm | None

    def __init__(self, shared: ForwardPass, norm: OuterNorm | None) -> None:
        super().__init__()
        self.__dict__["shared"], self.__dict__["norm"] = shared, norm  # not registered: they belong to the model
        self.hook_in = HookPoint()  # [batch, pos, d_model]: what the last loop left
        self.hook_norm = HookPoint()  # [batch, pos, d_model]: after the norm; without one it is what came in
        self.hook_embed = HookPoint()  # [batch, pos, d_model]: what is added

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Return the stream that the next loop begins with."""
        x = self.hook_in(x)
        x = self.hook_norm(x if self.norm is None else self.norm(x))
        embedding = self.shared.embedding
        # a hook may change in place what it is given, and later loops recall the same
        return x + self.hook_embed(embedding.clone() if is_hooked(self.hook_embed) else embedding)


class LoopStart(FusedBlock):
    """The first block of a loop that is not the first: its `hook_resid_pre` is on what recall returns."""

    recall: Recall

    def forward(self, resid_pre: Tensor, *args: object, **settings: object) -> Tensor:
        """Recall the embedding, then do what every block does; a pass that starts here brings it along."""
        if self.recall.shared.learns_from is self:
            torch.set_grad_enabled(True)  # until the pass ends
        if self.recall.shared.entered is not self:
            resid_pre = self.recall(resid_pre)
        return super().forward(resid_pre, *args, **settings)  # type: ignore[arg-type]
