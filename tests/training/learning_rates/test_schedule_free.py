"""Schedule-free AdamW: resuming and validating change no bit; the the averaged weights are others."""

import io
from typing import Any

import torch
from torch import nn

from maze_rl.training.learning_rates.schedule_free import averaged, schedule_free


class Training:
    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() <= 1]
        rate = {"lr": 0.02, "peak_lr": 0.02}
        self.optimizer = schedule_free(
            [{"params": matrices, "weight_decay": 0.01, **rate}, {"params": rest, "weight_decay": 0.0, **rate}]
        )

    def loss(self, seed: int, num: int = 16) -> torch.Tensor:
        inputs = torch.randn(num, 4, generator=torch.Generator().manual_seed(seed))
        return (self.model(inputs)[:, 0] - inputs.sum(1).sin()).square().mean()

    def run(self, first: int, last: int, validate: bool = False) -> "Training":
        for step in range(first, last):
            for group in self.optimizer.param_groups:
                group["lr"] = group["peak_lr"] * min(1.0, (step + 1) / 10)
            self.optimizer.zero_grad()
            self.loss(step).backward()
            self.optimizer.step()
            if validate:
                with averaged(self.optimizer), torch.no_grad():
                    self.loss(10_000)
        return self

    def weights(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self.model.parameters()]


def same(first: Any, second: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_lowers_the_loss_and_the_average_is_as_good() -> None:
    training = Training()
    before = training.loss(10_000, 500).item()
    training.run(0, 300)
    fast = training.loss(10_000, 500).item()
    with averaged(training.optimizer):
        best = training.loss(10_000, 500).item()
    assert best < 0.3 * before
    assert best < 1.1 * fast


def test_validating_changes_no_bit() -> None:
    assert same(Training().run(0, 50).weights(), Training().run(0, 50, validate=True).weights())


def test_averaged_weights_are_others_and_come_back() -> None:
    training = Training().run(0, 20)
    before = training.weights()
    with averaged(training.optimizer):
        assert not same(before, training.weights())
        inside = training.weights()
        with averaged(training.optimizer):  # a second time changes nothing
            assert same(inside, training.weights())
    assert same(before, training.weights())
    assert training.optimizer.param_groups[0]["train_mode"]


def test_other_optimizers_are_left_alone() -> None:
    training = Training()
    before = training.weights()
    with averaged(torch.optim.SGD(training.model.parameters(), lr=0.1)):
        assert same(before, training.weights())


def test_resumes_bit_for_bit_when_saved_while_training() -> None:
    straight, stopped = Training().run(0, 60), Training().run(0, 25)
    file = io.BytesIO()
    torch.save([stopped.model.state_dict(), stopped.optimizer.state_dict()], file)
    file.seek(0)
    resumed = Training()
    for part, state in zip((resumed.model, resumed.optimizer), torch.load(file, weights_only=True), strict=True):
        part.load_state_dict(state)
    resumed.run(25, 60)
    assert same(straight.weights(), resumed.weights())
    group = resumed.optimizer.param_groups[0]
    expected = straight.optimizer.param_groups[0]
    assert {name: group[name] for name in ("k", "weight_sum", "lr_max")} == {
        name: expected[name] for name in ("k", "weight_sum", "lr_max")
    }
