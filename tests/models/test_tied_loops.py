"""A block in loops: as if written out, shared by all loops, held once in files, with every hook in its place."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.folding import folded_copy
from maze_rl.models.tied_parameters import own_blocks
from maze_rl.tokenization.tokenization import load_tokenization

Make = Callable[..., MazeTransformer]
METHODS = [
    ("unified_embeddings:2",),
    ("unified_weights:v1",),
    ("unified_weights:v6",),
    ("residual_scaling",),
    ("unified_weights:v3,expansion=2",),
    ("unified_weights:v4",),
    ("unified_weights:v5,parts=all",),
    ("unified_embeddings:2", "unified_weights:v6,parts=all", "residual_scaling"),
]


def written_out(model: MazeTransformer, tokens: torch.Tensor) -> torch.Tensor:
    """The method in plain words: blocks with weights of their own, and what happens between loops."""
    folded = folded_copy(model)
    config = model.maze_config
    plain = build_model(
        ModelConfig(n_layers=config.blocks, d_model=16, n_heads=2, embedding="free", prompt=config.prompt),
        model.tokenization,
        dtype=torch.float64,
    )
    for number, block in enumerate(plain.blocks):
        block.load_state_dict(folded.blocks[number % config.n_layers].state_dict())
    embedded = stream = functional.embedding(tokens, folded.W_E)
    for number in range(config.blocks):
        if number and number % config.n_layers == 0:
            if config.outer_norm:
                stream = functional.layer_norm(stream, (16,), eps=model.cfg.eps) * folded.outer_norm.w
            stream = stream + embedded
        stream = plain(stream, start_at_layer=number, stop_at_layer=number + 1, tokens=tokens)
    return folded.unembed(folded.ln_final(stream))


@pytest.mark.parametrize("outer_norm", [True, False])
@pytest.mark.parametrize("prompt", ["visible", "causal"])
def test_equals_the_loops_written_out(make_searching: Make, ragged: Callable, prompt: str, outer_norm: bool) -> None:
    model = make_searching(prompt=prompt, outer_norm=outer_norm)
    tokens = ragged(model)
    assert (model(tokens) - written_out(model, tokens)).abs().max() < 1e-11


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", ["blocks.0.hook_resid_pre", "blocks.2.recall.hook_embed"])
def test_what_is_changed_in_place_is_not_what_later_loops_recall(
    make_searching: Make, ragged: Callable, name: str, inside: bool
) -> None:
    model = make_searching(prompt="causal", loops=3)
    tokens = ragged(model)
    given = model.input_to_embed(tokens)[0].detach() if inside else tokens
    settings = {"start_at_layer": 0} if inside else {}

    def in_place(stream: torch.Tensor, hook: object) -> None:
        stream *= 1.5

    def anew(stream: torch.Tensor, hook: object) -> torch.Tensor:
        return stream * 1.5

    with torch.no_grad():
        plain, new, old = (
            model.run_with_hooks(given.clone(), fwd_hooks=hooks, **settings)
            for hooks in ([], [(name, anew)], [(name, in_place)])
        )
    assert torch.equal(new, old) and not torch.equal(new, plain)


def test_the_gradient_at_the_first_stream_is_that_of_the_stream_alone(make_searching: Make, ragged: Callable) -> None:
    model = make_searching(loops=3)
    tokens, kept = ragged(model, 2), []
    word = int(model.tokenization.layout.written_ids[3])
    logit = model.run_with_hooks(tokens, fwd_hooks=[("blocks.0.hook_resid_pre", lambda x, hook: kept.append(x))])
    (slope,) = torch.autograd.grad(logit[:, -1, word].sum(), kept)
    way = torch.randn(slope.shape, generator=torch.Generator().manual_seed(1), dtype=slope.dtype)

    def moved(step: float) -> float:
        hooks = [("blocks.0.hook_resid_pre", lambda x, hook: x + step * way)]
        with torch.no_grad():
            return float(model.run_with_hooks(tokens, fwd_hooks=hooks)[:, -1, word].sum())

    assert float((slope * way).sum()) == pytest.approx((moved(1e-5) - moved(-1e-5)) / 2e-5, rel=1e-4)


def test_gradients_reach_the_block_from_every_loop(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model, 2)
    words = torch.from_numpy(model.tokenization.layout.written_ids)

    def loss() -> torch.Tensor:
        return model(tokens)[:, -1, words].square().sum()

    loss().backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.requires_grad}
    silent = {name for name, gradient in found.items() if gradient is None or not gradient.any()}
    assert silent <= {"blocks.0.attn.b_K", "blocks.1.attn.b_K"}
    name, step = "blocks.1.mlp.W_in", 1e-5
    weight = dict(model.named_parameters())[name]
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            weight[3, 5] += sign * step
            losses.append(float(loss()))
            weight[3, 5] -= sign * step
    assert found[name][3, 5] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-5)


@pytest.mark.parametrize("first", [2, 4])
def test_gradients_stop_where_they_are_told_to(make_searching: Make, ragged: Callable, first: int) -> None:
    model = make_searching()
    tokens = ragged(model, 3)
    parameters = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}

    def gradients(**settings: int) -> list[torch.Tensor | None]:
        loss = model(tokens, stop_at_layer=6, **settings).square().sum()
        return list(torch.autograd.grad(loss, list(parameters.values()), allow_unused=True))

    found = gradients(learns_from=first)
    assert torch.is_grad_enabled()
    with model.hooks(fwd_hooks=[(f"blocks.{first}.recall.hook_in", lambda stream, hook: stream.detach())]):
        cut = gradients()
    assert model(tokens, learns_from=first).equal(model(tokens))
    for name, one, other, whole in zip(parameters, found, cut, gradients(), strict=True):
        assert (one is None) == (other is None), name
        if one is not None and other is not None and whole is not None and not name.endswith("b_K"):
            assert one.equal(other), name
            # the gain is used between loops alone: from block 2 on it is used as often as in all of the pass
            assert one.allclose(whole) == (name == "outer_norm.w" and first == 2), name


def test_every_loop_fires_hooks_under_their_usual_names(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    plain = build_model(ModelConfig(n_layers=6, d_model=16, n_heads=2), model.tokenization)
    logits, cache = model.run_with_cache(tokens)
    _, usual = plain.run_with_cache(tokens)
    between = {f"blocks.{block}.recall.hook_{name}" for block in (2, 4) for name in ("in", "norm", "embed")}
    assert set(cache) == set(usual) | between
    assert torch.allclose(logits, model(tokens), atol=1e-12)
    for layer in range(6):
        for name in ("hook_resid_post", "attn.hook_z", "mlp.hook_post"):
            changed = model.run_with_hooks(
                tokens, fwd_hooks=[(f"blocks.{layer}.{name}", lambda value, hook: value * 0)]
            )
            assert not torch.allclose(changed, logits)


def test_a_loop_begins_with_what_recall_returns(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    _, cache = model.run_with_cache(tokens)
    for block in (2, 4):
        left, normed, embedded = (cache[f"blocks.{block}.recall.hook_{name}"] for name in ("in", "norm", "embed"))
        assert torch.equal(left, cache["resid_post", block - 1])
        assert torch.equal(embedded, cache["hook_embed"] + cache["hook_pos_embed"])
        expected = functional.layer_norm(left, (16,), eps=model.cfg.eps) * model.outer_norm.w
        assert torch.allclose(normed, expected)
        assert torch.equal(cache["resid_pre", block], normed + embedded)
    for block in (1, 3, 5):
        assert torch.equal(cache["resid_pre", block], cache["resid_post", block - 1])


def test_a_hook_on_recall_acts(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    without = model.run_with_hooks(
        tokens, fwd_hooks=[(f"blocks.{block}.recall.hook_embed", lambda value, hook: value * 0) for block in (2, 4)]
    )
    assert not torch.allclose(without, model(tokens))


@pytest.mark.parametrize("loops", [1, 2, 3, 5])
def test_any_number_of_loops_shares_parameter_objects(make_searching: Make, ragged: Callable, loops: int) -> None:
    model = make_searching()
    tokens = ragged(model)
    view = model.with_loops(loops)
    assert (view.cfg.n_layers, view.loops, view.maze_config.loops) == (2 * loops, loops, loops)
    ours, theirs = dict(model.named_parameters()), dict(view.named_parameters())
    assert list(ours) == list(theirs)
    assert all(theirs[name] is parameter for name, parameter in ours.items())
    fresh = make_searching(loops=loops)
    fresh.load_state_dict(model.state_dict())
    assert (view(tokens) - fresh(tokens)).abs().max() < 1e-12
    assert torch.equal(view(tokens), model(tokens)) == (loops == 3)
    with torch.no_grad():
        model.blocks[0].attn.W_V *= 2
    assert not torch.allclose(view(tokens), fresh(tokens))
    assert not view.training
    assert model.loops == 3


def test_loops_below_one_or_of_a_plain_model_are_refused(make_searching: Make) -> None:
    model = make_searching()
    for wrong in (0, -1, True):
        with pytest.raises(ConfigurationError, match=r"^loops is .*: the block is applied at least once\.$"):
            model.with_loops(wrong)
    plain = make_searching(loops=None, outer_norm=False)
    with pytest.raises(ConfigurationError, match=r"^loops: this model has none"):
        plain.with_loops(2)


def test_hooks_are_not_lost_with_other_loops(make_searching: Make) -> None:
    model = make_searching()
    model.add_hook("blocks.0.hook_mlp_out", lambda out, hook: 0 * out, is_permanent=True)
    with pytest.raises(ConfigurationError, match=r"^loops: this model is hooked at blocks\.0\.hook_mlp_out, and hooks"):
        model.with_loops(2)
    model.reset_hooks(including_permanent=True)
    assert model.with_loops(2).loops == 2


def test_files_hold_the_block_once_whatever_the_loops(make_searching: Make) -> None:
    few, many = (make_searching(loops=loops).state_dict() for loops in (1, 4))
    assert list(few) == list(many)
    assert {name.split(".")[1] for name in many if name.startswith("blocks.")} == {"0", "1"}
    assert all(few[name].shape == value.shape for name, value in many.items())
    pointers = [value.untyped_storage().data_ptr() for value in many.values() if value.numel()]
    assert len(pointers) == len(set(pointers)), "two keys share memory: safetensors refuses that"
    assert [len(own_blocks(make_searching(loops=loops))) for loops in (None, 1, 4) if loops] == [2, 2]


@pytest.mark.parametrize("embedding", ["waves", "factored", "free"])
def test_a_copy_stands_on_its_own(make_searching: Make, ragged: Callable, embedding: str) -> None:
    model = make_searching(embedding=embedding)
    tokens = ragged(model)
    before, twin = model(tokens), copy.deepcopy(model)
    assert torch.equal(twin(tokens), before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter *= 0.5
    assert torch.equal(model(tokens), before)
    assert not torch.allclose(twin(tokens), before)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 0.5
    assert torch.equal(model(tokens), twin(tokens))


@pytest.mark.parametrize("embedding", ["waves", "factored", "free"])
@pytest.mark.parametrize("unembedding", ["path", "all"])
def test_folding_is_exact(make_searching: Make, ragged: Callable, embedding: str, unembedding: str) -> None:
    model = make_searching(embedding=embedding, unembedding=unembedding)
    tokens = ragged(model)
    folded = folded_copy(model)
    assert torch.equal(folded(tokens), model(tokens))
    assert folded.maze_config.loops == 3
    assert not any("parametrizations" in name for name in folded.state_dict())
    assert torch.equal(folded.with_loops(5)(tokens), model.with_loops(5)(tokens))


@pytest.mark.parametrize("names", METHODS, ids=", ".join)
@pytest.mark.parametrize("embedding", ["free", "factored"])
def test_every_parametrization_works_in_loops(
    make_searching: Make, ragged: Callable, names: tuple[str, ...], embedding: str
) -> None:
    model = make_searching(embedding=embedding, parametrizations=names)
    tokens = ragged(model)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)).double()
    assert (model(tokens) - written_out(model, tokens)).abs().max() < 1e-10
    assert torch.equal(folded_copy(model)(tokens), model(tokens))
    view = model.with_loops(4)
    assert {id(parameter) for parameter in view.parameters()} == {id(parameter) for parameter in model.parameters()}
    assert list(view.state_dict()) == list(model.state_dict())
    assert torch.equal(view(tokens), folded_copy(model).with_loops(4)(tokens))


def test_a_value_norm_works_in_loops(make_searching: Make, ragged: Callable) -> None:
    model = make_searching(embedding="free", value_norm=True, parametrizations=("value_affine",))
    tokens = ragged(model)
    assert torch.equal(folded_copy(model)(tokens), model(tokens))
    assert all(block.attn.normalize_values for block in model.with_loops(5).blocks)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"embedding": "waves", "parametrizations": ("residual_scaling",)}, "both compute the embedding"),
        ({"memory": 4}, "their weights cannot be tied"),
        ({"memory": 4, "memory_kind": "selector"}, "their weights cannot be tied"),
        ({"reverse_positions": True, "reverse_form": "multiply"}, "their weights cannot be tied"),
        ({"reverse_positions": True}, "their weights cannot be tied"),
        ({"loops": 0}, "applied at least once"),
        ({"loops": None}, "outer_norm is a norm between loops"),
    ],
    ids=str,
)
def test_what_cannot_be_in_loops_is_refused(make_searching: Make, changes: dict, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        make_searching(**changes)
    assert "\n" not in str(caught.value)


def test_a_method_of_ones_own_that_wants_a_weight_of_a_later_loop_gets_one_clear_line() -> None:
    config = ModelConfig(
        n_layers=1, d_model=8, n_heads=2, loops=2, embedding="free", parametrizations=("own_tied_method:everywhere",)
    )
    import sys
    from types import ModuleType

    from torch import nn
    from torch.nn.utils import parametrize

    def everywhere(model: MazeTransformer) -> None:
        for block in model.blocks:
            parametrize.register_parametrization(block.attn, "W_Q", nn.Identity())

    module = ModuleType("own_tied_method")
    module.everywhere = everywhere
    sys.modules["own_tied_method"] = module
    try:
        with pytest.raises(ConfigurationError, match="own_tied_method:everywhere") as caught:
            build_model(config, load_tokenization("cells", canvas=4))
    finally:
        del sys.modules["own_tied_method"]
    assert "W_Q" in str(caught.value)
