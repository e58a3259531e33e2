"""Direct paths: by hand in a small model, and together the whole effect where no other path exists."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import numpy as np
import pytest
import torch
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.path_patching import Receiver, path_patch

ModelOf = Callable[..., HookedTransformer]
LATER_HEADS: list[Receiver] = [(1, head, letter) for head in range(3) for letter in "qkv"]  # type: ignore[misc]


def whole_effect(model: HookedTransformer, pairs: PairTokens, head: int) -> np.ndarray:
    everywhere = {"all": torch.ones_like(pairs.clean, dtype=torch.bool)}
    return patch_map(model, pairs, component="head", groups=everywhere).numerators[:, 0, head, 0]


@pytest.mark.parametrize("kind", ["attention_only", "plain_attention_only"])
def test_all_paths_of_two_attention_layers_make_the_whole_effect(
    kind: str, model_of: ModelOf, pairs: PairTokens
) -> None:
    model = model_of(kind, torch.float64)
    for head in range(3):
        paths = path_patch(model, pairs, (0, head), [*LATER_HEADS, "logits"])
        np.testing.assert_allclose(paths.numerators, whole_effect(model, pairs, head), atol=1e-10)
        part = path_patch(model, pairs, (0, head), LATER_HEADS[:3])
        assert np.abs(part.numerators - paths.numerators).max() > 1e-4


def test_both_paths_of_one_layer_make_the_whole_effect(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("one_layer", torch.float64)
    paths = path_patch(model, pairs, (0, 1), [(0, "mlp"), "logits"])
    np.testing.assert_allclose(paths.numerators, whole_effect(model, pairs, 1), atol=1e-10)


def test_the_path_to_the_logits_by_hand(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("plain", torch.float64)
    rows = torch.arange(len(pairs))
    steps = [
        model.run_with_cache(tokens)[1]["z", 0][rows, pairs.position, 2] @ model.W_O[0, 2]
        for tokens in (pairs.clean, pairs.corrupt)
    ]
    direction = (model.W_U[:, pairs.right] - model.W_U[:, pairs.wrong]).T
    expected = ((steps[0] - steps[1]) * direction).sum(dim=-1).detach().numpy()
    for way in ("denoise", "noise"):
        found = path_patch(model, pairs, (0, 2), ["logits"], direction=way)
        np.testing.assert_allclose(found.numerators, expected, atol=1e-10)


def test_a_value_path_by_hand(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("plain_attention_only", torch.float64)
    (_, clean), (_, corrupt) = (model.run_with_cache(tokens) for tokens in (pairs.clean, pairs.corrupt))
    step = (clean["z", 0] - corrupt["z", 0])[:, :, 0] @ model.W_O[0, 0]
    told = corrupt["pattern", 1][:, 1] @ step @ model.W_V[1, 1] @ model.W_O[1, 1]  # attention stays the base run's
    rows = torch.arange(len(pairs))
    direction = (model.W_U[:, pairs.right] - model.W_U[:, pairs.wrong]).T
    expected = (told[rows, pairs.position] * direction).sum(dim=-1).detach().numpy()
    found = path_patch(model, pairs, (0, 0), [(1, 1, "v")])
    np.testing.assert_allclose(found.numerators, expected, atol=1e-10)


@pytest.mark.parametrize("letter", ["q", "k", "v"])
def test_a_built_model_with_norm_and_rotary_positions(letter: Any, model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("rotary", torch.float64)
    (_, clean), (_, corrupt) = (model.run_with_cache(tokens) for tokens in (pairs.clean, pairs.corrupt))
    step = clean["mlp_out", 0] - corrupt["mlp_out", 0]
    block: Any = model.blocks[1]
    read = block.ln1(corrupt["resid_pre", 1] + step)
    weight, bias = getattr(block.attn, f"W_{letter.upper()}")[2], getattr(block.attn, f"b_{letter.upper()}")[2]

    def tell(value: torch.Tensor, hook: object) -> torch.Tensor:
        return torch.cat([value[:, :, :2], (read @ weight + bias)[:, :, None]], dim=2)

    logits = model.run_with_hooks(pairs.corrupt, fwd_hooks=[(f"blocks.1.attn.hook_{letter}", tell)])
    rows = torch.arange(len(pairs))
    change = (logits - model(pairs.corrupt))[rows, pairs.position]
    expected = (change[rows, pairs.right] - change[rows, pairs.wrong]).detach().numpy()
    found = path_patch(model, pairs, (0, "mlp"), [(1, 2, letter)])
    np.testing.assert_allclose(found.numerators, expected, atol=1e-10)
    assert np.abs(expected).max() > 1e-3


def test_positions_limit_the_sender_and_order_is_checked(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("none")
    nowhere = torch.zeros_like(pairs.clean, dtype=torch.bool)
    assert abs(path_patch(model, pairs, (0, 0), [*LATER_HEADS, "logits"], positions=nowhere).interval().value) < 1e-5
    for sender, receiver in (((1, 0), (0, 0, "q")), ((0, "mlp"), (0, "mlp")), ((1, 0), (1, 1, "v"))):
        with pytest.raises(ConfigurationError, match="choose a later one"):
            path_patch(model, pairs, sender, [receiver])  # type: ignore[arg-type, list-item]


@pytest.mark.parametrize("sender", [(0, 99), (0, -1), (-1, 0), (50, "mlp")])
def test_a_sender_that_is_not_there_is_refused(sender: Any, model_of: ModelOf, pairs: PairTokens) -> None:
    with pytest.raises(ConfigurationError, match=r"^there is no \(.*\) in this model: it has layers 0 to 1"):
        path_patch(model_of("none"), pairs, sender, ["logits"])


@pytest.mark.parametrize("receiver", [(1, 99, "q"), (1, -1, "v"), (99, "mlp")])
def test_a_receiver_that_is_not_there_is_refused(receiver: Any, model_of: ModelOf, pairs: PairTokens) -> None:
    with pytest.raises(ConfigurationError, match=r"^there is no \(.*\) in this model: it has layers 0 to 1"):
        path_patch(model_of("none"), pairs, (0, 0), [receiver])


def test_an_unknown_direction_is_no_noising(model_of: ModelOf, pairs: PairTokens) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown direction 'denoising'. Did you mean 'denoise'"):
        unwrap(path_patch)(model_of("none"), pairs, (0, 0), ["logits"], direction="denoising")
