"""The dice in the `Trainer` of Hugging Face, with a tiny model and nothing from the network."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments

from maze_rl.training.slots import Apply, Moment, Skip
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer, DiceSchedule

STEPS = 12


class Line(nn.Module):
    """y = w x + b with its own loss, as the `Trainer` wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)
        nn.init.constant_(self.layer.weight, 0.5)
        nn.init.zeros_(self.layer.bias)

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": (self.layer(inputs)[:, 0] - labels).square().mean()}


class Whole:
    """Takes every update."""

    per, apply_to = "step", "update"

    def decide(self, moment: Moment) -> Apply | Skip:
        return Apply()


def examples() -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(0)
    rows = torch.randn(64, 3, generator=random)
    return [{"inputs": row, "labels": row.sum()} for row in rows]


def arguments(folder: Path, steps: int = STEPS, **more: Any) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=4,
        report_to=[],
        use_cpu=True,
        seed=1,
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **more,
    )


def optimizers(
    model: nn.Module, rule: Any, rows: list, clip_norm: float | None = None
) -> tuple[DiceOptimizer, DiceSchedule]:
    dice = DiceOptimizer(torch.optim.AdamW(model.parameters(), lr=0.05), rule, clip_norm, rows.append)
    return dice, DiceSchedule(torch.optim.lr_scheduler.LambdaLR(dice, lambda step: 0.95**step), dice)


def test_dice_that_take_every_update_change_nothing(tmp_path: Path) -> None:
    weights = []
    for dice in (True, False):
        model = Line()
        if dice:
            pair: Any = optimizers(model, Whole(), [])
        else:
            plain = torch.optim.AdamW(model.parameters(), lr=0.05)
            pair = plain, torch.optim.lr_scheduler.LambdaLR(plain, lambda step: 0.95**step)
        Trainer(model, arguments(tmp_path), train_dataset=examples(), optimizers=pair).train()  # type: ignore[arg-type]
        weights.append(model.layer.weight.detach().clone())
    assert torch.equal(*weights)


def test_rolls_decide_and_the_schedule_stands_still_where_an_update_is_thrown_away(tmp_path: Path) -> None:
    model, rows = Line(), []
    die = DiceRoll(0)
    faces = iter([20, 1, 1, 13, 5, 1, 20, 20, 12, 2, 1, 18])
    die.throw = lambda: [next(faces)]  # type: ignore[method-assign]
    dice, schedule = optimizers(model, die, rows)
    Trainer(model, arguments(tmp_path), train_dataset=examples(), optimizers=(dice, schedule)).train()  # type: ignore[arg-type]
    assert [row["rolls"][0]["face"] for row in rows] == [20, 1, 1, 13, 5, 1, 20, 20, 12, 2, 1, 18]
    assert schedule.scheduler.last_epoch == STEPS - 4
    assert dice.state[model.layer.weight]["step"] == STEPS - 4


@pytest.mark.filterwarnings("ignore:apply_to=loss with AdamW")
def test_the_mini_batch_mode_needs_one_line_in_compute_loss(tmp_path: Path) -> None:
    class DiceTrainer(Trainer):
        def compute_loss(self, *args: Any, **options: Any) -> Any:
            return dice.weigh(super().compute_loss(*args, **options))  # type: ignore[arg-type]

    model, rows = Line(), []
    dice, schedule = optimizers(model, DiceRoll(0, per="mini_batch"), rows, clip_norm=1.0)
    DiceTrainer(
        model,
        arguments(tmp_path, gradient_accumulation_steps=3, max_grad_norm=0.0),
        train_dataset=examples(),  # type: ignore[arg-type]
        optimizers=(dice, schedule),
    ).train()
    # 16 mini-batches an epoch: every sixth step has the one that is left over
    assert [len(row["rolls"]) for row in rows] == [3, 3, 3, 3, 3, 1] * 2


def test_a_checkpoint_of_the_trainer_holds_the_dice(tmp_path: Path) -> None:
    """Straight through, and stopped after 6 steps and resumed: the same weights and the same rolls."""
    straight, rows = Line(), []
    settings = {"dataloader_num_workers": 0, "save_steps": 6}
    training = arguments(tmp_path / "straight", **settings)
    training.save_strategy = "steps"  # type: ignore[assignment]
    pair: Any = optimizers(straight, DiceRoll(4, character="rogue", experience=True, encounters=0.3), rows)
    Trainer(straight, training, train_dataset=examples(), optimizers=pair).train()  # type: ignore[arg-type]
    resumed, later = Line(), []
    pair = optimizers(resumed, DiceRoll(4, character="rogue", experience=True, encounters=0.3), later)
    Trainer(resumed, training, train_dataset=examples(), optimizers=pair).train(  # type: ignore[arg-type]
        resume_from_checkpoint=str(tmp_path / "straight" / "checkpoint-6")
    )
    assert later == rows[6:]
    assert torch.equal(straight.layer.weight, resumed.layer.weight)


@pytest.fixture(autouse=True)
def one_accelerator() -> Any:
    """Forget accelerate's global state, so that tests do not meet in it."""
    from accelerate.state import AcceleratorState, PartialState

    yield
    AcceleratorState._reset_state()
    PartialState._reset_state()
