import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_model
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)
CONFIG = ModelConfig(n_layers=2, d_model=16, n_heads=2)


def model_and_batches():
    tokens = TOKENIZATION.encode(generate(4, num=6)).tokens
    return build_model(CONFIG, TOKENIZATION, seed=1, dtype=torch.float64), tokens.split(2)


def gradients(model, batches) -> dict[str, torch.Tensor]:
    for tokens in batches:
        model(tokens, return_type="loss").backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


def test_gradients_of_several_batches_are_the_same() -> None:
    model, batches = model_and_batches()
    expected = gradients(model, batches)
    model.zero_grad()
    with weights_once(model):
        gradients(model, batches)
    assert {name for name, weight in model.named_parameters() if weight.grad is not None} == expected.keys()
    for name, weight in model.named_parameters():
        if name in expected:
            torch.testing.assert_close(weight.grad, expected[name], rtol=1e-10, atol=1e-14)


def test_afterwards_weights_follow_the_parameters_again() -> None:
    model, (tokens, *_) = model_and_batches()
    with weights_once(model):
        before = model(tokens)
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 0.5
    assert not torch.allclose(model(tokens), before)


def test_hooked_attention_trains_within() -> None:
    model, (tokens, *_) = model_and_batches()
    seen = []
    with weights_once(model), model.hooks([("blocks.0.attn.hook_pattern", lambda pattern, hook: seen.append(1))]):
        model(tokens, return_type="loss").backward()
    assert seen == [1]
    assert model.blocks[0].attn.W_Q.grad.abs().sum() > 0


def test_an_error_within_uncovers_the_functions_and_passes_nothing_on() -> None:
    model, (tokens, *_) = model_and_batches()
    with pytest.raises(RuntimeError, match="stop"), weights_once(model):
        model(tokens, return_type="loss").backward()
        raise RuntimeError("stop")
    assert model.blocks[0].attn.W_Q.grad is None
    assert all("forward" not in vars(module) for module in model.modules())
    assert all("joined_weight" not in vars(block.attn) for block in model.blocks)
