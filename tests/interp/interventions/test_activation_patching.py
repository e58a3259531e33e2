"""Patch maps equal TransformerLens's loops; controls, groups and intervals are what they say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from transformer_lens import HookedTransformer, patching

from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.inputs.pair_tokens import Direction, PairTokens
from maze_rl.interp.interventions.activation_patching import Component, Patcher, check_names, patch_map

STOCK: dict[Component, Any] = {
    "resid_pre": patching.get_act_patch_resid_pre,
    "attn_out": patching.get_act_patch_attn_out,
    "mlp_out": patching.get_act_patch_mlp_out,
    "head": patching.get_act_patch_attn_head_out_by_pos,
}
ModelOf = Callable[..., HookedTransformer]


@pytest.fixture(autouse=True)
def _no_progress_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "tqdm", lambda rows: rows)


def stock_map(model: HookedTransformer, pairs: PairTokens, component: Component, direction: Direction) -> np.ndarray:
    """Return the patched logit differences, summed over pairs, by TransformerLens."""
    base, source = pairs.base_and_source(direction)
    rows = torch.arange(len(pairs))

    def metric(logits: torch.Tensor) -> torch.Tensor:
        at = logits[rows, pairs.position]
        return (at[rows, pairs.right] - at[rows, pairs.wrong]).sum()

    with torch.no_grad():
        start = metric(model(base))
        found = STOCK[component](model, base, model.run_with_cache(source)[1], metric) - start
    found = found if direction == "denoise" else -found
    return (found.permute(0, 2, 1) if component == "head" else found).numpy()


@pytest.mark.parametrize("kind", ["none", "learned", "rotary", "plain", "plain_relu_unscaled"])
@pytest.mark.parametrize("component", list(STOCK))
def test_equals_the_loop(kind: str, component: Component, model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of(kind)
    for direction in ("denoise", "noise") if kind == "learned" else ("denoise",):
        found = patch_map(model, pairs, component=component, direction=direction)
        expected = stock_map(model, pairs, component, direction)
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(found.numerators.sum(axis=0), expected, atol=1e-5 * scale, rtol=0)
        assert np.abs(expected).max() > 1e-2


@pytest.mark.parametrize("component", ["resid_pre", "head"])
def test_where_nothing_differs_or_nothing_follows_the_effect_is_exactly_zero(
    component: Component, model_of: ModelOf, pairs: PairTokens
) -> None:
    found = patch_map(model_of("learned"), pairs, component=component).numerators
    slot = (pairs.clean != pairs.corrupt).long().argmax(dim=1)
    for row in range(len(pairs)):
        assert not found[row, ..., : slot[row]].any()
        assert not found[row, ..., pairs.position[row] + 1 :].any()
    if component == "resid_pre":
        assert not np.delete(found[0, 0], slot[0]).any()  # before the first block only the slot itself differs


def test_patching_all_that_differs_gives_the_other_run(model_of: ModelOf, pairs: PairTokens) -> None:
    everywhere = torch.ones_like(pairs.clean, dtype=torch.bool)
    for direction in ("denoise", "noise"):
        found = patch_map(model_of("rotary"), pairs, direction=direction, groups={"all": everywhere})
        np.testing.assert_allclose(found.effects, 1.0, atol=1e-5)


def test_a_group_is_patched_together_and_skips_pairs_without_it(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("learned", torch.float64)
    mask = torch.zeros_like(pairs.clean, dtype=torch.bool)
    mask[0, 2:5] = mask[1, [5, 8]] = mask[2, 1] = True
    found = patch_map(model, pairs, component="mlp_out", groups={"some": mask})
    source = model.run_with_cache(pairs.clean)[1]["mlp_out", 1]
    logits = model.run_with_hooks(
        pairs.corrupt,
        fwd_hooks=[("blocks.1.hook_mlp_out", lambda value, hook: torch.where(mask[..., None], source, value))],
    )
    rows = torch.arange(len(pairs))
    change = (logits - model(pairs.corrupt))[rows, pairs.position]
    expected = change[rows, pairs.right] - change[rows, pairs.wrong]
    np.testing.assert_allclose(found.numerators[:, 1, 0], expected.detach().numpy(), atol=1e-10)
    assert not found.denominators[3:].any()
    total = patch_map(model, pairs, positions=[0]).denominators[:, 0]
    assert found.effect(1, "some") == pytest.approx(found.numerators[:, 1, 0].sum() / total[:3].sum())


def test_positions_are_columns_of_the_full_map(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("none")
    part, full = patch_map(model, pairs, positions=[9, 5]), patch_map(model, pairs)
    assert part.places == ("9", "5")
    same = patch_map(model, pairs, positions=np.array([9, 5]))
    assert same.places == part.places and np.array_equal(same.effects, part.effects)
    np.testing.assert_allclose(part.effects, full.effects[:, [9, 5]], atol=1e-5)
    right = {"component": "head", "direction": "noise", "source": "run"}
    check_names(**right)
    for named, wrong in (("direction", "denoize"), ("component", "resid"), ("source", "runs")):
        with pytest.raises(UnknownNameError, match=f"unknown {named} '{wrong}'"):
            check_names(**{**right, named: wrong})
    with pytest.raises(ConfigurationError, match="position 999 lies outside"):
        patch_map(model, pairs, positions=[999])
    for nothing in ({"positions": []}, {"groups": {}}):
        with pytest.raises(ConfigurationError, match="nothing to patch"):
            patch_map(model, pairs, **nothing)
    with pytest.raises(ConfigurationError, match="nothing to patch"):
        patch_map(model, pairs.rows(slice(0, 0)))
    with pytest.raises(ConfigurationError, match="positions and groups"):
        patch_map(model, pairs, positions=[1], groups={})


def test_controls_have_the_same_norm_and_their_own_draws(model_of: ModelOf, pairs: PairTokens) -> None:
    model = model_of("learned")
    plain, vector, step = (Patcher(model, pairs, "resid_pre", "denoise") for _ in range(3))
    vector.randomize("random_vector", 0, 0)
    step.randomize("random_step", 0, 0)
    for layer in range(2):
        torch.testing.assert_close(vector.source[layer].norm(dim=-1), plain.source[layer].norm(dim=-1))
        size = (plain.source[layer] - plain.base[layer]).norm(dim=-1)
        torch.testing.assert_close((step.source[layer] - step.base[layer]).norm(dim=-1), size, atol=1e-5, rtol=1e-5)
    both = patch_map(model, pairs, source="random_step", seed=1).numerators
    alone = patch_map(model, pairs.rows(slice(0, 2)), source="random_step", seed=1).numerators
    np.testing.assert_allclose(alone, both[:2], atol=1e-5)
    assert np.abs(both - patch_map(model, pairs, source="random_step", seed=2).numerators).max() > 1e-3


def test_intervals_hold_the_effects(model_of: ModelOf, pairs: PairTokens) -> None:
    found = patch_map(model_of("none"), pairs, component="head")
    intervals = found.intervals(draws=200)
    assert intervals.low.shape == found.effects.shape == (2, 3, 12)
    np.testing.assert_allclose(intervals.value, found.effects)
    assert (intervals.low <= intervals.high).all()
    one = found.interval(1, "9", head=2)
    assert one.value == pytest.approx(found.effects[1, 2, 9])
    assert one.low < one.high
