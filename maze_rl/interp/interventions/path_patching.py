"""Path patching: what a sender tells a receiver directly, through the residual stream and nothing else.

The base run stands still. The difference of the sender's output between the two runs is added to what each receiver
reads (before its layer norm); a receiver's query, key or value (or its MLP's output, or the logits) is computed from
that, and the base run goes on with all receivers so changed. Paths through other heads and MLPs between sender and
receiver are left out. Where a loop begins in between, what the step makes of the recalled stream goes on in its place:
recalled(x + step) - recalled(x), with the base run's x.

Source: Wang et al. (2022), Interpretability in the Wild, arXiv 2211.00593; Goldowsky-Dill et al. (2023), arXiv
2304.05969.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.utilities.tensors import repeat_along_head_dimension

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.residual_replay import Readout, ResidualReplay
from maze_rl.interp.activations.single_blocks import at_decision
from maze_rl.interp.inputs.pair_tokens import Direction, PairTokens, check_direction
from maze_rl.interp.requirements import check_tokens, require_mlps, require_plain_blocks
from maze_rl.intervals import Interval, bootstrap_ratio
from maze_rl.models.readout import begins_loop
from maze_rl.plain_numbers import index_of

Sender = tuple[int, int | Literal["mlp"]]
HeadReceiver = tuple[int, int, Literal["q", "k", "v"]]
Receiver = HeadReceiver | tuple[int, Literal["mlp"]] | Literal["logits"]


@dataclass(frozen=True, kw_only=True)
class PathEffect(Shown):
    """What the paths from a sender to receivers carry."""

    sender: Sender
    """(layer, head) or (layer, "mlp")."""
    receivers: tuple[Receiver, ...]
    """(layer, head, "q" | "k" | "v"), (layer, "mlp") or "logits"."""
    direction: Direction
    """`denoise` or `noise`."""
    numerators: Float64[ndarray, " pair"]
    """LD_patched - LD_corrupt (denoise) or LD_clean - LD_patched (noise)."""
    denominators: Float64[ndarray, " pair"]
    """LD_clean - LD_corrupt."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each clean maze; None where each is taken to have its own."""

    def interval(self, seed: int = 0) -> Interval:
        """Return the effect, a ratio of sums over pairs, with its bootstrap interval over layouts."""
        return bootstrap_ratio(self.numerators, self.denominators, self.layouts, seed=seed)


@torch.no_grad()
def path_patch(
    model: HookedTransformer,
    pairs: PairTokens,
    sender: Sender,
    receivers: Sequence[Receiver],
    *,
    direction: Direction = "denoise",
    positions: Bool[Tensor, "pair pos"] | None = None,
) -> PathEffect:
    """Patch the direct paths from one sender to receivers, all at once.

    Args:
        model: The network.
        pairs: Clean and corrupt tokens.
        sender: (layer, head) or (layer, "mlp").
        receivers: Where its difference is read.
        direction: `denoise` or `noise`.
        positions: Where the sender's output counts; None for everywhere.

    Raises:
        UnknownNameError: There is no such direction.
        ConfigurationError: There are no pairs or no receivers, the pairs are not written in the model's words, there is
            no such sender or receiver, a receiver does not come after the sender, its keys or values are shared by
            several heads, or the model has hooks or blocks of another kind.
    """
    require_plain_blocks(model, "path patching")
    check_direction(direction)
    check_tokens(model, pairs.written)
    if len(pairs) == 0 or not receivers:
        raise ConfigurationError("there is no path to patch: give at least one pair and one receiver.")
    for node in (sender, *receivers):
        _check_node(model, node)
    for receiver in receivers:
        _check_order(sender, receiver)
        _check_alone(model, receiver)
    if any("mlp" in node for node in (sender, *receivers)):
        require_mlps(model, "path patching from or to an MLP")
    base, source = (
        ResidualReplay(model, tokens, pairs.position, pairs.right, pairs.wrong)
        for tokens in pairs.base_and_source(direction)
    )
    step = _output(source, sender) - _output(base, sender)
    if positions is not None:
        step = step * positions[..., None].to(step.device)
    steps = _carried(base, step, sender[0])
    hooks: list[Any] = [
        _overwrite(base, steps[receiver[0]], receiver) for receiver in receivers if receiver != "logits"
    ]
    final = model.run_with_hooks(base.tokens, fwd_hooks=hooks, stop_at_layer=model.cfg.n_layers)
    if "logits" in receivers:
        final = final + steps[model.cfg.n_layers]
    patched = Readout(model, pairs.right, pairs.wrong).of(at_decision(final, pairs.position))
    sign = 1.0 if direction == "denoise" else -1.0
    change, total = patched - base.logit_difference, source.logit_difference - base.logit_difference
    return PathEffect(
        sender=sender,
        receivers=tuple(receivers),
        direction=direction,
        numerators=sign * change.double().cpu().numpy(),
        denominators=sign * total.double().cpu().numpy(),
        layouts=pairs.layouts,
    )


def _check_node(model: HookedTransformer, node: Sender | Receiver) -> None:
    if node == "logits":
        return
    head, *letter = node[1:]
    known = head == "mlp" or index_of(head) in range(model.cfg.n_heads)
    if not (0 <= cast(int, node[0]) < model.cfg.n_layers and known and {*letter} <= {"q", "k", "v"}):
        raise ConfigurationError(
            f"there is no {node!r} in this model: it has layers 0 to {model.cfg.n_layers - 1} with heads 0 to "
            f'{model.cfg.n_heads - 1}; a sender is (layer, head) or (layer, "mlp"), a receiver (layer, head, "q"), "k" '
            'or "v", (layer, "mlp") or "logits".'
        )


def _check_order(sender: Sender, receiver: Receiver) -> None:
    if receiver == "logits":
        return
    same_layer_mlp = receiver[0] == sender[0] and receiver[1] == "mlp" and sender[1] != "mlp"
    if receiver[0] <= sender[0] and not same_layer_mlp:
        raise ConfigurationError(f"receiver {receiver} does not read what sender {sender} writes: choose a later one.")


def _check_alone(model: HookedTransformer, receiver: Receiver) -> None:
    if receiver[-1] in ("k", "v") and _key_heads(model) != model.cfg.n_heads:
        raise ConfigurationError(
            f"receiver {receiver}: {model.cfg.n_heads // _key_heads(model)} heads share keys and values in this model "
            "(n_key_value_heads): call model.set_ungroup_grouped_query_attention(True) first."
        )


def _key_heads(model: HookedTransformer) -> int:
    """Return how many heads of their own keys and values have."""
    grouped = model.cfg.n_key_value_heads is not None and not model.cfg.ungroup_grouped_query_attention
    return cast(int, model.cfg.n_key_value_heads) if grouped else model.cfg.n_heads


def _output(run: ResidualReplay, sender: Sender) -> Float[Tensor, "pair pos d_model"]:
    """Return what the sender writes to the residual stream, without the bias all heads share."""
    layer, head = sender
    if head == "mlp":
        return run.cache["mlp_out", layer]
    attention: Any = run.model.blocks[layer].attn
    return run.cache["z", layer][:, :, head] @ attention.W_O[head]


def _carried(
    base: ResidualReplay, step: Float[Tensor, "pair pos d_model"], written: int
) -> dict[int, Float[Tensor, "pair pos d_model"]]:
    """Return what is left of the step, by the layer that is entered; in the layer that writes it, the step."""
    steps, rows = {written: step}, torch.arange(len(step), device=step.device)
    for layer in range(written + 1, base.model.cfg.n_layers + 1):
        left = base.left[layer - 1]
        if begins_loop(base.model, layer):
            step = base.blocks.entering(layer, left + step, rows, 0) - base.streams[layer]
        steps[layer] = step
    return steps


def _overwrite(
    base: ResidualReplay, step: Float[Tensor, "pair pos d_model"], receiver: HeadReceiver | tuple[int, Literal["mlp"]]
) -> tuple[str, Any]:
    """Return the hook that gives the receiver what it computes from its own input and the sender's step."""
    layer = receiver[0]
    block: Any = base.model.blocks[layer]
    if receiver[1] == "mlp":
        told = block.apply_mlp(block.ln2(base.streams[layer] + base.cache["attn_out", layer] + step))
        return f"blocks.{layer}.hook_mlp_out", lambda value, hook: told
    head, letter = cast(tuple[int, str], receiver[1:])
    read = block.ln1(base.streams[layer] + step)
    inputs = [read] * 3
    if block.cfg.use_split_qkv_input or block.cfg.use_attn_in:  # then attention takes an input for each head
        heads = (base.model.cfg.n_heads, _key_heads(base.model), _key_heads(base.model))
        inputs = [repeat_along_head_dimension(read, num) for num in heads]
    told = block.attn.calculate_qkv_matrices(*inputs)["qkv".index(letter)][:, :, head]

    def tell(value: Tensor, hook: object) -> Tensor:
        value = value.clone()
        value[:, :, head] = told
        return value

    return f"blocks.{layer}.attn.hook_{letter}", tell
