"""The laws of training: resume is exact, micro-batches change nothing, what is broken stops before the step."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.presets import growing_sizes
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import (
    OPTIMIZERS,
    DataFolder,
    Phase,
    RunConfig,
    TrainingConfig,
    run_from_json,
    run_to_json,
)
from maze_rl.errors import CheckpointError, ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.splits import count_outside
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.checkpoints import checkpoint_steps, load_checkpoint, save_checkpoint
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.optimizer_state import optimizer_equal
from maze_rl.training.source import maze_source, prefetch, prepare_step
from maze_rl.training.state import TrainingState, new_state
from maze_rl.training.step import Setting, TrainingError, add_up_gradients, take_step
from maze_rl.training.trainer import Callbacks, TrainingInterrupted, train
from maze_rl.training.validation import validator


def make_config(steps: int = 6, **changes: object) -> RunConfig:
    mazes = MazeSpec(sizes=(3, 4, 5), split="train")
    settings: dict[str, object] = {
        "batch_size": 8,
        "warmup_steps": 2,
        "checkpoint_every": 2,
        "validate_every": 3,
        "validation_mazes": 8,
    }
    training = TrainingConfig(phases=growing_sizes(mazes, steps), **(settings | changes))  # type: ignore[arg-type]
    return RunConfig(
        training=training,
        tokenization=TokenizationConfig(canvas=6, random_offsets=True),
        model=ModelConfig(n_layers=2, d_model=16, n_heads=2),
    )


def make_state(config: RunConfig) -> TrainingState:
    model = build_model(config.model, Tokenization(config.tokenization), seed=config.seed)
    return new_state(model, config.training, config.seed)


def assert_same(first: TrainingState, second: TrainingState) -> None:
    for (name, ours), theirs in zip(first.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), name
    assert optimizer_equal(first.optimizer, second.optimizer)
    assert (first.step, first.mazes, first.tokens, first.leaks) == (
        second.step,
        second.mazes,
        second.tokens,
        second.leaks,
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_stop_and_resume_equals_straight_through(optimizer: str, tmp_path: Path) -> None:
    config = make_config(optimizer=optimizer)
    straight = train(make_state(config), config.training, Callbacks())
    interrupted = make_state(config)

    def save(state: TrainingState) -> None:
        save_checkpoint(state, tmp_path)
        if state.step == 4:
            raise KeyboardInterrupt  # killed right after the checkpoint

    with pytest.raises(KeyboardInterrupt):
        train(interrupted, config.training, Callbacks(save=save))
    resumed = make_state(config)
    load_checkpoint(resumed, config.training, tmp_path / "4")
    assert resumed.step == 4
    train(resumed, config.training, Callbacks())
    assert_same(straight, resumed)


def test_validation_changes_nothing(tmp_path: Path) -> None:
    config = make_config()
    plain = train(make_state(config), config.training, Callbacks())
    rows: list[dict[str, object]] = []
    validate = validator(config.training, Tokenization(config.tokenization), 0)
    watched = train(make_state(config), config.training, Callbacks(on_row=rows.append, validate=validate))
    assert_same(plain, watched)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in rows if "validation_loss" in row] == [3, 6]


@pytest.mark.parametrize("loss", ["all", "path_only", "path_only_set", "fork_weighted", "weighted:0.3", "graded"])
def test_micro_batches_change_nothing(loss: str) -> None:
    gradients, results = [], []
    for most_tokens in (1_000_000, 200, 1):
        config = make_config(batch_size=32, micro_batch_tokens=most_tokens, loss=loss)
        state = make_state(config)
        state.model.double()
        batch = prepare_step(config.training, state.model.tokenization, maze_source(config.training.phases, 0), 0, 5)
        sums = add_up_gradients(state, config.training, CrossEntropy(loss_functions(loss)), batch)
        results.append((sums.loss, sums.measures["accuracy"], sums.normaliser))
        gradients.append(torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None]))
    for gradient, result in zip(gradients[1:], results[1:], strict=True):
        assert ((gradient - gradients[0]).norm() / gradients[0].norm()) < 1e-6
        assert result == pytest.approx(results[0], rel=1e-5)


def test_accumulation_equals_one_large_batch() -> None:
    gradients = []
    for batch_size, accumulation in ((32, 1), (8, 4)):
        config = make_config(batch_size=batch_size, accumulation=accumulation)
        state = make_state(config)
        state.model.double()
        batch = prepare_step(config.training, state.model.tokenization, maze_source(config.training.phases, 0), 0, 5)
        assert len(batch.mini_batches) == accumulation
        add_up_gradients(state, config.training, CrossEntropy(loss_functions("path_only")), batch)
        gradients.append(torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None]))
    assert ((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 1e-6


def test_a_non_finite_loss_stops_before_the_step() -> None:
    config = make_config()
    state = make_state(config)
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    batch = prepare_step(config.training, state.model.tokenization, maze_source(config.training.phases, 0), 0, 0)
    take_step(state, config.training, Setting(CrossEntropy(loss_functions("path_only"))), batch)
    with torch.no_grad():
        state.model.unembed.b_U[3] = float("nan")
    after_one = {name: value.clone() for name, value in state.model.state_dict().items()}
    with pytest.raises(TrainingError, match=r"step 2: loss nan .* not taken"):
        take_step(state, config.training, Setting(CrossEntropy(loss_functions("path_only"))), batch)
    assert state.step == 1
    for name, value in state.model.state_dict().items():
        assert torch.equal(value.nan_to_num(7.0), after_one[name].nan_to_num(7.0)), name
    assert any(not torch.equal(before[name], after_one[name]) for name in before)


def test_ctrl_c_saves_between_steps(tmp_path: Path) -> None:
    config = make_config()
    state = make_state(config)

    def interrupt_at_3(row: dict[str, object]) -> None:
        if row["step"] == 3:
            signal.raise_signal(signal.SIGINT)

    callbacks = Callbacks(on_row=interrupt_at_3, save=lambda state: save_checkpoint(state, tmp_path) and None)
    with pytest.raises(TrainingInterrupted) as stop:
        train(state, config.training, callbacks)
    assert stop.value.step == 3
    assert checkpoint_steps(tmp_path) == [2, 3]
    resumed = make_state(config)
    load_checkpoint(resumed, config.training, tmp_path / "3")
    train(resumed, config.training, Callbacks())
    assert_same(resumed, train(make_state(config), config.training, Callbacks()))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "memory.safetensors", "state.json"])
def test_a_damaged_checkpoint_changes_nothing(name: str, tmp_path: Path) -> None:
    config = make_config()
    state = make_state(config)
    path = save_checkpoint(state, tmp_path) / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))
    fresh = make_state(replace(config, seed=1))
    before = {key: value.clone() for key, value in fresh.model.state_dict().items()}
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(fresh, config.training, tmp_path / "0")
    assert all(torch.equal(before[key], value) for key, value in fresh.model.state_dict().items())


def test_batches_depend_on_seed_and_step_alone() -> None:
    config = make_config().training
    tokenization = Tokenization(TokenizationConfig(canvas=6, random_offsets=True))

    def tokens(seed: int, step: int) -> list[list[int]]:
        batch = prepare_step(config, tokenization, maze_source(config.phases, seed), seed, step)
        return [row for mini in batch.mini_batches for micro in mini for row in micro.tokens.tolist()]

    assert tokens(0, 3) == tokens(0, 3)
    assert tokens(0, 3) != tokens(0, 4)
    assert tokens(0, 3) != tokens(1, 3)


def test_little_is_spent_on_padding_and_no_maze_is_dropped() -> None:
    config = replace(make_config(batch_size=256).training, phases=make_config(steps=1).training.phases)
    tokenization = Tokenization(TokenizationConfig(canvas=6, random_offsets=True))
    batch = prepare_step(config, tokenization, maze_source(config.phases, 0), 0, 0)
    assert sum(len(micro) for micro in batch.mini_batches[0]) == 256
    assert batch.tokens / batch.padded_tokens > 0.88
    assert all(micro.tokens.numel() <= config.micro_batch_tokens for micro in batch.mini_batches[0])


def test_training_mazes_come_from_the_train_split_and_leaks_are_counted() -> None:
    config = make_config().training
    tokenization = Tokenization(TokenizationConfig(canvas=6))
    mazes = maze_source(config.phases, 0)(config.phases[0], 0, 500)
    assert sum(count_outside(batch, "train") for batch in mazes.batches) == 0
    clean = prepare_step(config, tokenization, maze_source(config.phases, 0), 0, 0)
    held_out = replace(config.phases[0].mazes, split="test")
    leaky = prepare_step(
        config, tokenization, lambda phase, start, num: generate_mazes(held_out, np.arange(start, start + num), 0), 0, 0
    )
    assert (clean.leaks, leaky.leaks) == (0, config.batch_size)


def test_a_dataset_gives_the_batches_of_the_stream(tmp_path: Path) -> None:
    config = make_config().training
    config = replace(config, phases=(replace(config.phases[-1], steps=6),))
    tokenization = Tokenization(TokenizationConfig(canvas=6, random_offsets=True))
    spec = replace(config.phases[0].mazes, split="train")
    folder = write_dataset(GenerationConfig(spec=spec, num=200, seed=3), tmp_path / "mazes", shard=70)
    data = DataFolder(folder=str(folder), content=open_dataset(folder).content)
    stored = replace(config, phases=(replace(config.phases[0], data=data),))
    for step in (0, 2, 5):
        one = prepare_step(config, tokenization, maze_source(config.phases, 3), 3, step)
        other = prepare_step(stored, tokenization, maze_source(stored.phases, 3), 3, step)
        assert other.leaks == 0
        for mini, other_mini in zip(one.mini_batches, other.mini_batches, strict=True):
            for micro, other_micro in zip(mini, other_mini, strict=True):
                assert torch.equal(micro.tokens, other_micro.tokens)
                assert torch.equal(micro.optimal, other_micro.optimal)


def test_a_dataset_begins_again_and_its_other_splits_are_passed_over(tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(4, 5))
    folder = write_dataset(GenerationConfig(spec=spec, num=60), tmp_path / "mazes")
    phase = Phase(steps=1, mazes=spec, data=DataFolder(folder=str(folder), content=open_dataset(folder).content))
    draw = maze_source((phase,), 0)
    own = [maze for maze in generate_mazes(spec, np.arange(60), 0) if count_outside(maze.as_batch(), "train") == 0]
    assert 40 < len(own) < 60
    assert list(draw(phase, 0, len(own))) == own
    assert list(draw(phase, len(own) - 1, 3)) == [own[-1], *own[:2]]


def test_a_dataset_that_changed_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(GenerationConfig(spec=MazeSpec(sizes=(4,)), num=20), tmp_path / "mazes")
    phase = Phase(steps=1, mazes=MazeSpec(sizes=(4,)), data=DataFolder(folder=str(folder), content="0" * 16))
    with pytest.raises(ConfigurationError, match="holds other mazes"):
        maze_source((phase,), 0)


def test_a_dataset_without_training_mazes_is_refused(tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(5,), split="test")
    folder = write_dataset(GenerationConfig(spec=spec, num=20), tmp_path / "mazes")
    phase = Phase(steps=1, mazes=spec, data=DataFolder(folder=str(folder), content=open_dataset(folder).content))
    with pytest.raises(ConfigurationError, match="none of its mazes belongs to the train split"):
        maze_source((phase,), 0)


def test_prefetch_keeps_order_and_hands_on_errors() -> None:
    assert list(prefetch(lambda step: step * 10, 2, 7)) == [20, 30, 40, 50, 60]  # type: ignore[arg-type, return-value]

    def fail(step: int) -> int:
        if step == 3:
            raise MazeRLError("no such maze")
        return step

    seen = []
    with pytest.raises(MazeRLError, match="no such maze"):
        for item in prefetch(fail, 0, 10):  # type: ignore[arg-type]
            seen.append(item)
    assert seen == [0, 1, 2]


def test_sizes_grow_over_all_steps_and_end_with_the_full_distribution() -> None:
    mazes = MazeSpec(sizes=(6, 5, 7))
    for steps in (1, 2, 7, 1000):
        phases = growing_sizes(mazes, steps)
        assert sum(phase.steps for phase in phases) == steps
        assert phases[-1].mazes == mazes
        largest = [max(phase.mazes.sizes) for phase in phases]
        assert largest == sorted(set(largest))
        assert all(phase.mazes.endpoints == mazes.endpoints for phase in phases)
    assert [phase.mazes.sizes for phase in phases] == [(5,), (5, 6), (6, 5, 7)]
    assert growing_sizes(replace(mazes, sizes=(5,)), 9) == (Phase(steps=9, mazes=replace(mazes, sizes=(5,))),)


def test_configuration_round_trip() -> None:
    config = make_config(optimizer="sgd")
    assert run_from_json(json.loads(json.dumps(run_to_json(config)))) == config


@pytest.mark.slow
def test_a_short_run_learns() -> None:
    """A small model solves unseen 4 x 4 mazes after 250 steps; untrained it solves none."""
    mazes = MazeSpec(sizes=(4,), split="train")
    config = make_config(steps=250, batch_size=32)
    config = replace(
        config,
        training=replace(config.training, phases=growing_sizes(mazes, 250), validation_mazes=128),
        tokenization=TokenizationConfig(canvas=4),
        model=ModelConfig(n_layers=3, d_model=48, n_heads=4),
    )
    validate = validator(config.training, Tokenization(config.tokenization), 0)
    state = make_state(config)
    assert validate(state.model)["validation_exact"] == 0
    train(state, config.training, Callbacks())
    assert validate(state.model)["validation_exact"] > 0.35
