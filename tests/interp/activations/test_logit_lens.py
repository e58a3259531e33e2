"""The lens ends with the model's own logits, starts with the embedding's, and counts right answers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformer_lens import HookedTransformer

from maze_rl.interp.activations.logit_lens import logit_lens
from maze_rl.interp.inputs.pair_tokens import PairTokens

ModelOf = Callable[..., HookedTransformer]


@pytest.mark.parametrize("kind", ["learned", "rotary", "plain", "one_layer"])
def test_layers(kind: str, model_of: ModelOf, pairs: PairTokens) -> None:
    model, rows = model_of(kind), torch.arange(len(pairs))
    found = logit_lens(model, pairs.clean, pairs.position, pairs.right, pairs.wrong)
    cache = model.run_with_cache(pairs.clean)[1]
    streams = [cache["resid_pre", 0], *(cache["resid_post", layer] for layer in range(model.cfg.n_layers))]
    assert found.logit_differences.shape == (len(pairs), len(streams)) == (len(pairs), len(found.names))
    for layer, stream in enumerate(streams):
        normed = stream if kind == "plain" else model.ln_final(stream)
        at = model.unembed(normed)[rows, pairs.position]
        expected = (at[rows, pairs.right] - at[rows, pairs.wrong]).detach().numpy()
        np.testing.assert_allclose(found.logit_differences[:, layer], expected, atol=1e-5)
    np.testing.assert_array_equal(found.is_right, found.logit_differences > 0)
    assert found.mean_differences()[-1].value == pytest.approx(expected.mean(), abs=1e-5)


def test_right_among_options(model_of: ModelOf, pairs: PairTokens) -> None:
    model, rows = model_of("plain"), torch.arange(len(pairs))
    logits = model(pairs.clean)[rows, pairs.position].detach()
    others = torch.tensor([[10, 11], [12, -1], [13, 14], [-1, -1], [15, 16]])
    options = torch.cat([pairs.right[:, None], others], dim=1)
    found = logit_lens(model, pairs.clean, pairs.position, pairs.right, pairs.wrong, options)
    for row in rows.tolist():
        rivals = [float(logits[row, other]) for other in others[row].tolist() if other >= 0]
        expected = all(float(logits[row, pairs.right[row]]) > rival for rival in rivals)
        assert found.is_right[row, -1] == expected
    assert found.is_right[3].all()  # nothing else to choose
    assert found.right_rates()[-1].value == pytest.approx(found.is_right[:, -1].mean())
