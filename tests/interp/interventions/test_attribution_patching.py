"""Attribution is the derivative, exact where the model is linear, near the patch where changes are small."""

from collections.abc import Callable
from inspect import unwrap

import numpy as np
import pytest
import torch
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.interventions.activation_patching import patch_map, single_positions
from maze_rl.interp.interventions.attribution_patching import Node, attribution_maps, confirm, shortlist

ModelOf = Callable[..., HookedTransformer]


def blind(model: HookedTransformer) -> HookedTransformer:
    """Make attention uniform: the rest of an attention-only model without norm is linear."""
    with torch.no_grad():
        for block in model.blocks:
            block.attn.W_Q.zero_(), block.attn.b_Q.zero_()  # type: ignore[union-attr, operator]
    return model


@pytest.mark.parametrize("steps", [None, 2])
@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_exact_in_a_linear_model(steps: int | None, direction: str, model_of: ModelOf, pairs: PairTokens) -> None:
    model = blind(model_of("plain_attention_only", torch.float64))
    options = {"direction": direction, "steps": steps, "components": ("resid_pre", "head")}
    for component, found in attribution_maps(model, pairs, **options).items():  # type: ignore[arg-type]
        exact = patch_map(model, pairs, component=component, direction=direction)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.numerators, exact.numerators, atol=1e-10)
        assert np.abs(exact.numerators).max() > 1e-2


def test_equals_finite_differences(model_of: ModelOf, pairs: PairTokens) -> None:
    model, size = model_of("learned", torch.float64), 1e-5
    found = attribution_maps(model, pairs, components=("mlp_out",))["mlp_out"].numerators
    source = model.run_with_cache(pairs.clean)[1]["mlp_out", 0]
    rows = torch.arange(len(pairs))

    def difference(share: float, position: int) -> np.ndarray:
        def step(value: torch.Tensor, hook: object) -> torch.Tensor:
            value = value.clone()
            value[:, position] += share * (source[:, position] - value[:, position])
            return value

        logits = model.run_with_hooks(pairs.corrupt, fwd_hooks=[("blocks.0.hook_mlp_out", step)])
        at = logits[rows, pairs.position]
        return (at[rows, pairs.right] - at[rows, pairs.wrong]).detach().numpy()

    for position in (5, 9):
        slope = (difference(size, position) - difference(-size, position)) / (2 * size)
        np.testing.assert_allclose(found[:, 0, position], slope, atol=1e-6)


def test_near_the_patch_where_runs_hardly_differ(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("rotary", torch.float64)
    with torch.no_grad():
        model.W_E.copy_(model.W_E[:1] + 0.01 * (model.W_E - model.W_E[:1]))
    for component, found in attribution_maps(model, pairs).items():
        exact = patch_map(model, pairs, component=component).numerators.ravel()  # type: ignore[arg-type]
        assert np.corrcoef(found.numerators.ravel(), exact)[0, 1] > 0.99


def test_more_steps_come_nearer_to_the_total(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("learned", torch.float64)
    errors = []
    for steps in (None, 64):
        # Before the first layer all effects of the input add up: integrated gradients are complete.
        found = attribution_maps(model, pairs, components=("resid_pre",), steps=steps)["resid_pre"]
        errors.append(np.abs(found.numerators[:, 0].sum(axis=1) - found.denominators[:, 0]).max())
    assert errors[1] < 1e-3 < errors[0]


def test_shortlist_and_confirmation(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("learned")
    discovery, held_out = pairs.rows(slice(0, 3)), pairs.rows(slice(2, 5))
    maps = attribution_maps(model, discovery)
    nodes = shortlist(maps, 6)
    sizes = [abs(maps[n.component].effect(n.layer, n.place, n.head)) for n in nodes]
    assert len(set(nodes)) == 6
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == max(np.nanmax(np.abs(found.effects)) for found in maps.values())
    result = confirm(model, maps, nodes, held_out)
    for node, interval in zip(nodes, result.exact, strict=True):
        exact = patch_map(model, held_out, component=node.component).effect(node.layer, node.place, node.head)
        assert interval.value == pytest.approx(exact, abs=1e-5)
    assert -1 <= result.spearman <= 1


def test_groups_keep_their_names(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("none")
    slot = pairs.clean != pairs.corrupt
    groups = {"slot": slot, "nowhere": torch.zeros_like(slot)}
    maps = attribution_maps(model, pairs, groups=groups, components=("resid_pre",))
    single = attribution_maps(model, pairs, components=("resid_pre",))["resid_pre"].numerators
    picked = np.take_along_axis(single[:, 1], slot.long().argmax(dim=1)[:, None].numpy(), axis=1)[:, 0]
    np.testing.assert_allclose(maps["resid_pre"].numerators[:, 1, 0], picked, atol=1e-5)
    nodes = shortlist(maps, 9)
    assert {node.place for node in nodes} == {"slot"}
    assert Node("resid_pre", 0, "slot") in nodes
    assert confirm(model, maps, [Node("resid_pre", 0, "slot")], pairs, groups=groups).exact[0].value == pytest.approx(
        1.0, abs=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"direction": "denoising"}, "unknown direction 'denoising'"),
        ({"components": ["heads"]}, "unknown component 'heads'. Did you mean 'head'"),
        ({"steps": 0}, "steps is 0: expected a whole number, at least 1"),
    ],
)
def test_what_is_not_known_is_refused(changes: dict, said: str, model_of: ModelOf, pairs: PairTokens) -> None:
    with pytest.raises(MazeRLError, match=said):
        unwrap(attribution_maps)(model_of("none"), pairs, **changes)


def test_nothing_to_patch_is_refused(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("rotary")
    for given, settings in ((pairs.rows(slice(0, 0)), {}), (pairs, {"groups": {}}), (pairs, {"components": ()})):
        with pytest.raises(ConfigurationError, match=r"^there is nothing to patch: "):
            attribution_maps(model, given, **settings)


def test_nodes_that_are_not_there_are_refused(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("rotary")
    maps = attribution_maps(model, pairs, components=("resid_pre", "head"))
    for node, said in (
        (Node("resid_pre", 1, "nowhere"), "unknown place 'nowhere'"),
        (Node("resid_pre", 99, "3"), "no effect of resid_pre at layer 99: there are layers 0 to 1 and no heads"),
        (Node("resid_pre", -1, "3"), "no effect of resid_pre at layer -1"),
        (Node("resid_pre", 1, "3", 0), "no effect of resid_pre at layer 1, head 0"),
        (Node("head", 1, "3"), "no effect of head at layer 1: there are layers 0 to 1 and heads 0 to 2"),
        (Node("head", 1, "3", 3), "no effect of head at layer 1, head 3"),
        (Node("mlp_out", 1, "3"), "unknown component of the estimates 'mlp_out'"),
    ):
        with pytest.raises(MazeRLError, match=said) as refusal:
            confirm(model, maps, [node], pairs)
        assert "\n" not in str(refusal.value)
    with pytest.raises(MazeRLError, match="unknown place of these pairs '3'"):
        confirm(model, maps, [Node("resid_pre", 1, "3")], pairs, groups=single_positions(pairs, [4]))
