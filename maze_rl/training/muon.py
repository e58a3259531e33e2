"""Muon: momentum whose matrix updates are orthogonalised, so every direction of a weight moves alike.

Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks. A matrix's momentum G is
replaced by (nearly) U V^T of its singular value decomposition, by five steps of the quintic Newton-Schulz
iteration X <- aX + b(XX^T)X + c(XX^T)^2 X with (a, b, c) = (3.4445, -4.7750, 2.0315). Heads of one attention
layer form one matrix. Everything that is no weight matrix (embeddings, norms, biases) takes AdamW.
"""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315


@torch.no_grad()
def orthogonalize(matrices: Float[Tensor, "*batch rows cols"], steps: int = 5) -> Float[Tensor, "*batch rows cols"]:
    """Return matrices with the same singular vectors and singular values near 1 (between about 0.7 and 1.2)."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    wide = matrices.mT if tall else matrices
    x = (wide / (wide.norm(dim=(-2, -1), keepdim=True) + 1e-7)).reshape(-1, *wide.shape[-2:])
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    x = x.reshape(wide.shape)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon for groups with ``matrix=True``, AdamW for the others.

    Args:
        groups: Parameter groups, each with `params`, `lr`, `weight_decay` and `matrix`. A 3-D parameter of a
            matrix group holds heads, [head_index, d_model, d_head] or [head_index, d_head, d_model]; it is
            orthogonalised as the one matrix between the residual stream and all heads.
        d_model: Width of the residual stream; tells which axis of a 3-D parameter faces it.
        momentum: Momentum of the matrices (Nesterov).
        betas: AdamW's decay rates.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        d_model: int,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
    ) -> None:
        super().__init__(list(groups), {"momentum": momentum, "betas": betas, "eps": 1e-8})
        self.d_model = d_model

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in parameters:
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
            if group["matrix"]:
                self._matrix_steps(parameters, group)
            else:
                for parameter in parameters:
                    self._adamw_step(parameter, parameter.grad, group)

    def _matrix_steps(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Orthogonalise the momenta, all matrices of one shape in one batch."""
        by_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
        for parameter in parameters:
            matrix = as_matrix(self._nesterov(parameter, group), self.d_model)
            by_shape.setdefault(matrix.shape, []).append((parameter, matrix))
        for pairs in by_shape.values():
            updates = orthogonalize(torch.stack([matrix for _, matrix in pairs]))
            for (parameter, _), update in zip(pairs, updates, strict=True):
                parameter.sub_(as_heads(update, parameter.shape, self.d_model), alpha=group["lr"])

    def _nesterov(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].mul_(group["momentum"]).add_(gradient)
        return gradient.add(momentum, alpha=group["momentum"])

    def _adamw_step(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first, second = group["betas"]
        state["step"] += 1
        count = float(state["step"])
        mean = state["mean"].lerp_(gradient, 1 - first)
        square = state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        denominator = (square / (1 - second**count)).sqrt_().add_(group["eps"])
        parameter.addcdiv_(mean, denominator, value=-group["lr"] / (1 - first**count))


def as_matrix(weight: Tensor, d_model: int) -> Float[Tensor, "rows cols"]:
    """Return a weight as one matrix between the residual stream and all heads; a matrix stays as it is."""
    if weight.ndim == 2:
        return weight
    return weight.permute(1, 0, 2).flatten(1) if weight.shape[1] == d_model else weight.flatten(0, 1)


def as_heads(matrix: Float[Tensor, "rows cols"], shape: torch.Size, d_model: int) -> Tensor:
    """Undo `as_matrix`: return the weight of the given shape."""
    if len(shape) == 2 or shape[1] != d_model:
        return matrix.reshape(shape)
    heads, _, d_head = shape
    return matrix.reshape(d_model, heads, d_head).permute(1, 0, 2)
