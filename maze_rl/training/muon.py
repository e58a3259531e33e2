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
def orthogonalize(matrix: Float[Tensor, "rows cols"], steps: int = 5) -> Float[Tensor, "rows cols"]:
    """Return a matrix with the same singular vectors and singular values near 1 (between about 0.7 and 1.2)."""
    wide = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x.mT if matrix.shape[0] > matrix.shape[1] else x


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
            rule = self._matrix_step if group["matrix"] else self._adamw_step
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    rule(parameter, parameter.grad, group)

    def _matrix_step(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].mul_(group["momentum"]).add_(gradient)
        nesterov = gradient.add(momentum, alpha=group["momentum"])
        parameter.sub_(self._update(nesterov), alpha=group["lr"])

    def _update(self, direction: Tensor) -> Tensor:
        if direction.ndim == 2:
            return orthogonalize(direction)
        if direction.shape[1] == self.d_model:
            stacked = direction.permute(1, 0, 2)  # (d_model, head_index, d_head)
            return orthogonalize(stacked.flatten(1)).reshape(stacked.shape).permute(1, 0, 2)
        return orthogonalize(direction.flatten(0, 1)).reshape(direction.shape)

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
