"""Contributions add up to the logit difference and are what each component alone writes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformer_lens import HookedTransformer

from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.interventions.logit_attribution import LogitAttribution, logit_attribution

ModelOf = Callable[..., HookedTransformer]
KINDS = ("none", "learned", "rotary", "value_norm", "reverse", "one_head", "plain", "attention_only")


def attribution(model: HookedTransformer, pairs: PairTokens) -> LogitAttribution:
    return logit_attribution(model, pairs.clean, pairs.position, pairs.right, pairs.wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_adds_up(kind: str, model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of(kind)
    found, rows = attribution(model, pairs), torch.arange(len(pairs))
    at = model(pairs.clean)[rows, pairs.position]
    expected = (at[rows, pairs.right] - at[rows, pairs.wrong]).detach().numpy()
    scale = np.abs(found.contributions).sum(axis=1).max()
    np.testing.assert_allclose(found.contributions.sum(axis=1), expected, atol=1e-5 * scale, rtol=0)
    assert len(found.names) == found.contributions.shape[1] == len(set(found.names))
    assert ("pos_embed" in found.names) == (kind != "rotary")
    assert [interval.value for interval in found.intervals()] == pytest.approx(found.contributions.mean(axis=0))


@pytest.mark.parametrize("kind", ["learned", "plain"])
def test_a_component_taken_away_at_the_end_takes_its_part(kind: str, model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of(kind, torch.float64)
    found, rows = attribution(model, pairs), torch.arange(len(pairs))
    cache = model.run_with_cache(pairs.clean)[1]
    head = cache["z", 0][:, :, 1] @ model.W_O[0, 1]
    hooks = [("blocks.1.hook_resid_post", lambda value, hook: value - head)]
    if kind == "learned":
        hooks.append(("ln_final.hook_scale", lambda value, hook: cache["ln_final.hook_scale"]))
    change = (model(pairs.clean) - model.run_with_hooks(pairs.clean, fwd_hooks=hooks))[rows, pairs.position]
    expected = (change[rows, pairs.right] - change[rows, pairs.wrong]).detach().numpy()
    np.testing.assert_allclose(found.contributions[:, found.names.index("L0H1")], expected, atol=1e-10)
    assert np.abs(expected).max() > 1e-3
