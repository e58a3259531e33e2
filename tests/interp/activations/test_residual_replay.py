"""Going on from a changed residual stream equals running the whole model with a hook that changes it."""

from collections.abc import Callable

import pytest
import torch
from transformer_lens import HookedTransformer

from maze_rl.interp.activations.residual_replay import Entering, ResidualReplay
from maze_rl.interp.inputs.pair_tokens import PairTokens

KINDS = ("none", "learned", "rotary", "value_norm", "reverse", "one_head", "plain", "plain_relu_unscaled")


def differences(logits: torch.Tensor, pairs: PairTokens) -> torch.Tensor:
    rows = torch.arange(len(pairs))
    return logits[rows, pairs.position, pairs.right] - logits[rows, pairs.position, pairs.wrong]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", [0, 4])
def test_changes_at_all_layers_at_once_equal_a_hook_each(
    kind: str, start: int, model_of: Callable[..., HookedTransformer], pairs: PairTokens
) -> None:
    model = model_of(kind, torch.float64)
    run = ResidualReplay(model, pairs.clean, pairs.position, pairs.right, pairs.wrong)
    torch.testing.assert_close(run.logit_difference, differences(model(pairs.clean), pairs))
    stop, generator = int(pairs.position.max()) + 1, torch.Generator().manual_seed(1)
    noise = torch.randn(3, 5, stop - start, 12, generator=generator, dtype=torch.float64)
    rows = [torch.tensor([0, 2, 4]), torch.tensor([1]), torch.arange(5)]
    entering = [Entering(rows[i], (run.streams[i][:, start:stop] + noise[i])[rows[i]]) for i in range(3)]
    for layer, found in enumerate(run.go_on(entering, start)):

        def change(value: torch.Tensor, hook: object, layer: int = layer) -> torch.Tensor:
            return torch.cat([value[:, :start], value[:, start:stop] + noise[layer], value[:, stop:]], dim=1)

        name = f"blocks.{layer}.hook_resid_pre" if layer < 2 else "blocks.1.hook_resid_post"
        expected = differences(model.run_with_hooks(pairs.clean, fwd_hooks=[(name, change)]), pairs)
        torch.testing.assert_close(found, expected[rows[layer]], atol=1e-10, rtol=0)
        assert (found - run.logit_difference[rows[layer]]).abs().min() > 1e-6


@pytest.mark.parametrize("kind", ["learned", "plain", "attention_only"])
def test_after_attention_is_what_leaves_the_block(
    kind: str, model_of: Callable[..., HookedTransformer], pairs: PairTokens
) -> None:
    model = model_of(kind, torch.float64)
    run = ResidualReplay(model, pairs.clean, pairs.position, pairs.right, pairs.wrong)
    middle = (run.streams[0] + run.cache["attn_out", 0]).flatten(0, 1)
    torch.testing.assert_close(run.after_attention(0, middle), run.streams[1].flatten(0, 1))
