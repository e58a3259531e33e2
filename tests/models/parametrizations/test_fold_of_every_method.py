"""What holds for every parametrization: where it starts, what trains, and what is left when it is folded."""

from dataclasses import replace

import pytest
import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy, parameter_counts
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.tokenization import load_tokenization

SHAPE = {"n_layers": 2, "d_model": 16, "n_heads": 2, "embedding": "free", "positions": "learned"}
IDENTITIES = {
    "v1": {"parametrizations": ("unified_weights:v1",)},
    "v1 all": {"parametrizations": ("unified_weights:v1,parts=all",)},
    "v3": {"parametrizations": ("unified_weights:v3,expansion=2",)},
    "v3 all": {"parametrizations": ("unified_weights:v3,parts=all,expansion=2",)},
    "v4": {"parametrizations": ("unified_weights:v4",)},
    "v4 all": {"parametrizations": ("unified_weights:v4,parts=all,expansion=2",)},
    "v5": {"parametrizations": ("unified_weights:v5",)},
    "v5 all": {"parametrizations": ("unified_weights:v5,parts=all,expansion=2",)},
    "v5 with a value norm": {"parametrizations": ("unified_weights:v5,expansion=2",), "value_norm": True},
    "v6": {"parametrizations": ("unified_weights:v6",)},
    "v6 all": {"parametrizations": ("unified_weights:v6,parts=all",)},
    "scaling": {"parametrizations": ("residual_scaling",)},
    "value affine": {"parametrizations": ("value_affine",), "value_norm": True},
    "factored with v6": {"parametrizations": ("unified_weights:v6",), "embedding": "factored"},
}
EMBEDDINGS = {
    "embeddings": {"parametrizations": ("unified_embeddings:4",)},
    "factored with embeddings": {"parametrizations": ("unified_embeddings:4,middle=2",), "embedding": "factored"},
    "embeddings and weights": {"parametrizations": ("unified_embeddings:16", "unified_weights:v6")},
    "all": {
        "parametrizations": ("unified_embeddings", "unified_weights:v6,parts=all", "residual_scaling", "value_affine"),
        "value_norm": True,
        "memory": 5,
        "embedding": "factored",
    },
    "embeddings and a selector": {
        "parametrizations": ("unified_embeddings:2", "unified_weights:v4,expansion=2"),
        "memory": 5,
        "memory_kind": "selector",
    },
    "all backwards": {
        "parametrizations": (
            "value_affine",
            "residual_scaling",
            "unified_weights:v1,parts=multiply",
            "unified_embeddings",
        ),
        "value_norm": True,
        "reverse_positions": True,
    },
}
METHODS = IDENTITIES | EMBEDDINGS
TOKENIZATION = load_tokenization("edges", canvas=4)
TINY = 1e-12


def make(method: str, dtype: torch.dtype = torch.float64, moved: bool = True) -> MazeTransformer:
    model = build_model(ModelConfig(**SHAPE | METHODS[method]), TOKENIZATION, seed=3, dtype=dtype)
    if moved:  # as after training: nothing stands at 0 or 1 any more
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=dtype)
    return model


def tokens(num: int = 8, sizes: tuple[int, ...] = (2, 3, 4)) -> torch.Tensor:
    return TOKENIZATION.encode(generate(sizes, "dfs_percolation", num=num, seed=2)).tokens


@pytest.mark.parametrize("method", IDENTITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_start_is_the_plain_model_bit_for_bit(method: str, dtype: torch.dtype) -> None:
    sacrificial = make(method, dtype, moved=False)
    plain = build_model(replace(sacrificial.maze_config, parametrizations=()), TOKENIZATION, seed=3, dtype=dtype)
    ids = tokens()
    assert torch.equal(sacrificial(ids), plain(ids))
    with weights_once(sacrificial):  # as the trainer does
        assert torch.equal(sacrificial(ids), plain(ids))


@pytest.mark.parametrize("method", METHODS)
def test_all_that_trains_gets_a_gradient(method: str) -> None:
    model = make(method)
    ids = tokens()
    # a batch that moves everything: random directions in place of the loss, whose gradient may vanish
    logits = model(ids)
    (
        logits * torch.randn(logits.shape, generator=torch.Generator().manual_seed(1), dtype=logits.dtype)
    ).sum().backward()
    invisible = {f"blocks.{layer}.attn.{name}" for layer in (0, 1) for name in ("b_K", "parametrizations.b_K.original")}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert parameter.grad is None
        elif name not in invisible:  # attention does not see a shift of all keys
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 1e-9, name


@pytest.mark.parametrize("method", METHODS)
def test_the_folded_model_is_the_same_function(method: str) -> None:
    ids = tokens(1000, (2, 3))
    for dtype, most in ((torch.float32, 1e-5), (torch.float64, TINY)):
        model = make(method, dtype)
        folded = folded_copy(model)
        with torch.no_grad():
            difference = (folded(ids) - model(ids)).abs().max()
        assert difference <= most
        assert model(ids[:2]).isfinite().all()


@pytest.mark.parametrize("method", METHODS)
def test_the_folded_model_has_the_plain_keys_and_counts(method: str) -> None:
    model = make(method)
    plain_config = replace(model.maze_config, parametrizations=(), embedding="free")
    plain, folded = build_model(plain_config, TOKENIZATION, dtype=torch.float64), folded_copy(model)
    assert folded.maze_config == plain_config
    assert {k: v.shape for k, v in folded.state_dict().items()} == {k: v.shape for k, v in plain.state_dict().items()}
    counts = parameter_counts(model)
    assert counts.trained == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert counts.folded == sum(p.numel() for p in plain.parameters() if p.requires_grad)
    assert counts.trained > counts.folded


@pytest.mark.parametrize("method", METHODS)
def test_folding_twice_is_folding_once(method: str) -> None:
    once = folded_copy(make(method))
    twice = folded_copy(once)
    for name, value in once.state_dict().items():
        assert torch.equal(value, twice.state_dict()[name]), name


@pytest.mark.parametrize("method", METHODS)
def test_activations_at_every_hook_agree(method: str) -> None:
    model, ids = make(method), tokens()
    _, cache = model.run_with_cache(ids)
    _, folded = folded_copy(model).run_with_cache(ids)
    assert set(cache.keys()) == set(folded.keys())
    for name in cache:
        same = torch.where(cache[name].isinf(), 0.0, cache[name] - folded[name]).abs().max()
        assert same < TINY, name


@pytest.mark.parametrize("method", METHODS)
def test_greedy_paths_are_the_same(method: str) -> None:
    model = make(method, torch.float32)
    prompts, spans = TOKENIZATION.encode(generate(4, num=64, seed=5), prompt_only=True)
    budget = torch.full((64,), 8)
    paths = [decode_paths(either, prompts, spans.lengths, budget) for either in (model, folded_copy(model))]
    assert torch.equal(*paths)


@pytest.mark.parametrize("method", METHODS)
def test_a_state_dict_goes_back_into_a_fresh_model(method: str) -> None:
    model, fresh = make(method), make(method, moved=False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    pointers = [value.untyped_storage().data_ptr() for value in model.state_dict().values() if value.numel()]
    assert len(pointers) == len(set(pointers)), "two keys share memory: safetensors refuses that"
    fresh.load_state_dict(state)
    assert torch.equal(fresh(tokens()), model(tokens()))


def test_the_folded_model_takes_further_processing_of_stock_transformer_lens() -> None:
    model = make("embeddings and weights", torch.float32)
    folded = folded_copy(model)
    stock = HookedTransformer(HookedTransformerConfig.from_dict(folded.cfg.to_dict()))
    stock.load_state_dict(folded.state_dict())
    stock.process_weights_()
    ids = tokens()
    assert (stock(ids).log_softmax(-1) - model(ids).log_softmax(-1)).abs().max() < 2e-5


def test_a_live_model_stays_as_it_is_when_folded() -> None:
    model = make("all")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded_copy(model)
    assert list(before) == list(model.state_dict())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_extra_parameters_do_not_shift_what_is_drawn_for_the_plain_ones() -> None:
    plain = build_model(ModelConfig(**SHAPE), TOKENIZATION, seed=3, dtype=torch.float64)
    state = make("all", moved=False).state_dict()
    for layer, name in ((0, "attn.{}W_Q{}"), (1, "attn.{}W_O{}"), (1, "mlp.{}W_in{}")):
        original = state[f"blocks.{layer}." + name.format("parametrizations.", ".original")]
        assert torch.equal(original, plain.state_dict()[f"blocks.{layer}." + name.format("", "")])
    assert torch.equal(state["embed.parametrizations.W_E.original"], plain.W_E)


def test_stacked_weights_and_copies_work() -> None:
    import copy

    model = make("all")
    assert model.W_Q.shape == (2, 2, 16, 8)
    twin = copy.deepcopy(model)
    ids = tokens()
    assert torch.equal(twin(ids), model(ids))
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(0.5)
    assert not torch.allclose(twin(ids), model(ids))
    assert model(ids).isfinite().all()
