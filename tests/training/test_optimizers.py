"""Optimizers: each lowers a loss; Muon orthogonalises what it says and is AdamW elsewhere."""

import pytest
import torch

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.training import OPTIMIZERS, Phase, TrainingConfig
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.muon import Muon, as_heads, as_matrix, orthogonalize
from maze_rl.training.optimizers import OPTIMIZER_FACTORIES


def config(**changes: object) -> TrainingConfig:
    return TrainingConfig(phases=(Phase(steps=100, mazes=MazeSpec(sizes=(3,))),), **changes)  # type: ignore[arg-type]


def make() -> MazeTransformer:
    return build_model(ModelConfig(n_layers=1, d_model=16, n_heads=2), load_tokenization("edges", canvas=4))


def test_every_named_optimizer_has_a_factory() -> None:
    assert set(OPTIMIZER_FACTORIES) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lowers_the_loss_of_one_batch(name: str) -> None:
    model = make()
    optimizer = OPTIMIZER_FACTORIES[name](model, config(learning_rate=0.01))
    tokens = torch.randint(0, 20, (8, 12), generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = model(tokens, return_type="loss")
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_trainable_parameter_is_in_exactly_one_group(name: str) -> None:
    model = make()
    optimizer = OPTIMIZER_FACTORIES[name](model, config())
    grouped = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    assert all("peak_lr" in group for group in optimizer.param_groups)
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] > 0 for p in group["params"]}
    names = {name for name, p in model.named_parameters() if id(p) in decayed}
    assert names == {
        f"blocks.0.{part}" for part in ("attn.W_Q", "attn.W_K", "attn.W_V", "attn.W_O", "mlp.W_in", "mlp.W_out")
    }


@pytest.mark.parametrize("shape", [(8, 32), (32, 8), (16, 16)])
def test_orthogonalize_keeps_directions_and_evens_out_lengths(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    core = left.T @ orthogonalize(matrix) @ right.T
    lengths = core.diagonal()
    assert (lengths > 0.6).all()
    assert (lengths < 1.25).all()
    assert (core - torch.diag(lengths)).abs().max() < 1e-10


def test_a_batch_is_orthogonalised_matrix_by_matrix() -> None:
    batch = torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(orthogonalize(batch), torch.stack([orthogonalize(matrix) for matrix in batch]), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 16, 8), (2, 8, 16), (16, 5)])
def test_heads_are_one_matrix_and_come_back(shape: tuple[int, ...]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    matrix = as_matrix(weight, 16)
    assert matrix.shape == ((16, 16) if len(shape) == 3 else shape)
    if shape == (2, 16, 8):  # W_Q: head_index, d_model, d_head
        assert torch.equal(matrix, torch.cat([weight[0], weight[1]], dim=1))
    if shape == (2, 8, 16):  # W_O: head_index, d_head, d_model
        assert torch.equal(matrix, torch.cat([weight[0], weight[1]], dim=0))
    assert torch.equal(as_heads(matrix, weight.shape, 16), weight)


def test_a_matrix_moves_by_its_orthogonalised_momentum() -> None:
    weights = [torch.nn.Parameter(torch.zeros(2, 16, 8)), torch.nn.Parameter(torch.zeros(16, 16))]
    muon = Muon([{"params": weights, "lr": 0.1, "weight_decay": 0.0, "matrix": True}], d_model=16)
    gradients = [torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) for weight in weights]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    muon.step()
    for weight, gradient in zip(weights, gradients, strict=True):
        expected = -0.1 * orthogonalize(as_matrix(1.95 * gradient, 16))
        assert torch.allclose(as_matrix(weight.detach(), 16), expected, atol=1e-5)


def test_the_rest_is_adamw() -> None:
    start, gradients = torch.randn(5), [torch.randn(5) for _ in range(4)]
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    muon = Muon([{"params": [ours], "lr": 0.1, "weight_decay": 0.05, "matrix": False}], d_model=5)
    adamw = torch.optim.AdamW([theirs], lr=0.1, betas=(0.9, 0.95), weight_decay=0.05)
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adamw.step()
    assert torch.allclose(ours, theirs, atol=1e-6)
