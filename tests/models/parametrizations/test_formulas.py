"""Each method computes the formula it is named after, written out here once more the slow way."""

import pytest
import torch
from torch.nn import functional

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.folding import folded_copy
from maze_rl.models.parametrizations.unified_embeddings import fit_table
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)


def make(*parametrizations: str, moved: float = 0.1, **fields: object) -> MazeTransformer:
    shape = {"n_layers": 2, "d_model": 16, "n_heads": 2, "embedding": "free"} | fields
    config = ModelConfig(**shape, parametrizations=parametrizations)  # type: ignore[arg-type]
    model = build_model(config, TOKENIZATION, seed=3, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += moved * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return model


def tokens() -> torch.Tensor:
    return TOKENIZATION.encode(generate((3, 4), num=6, seed=2)).tokens


def test_unified_embedding() -> None:
    model = make("unified_embeddings:4,middle=3")
    values = dict(model.embed.parametrizations.W_E[0].named_parameters())
    assert {name: tuple(value.shape) for name, value in values.items()} == {
        "table": (len(TOKENIZATION.vocabulary), 64),
        "first": (64, 48),
        "first_bias": (48,),
        "last": (48, 16),
        "last_bias": (16,),
    }
    for token in (0, 7, 20):
        hidden = functional.gelu(values["table"][token] @ values["first"] + values["first_bias"])
        assert torch.allclose(model.W_E[token], hidden @ values["last"] + values["last_bias"], atol=1e-12)
    assert not model.embed.parametrizations.W_E.original.requires_grad


def test_unified_embedding_starts_as_wide_as_the_plain_one() -> None:
    for positions in ("none", "learned"):
        unified = make("unified_embeddings", moved=0.0, positions=positions)
        plain = make(moved=0.0, positions=positions)
        names = ["W_E"] + ["W_pos"] * (positions == "learned")
        for name in names:
            ours, theirs = getattr(unified, name).detach(), getattr(plain, name).detach()
            assert not torch.equal(ours, theirs)
            assert float(ours.std()) == pytest.approx(float(theirs.std()), rel=0.02)
            assert ours.mean(dim=0).abs().max() < 1e-12


def test_unified_embedding_starts_from_a_trained_one() -> None:
    model, trained = make("unified_embeddings:4", moved=0.0), make().W_E.detach()
    table = model.embed.parametrizations.W_E[0]
    left = fit_table(table, trained)
    assert left < 0.02
    assert float((model.W_E.detach() - trained).square().mean() / trained.var()) == pytest.approx(left, rel=0.01)
    assert table.table.grad is None


def test_unified_weight() -> None:
    model = make("unified_weights:v1,parts=all")
    for module, name in ((model.blocks[1].attn, "W_Q"), (model.blocks[0].mlp, "W_in")):
        chain = getattr(module.parametrizations, name)
        part = {key: value.vector + value.scalar for key, value in chain[0].vectors.items()}
        step = chain.original * part["multiply_output"] + part["add_output"]
        assert torch.equal(getattr(module, name), step * part["multiply_input"] + part["add_input"])
        assert part["multiply_input"].numel() == 16
        assert part["multiply_output"].numel() * 16 == chain.original.numel()
    writes = model.blocks[0].attn.parametrizations.W_O
    part = {key: value() for key, value in writes[0].vectors.items()}
    assert set(part) == {"multiply_output", "add_output", "multiply_input"}
    expected = (writes.original * part["multiply_output"] + part["add_output"]) * part["multiply_input"]
    assert torch.equal(model.blocks[0].attn.W_O, expected)
    assert part["multiply_input"].shape == (2, 8, 1)
    bias = model.blocks[0].attn.parametrizations.b_V
    assert torch.equal(model.blocks[0].attn.b_V, bias.original + bias[0].beta)
    assert "b_K" not in model.blocks[0].attn.parametrizations


def test_predicted_weight() -> None:
    model = make("unified_weights:v6,expansion=4")
    network = model.shared_network
    assert network.free.shape == (12, 64)
    for module, name, place in ((model.blocks[1].attn, "W_K", 7), (model.blocks[0].mlp, "W_out", 5)):
        chain = getattr(module.parametrizations, name)
        outputs = functional.gelu(network.free[place] @ network.first) @ network.last
        vector = outputs[network.ranges["multiply_output_16"]] + chain[0].correction["multiply_output"]
        factor = 1 + vector + chain[0].scalar["multiply_output"]
        factor = factor.reshape(2, 1, 8) if name == "W_K" else factor
        assert torch.allclose(getattr(module, name), chain.original * factor, atol=1e-14)


def network_of(module: torch.nn.Module, name: str) -> torch.nn.Module:
    chain = getattr(module.parametrizations, name)
    return next(part.network for part in chain if "network" in part._modules)


def test_a_bias_is_predicted_by_a_network_of_its_own() -> None:
    model = make("unified_weights:v3,expansion=4")
    block = model.blocks[1]
    for module, name, inputs, outputs in ((block.attn, "Q", 16, 16), (block.mlp, "out", 64, 16)):
        network, bias = network_of(module, f"b_{name}"), getattr(module.parametrizations, f"b_{name}")
        assert (network.free.shape, network.first.shape, network.last.shape) == (
            (1, 4 * inputs),
            (4 * inputs, min(inputs, outputs)),
            (min(inputs, outputs), outputs),
        )
        said = functional.gelu(network.free[0] @ network.first) @ network.last
        shift = 0 if name == "out" else bias[0].beta  # a shift of all outputs is normalised away
        expected = bias.original + said.reshape(bias.original.shape) + shift
        assert torch.allclose(getattr(module, f"b_{name}"), expected, atol=1e-14)
        weight = getattr(module.parametrizations, f"W_{name}")
        assert torch.equal(getattr(module, f"W_{name}"), weight.original * weight[0].vectors["multiply_output"]())
    assert "b_K" not in block.attn.parametrizations


def test_factors_are_predicted_by_a_network_of_each_weight() -> None:
    model = make("unified_weights:v4,expansion=4")
    networks = {name.rpartition(".")[0] for name in model.state_dict() if name.endswith("network.free")}
    assert len(networks) == 12
    module = model.blocks[0].attn
    chain, network = module.parametrizations.W_K, network_of(module, "W_K")
    said = functional.gelu(network.free[0] @ network.first) @ network.last
    factor = 1 + said + chain[0].correction["multiply_output"] + chain[0].scalar["multiply_output"]
    assert torch.allclose(module.W_K, chain.original * factor.reshape(2, 1, 8), atol=1e-14)
    bias = module.parametrizations.b_Q
    assert torch.equal(module.b_Q, bias.original + bias[0].beta)


def test_factors_per_input_and_the_bias_come_from_one_network() -> None:
    model = make("unified_weights:v5,expansion=4")
    module = model.blocks[0].mlp
    chain, network = module.parametrizations.W_in, network_of(module, "W_in")
    said = functional.gelu(network.free[0] @ network.first) @ network.last
    per_input = said[network.ranges["multiply_input_16"]] + chain[1].correction["multiply_input"]
    factor = 1 + per_input + chain[1].scalar["multiply_input"]
    expected = chain.original * chain[0].vectors["multiply_output"]() * factor[:, None]
    assert torch.allclose(module.W_in, expected, atol=1e-14)
    bias = module.parametrizations.b_in
    assert torch.allclose(module.b_in, bias.original + said[network.ranges["bias"]] + bias[0].beta, atol=1e-14)
    assert not any("b_in.0.network" in name for name in model.state_dict())


def test_predicted_weights_share_one_network() -> None:
    model = make("unified_weights:v6", moved=0.0)
    names = [name for name, _ in model.named_parameters() if "shared_network" in name]
    assert names == ["shared_network.free", "shared_network.first", "shared_network.last"]
    assert [name for name in model.state_dict() if "shared_network" in name] == names
    assert model.shared_network.ranges == {"multiply_output_16": slice(0, 16), "multiply_output_64": slice(16, 80)}


def test_residual_scaling_is_the_scaled_stream_of_the_original() -> None:
    """x <- alpha x + beta f(x) with every norm's epsilon scaled along: then the two forms are one function."""
    model = make("residual_scaling:0.4", moved=0.3)
    scales, plain = model.residual_scales, folded_copy(model)
    for block, original in zip(plain.blocks, model.blocks, strict=True):
        for module, source, names in (
            (block.attn, original.attn, ("W_O", "b_O")),
            (block.mlp, original.mlp, ("W_out", "b_out")),
        ):
            for name in names:
                getattr(module, name).data = getattr(source.parametrizations, name).original.data
    alphas, betas = scales.alphas().detach(), scales.betas().detach()
    assert (alphas > 0.6).all() and (alphas < 1.4).all()
    stream, size = plain.embed(tokens()), torch.ones((), dtype=torch.float64)
    for layer, block in enumerate(plain.blocks):
        for place, (norm, sublayer) in enumerate(((block.ln1, block.attn), (block.ln2, block.mlp))):
            norm.eps = 1e-5 * float(size) ** 2
            normed = norm(stream)
            written = sublayer(normed, normed, normed) if place == 0 else sublayer(normed)
            stream = alphas[2 * layer + place] * stream + betas[2 * layer + place] * written
            size = size * alphas[2 * layer + place]
    plain.ln_final.eps = 1e-5 * float(size) ** 2
    logits = plain.unembed(plain.ln_final(stream))
    assert (logits - model(tokens())).abs().max() < 1e-11
    # and the activations of our form are those of the scaled stream over the product of the alphas
    _, cache = model.run_with_cache(tokens())
    assert (cache["blocks.1.hook_resid_post"] * size - stream).abs().max() < 1e-11


@pytest.mark.parametrize("flag", ["", "use_attn_result", "use_split_qkv_input"])
def test_value_norm_with_its_affine_part(flag: str) -> None:
    model = make("value_affine", value_norm=True, moved=0.3)
    if flag:
        getattr(model, f"set_{flag}")(True)
    _, cache = model.run_with_cache(tokens())
    attention, ids = model.blocks[0].attn, tokens()
    normed = model.blocks[0].ln1(model.embed(ids))
    raw = torch.einsum("bpm,hmd->bphd", normed, attention.W_V) + attention.b_V
    bare = functional.layer_norm(raw, (8,), eps=1e-5)
    assert (cache["blocks.0.attn.hook_v"] - bare).abs().max() < 1e-12
    gamma, beta = attention.parametrizations.W_O[0].gamma, attention.parametrizations.b_O[0].beta
    v = gamma * (bare + beta)
    z = torch.einsum("bhqk,bkhd->bqhd", cache["blocks.0.attn.hook_pattern"], v)
    weight, bias = attention.parametrizations.W_O.original, attention.parametrizations.b_O.original
    expected = torch.einsum("bphd,hdm->bpm", z, weight) + bias
    assert (cache["blocks.0.hook_attn_out"] - expected).abs().max() < 1e-12
    assert (model(ids) - make(moved=0.3)(ids)).abs().max() > 1e-3


def test_gradients_computed_once_are_those_computed_every_time() -> None:
    model = make(
        "unified_embeddings",
        "unified_weights:v6,parts=all",
        "residual_scaling",
        "value_affine",
        value_norm=True,
        embedding="factored",
    )
    batches = tokens().split(2)
    for batch in batches:
        model(batch, return_type="loss").backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    with weights_once(model):
        for batch in batches:
            model(batch, return_type="loss").backward()
    assert {name for name, p in model.named_parameters() if p.grad is not None} == set(expected)
    for name, parameter in model.named_parameters():
        if name in expected:
            torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-9, atol=1e-13)


def test_a_method_of_ones_own(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    from torch.nn.utils import parametrize

    class Scaled(torch.nn.Module):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = torch.nn.Parameter(by + torch.rand((), dtype=torch.float64))

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight * self.by

    own = ModuleType("own_parametrizations")
    own.scaled = lambda model, by: parametrize.register_parametrization(model.unembed, "W_U", Scaled(by))  # type: ignore
    monkeypatch.setitem(sys.modules, "own_parametrizations", own)
    state = torch.get_rng_state()
    model, again = (make("own_parametrizations:scaled,by=3", moved=0.0) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    factor = model.unembed.parametrizations.W_U[0].by
    assert torch.equal(factor, again.unembed.parametrizations.W_U[0].by)
    assert torch.allclose(model.W_U, make(moved=0.0).W_U * factor)
    assert (folded_copy(model)(tokens()) - model(tokens())).abs().max() < 1e-12
    with pytest.raises(ConfigurationError, match=r"own_parametrizations:scaled: cannot be used \(TypeError"):
        make("own_parametrizations:scaled,wrong=3")
