"""Phases and rounds of self-play as the trainer runs them."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.plans import plan_phases
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import DataFolder, Phase, RunConfig, run_from_json, run_to_json
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.digest import weights_digest
from maze_rl.models.parametrizations.low_rank import adapter_parameters
from maze_rl.training.checkpoints import load_checkpoint, save_checkpoint
from maze_rl.training.laws import check_laws, fresh, tiny_run
from maze_rl.training.learning_rates.schedule_free import averaged
from maze_rl.training.rounds import gone_too_far
from maze_rl.training.source import maze_source
from maze_rl.training.spin.pair_table import PairTable
from maze_rl.training.state import TrainingState
from maze_rl.training.trainer import Callbacks, train
from maze_rl.training.validation import validator
from maze_rl.workflows.run import plan_data

MAZES = MazeSpec(sizes=(3, 4), split="train")
PLAIN = Phase(steps=3, mazes=MAZES)


def game(rounds: int = 2, lora: int | None = None, **spin: Any) -> RunConfig:
    played = SpinConfig(**({"prompts": 16, "keep_best": False} | spin))
    phases = (PLAIN, *(Phase(steps=3, mazes=MAZES, spin=played, lora=lora) for _ in range(rounds)))
    return tiny_run(phases, validate_every=100)


def watch(config: RunConfig, validate: Any = None, save: Any = None) -> tuple[TrainingState, list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    state = fresh(config)
    train(state, config.training, Callbacks(rows.append, validate, save or (lambda state: None)))
    return state, rows


@pytest.mark.parametrize("lora", [None, 2])
def test_the_opponent_is_the_policy_of_the_round_before_and_stays_it(lora: int | None) -> None:
    digests: list[str] = []
    config = game(3, lora)

    def save(state: TrainingState) -> None:
        if adapter_parameters(state.model) == 0:
            digests.append(weights_digest(state.model)[:16])

    state, rows = watch(config, save=save)
    opponents = [row["spin"]["opponent"] for row in rows if "spin" in row]
    policies = [row["spin_end"]["policy"] for row in rows if "spin_end" in row]
    assert len(opponents) == len(policies) == 3
    assert opponents[1:] == policies[:-1]  # roles switch: who has learnt writes next
    assert len({*opponents, policies[-1]}) == 4  # every round changes the policy
    assert policies[-1] == weights_digest(state.model)[:16]
    assert adapter_parameters(state.model) == 0


@pytest.mark.parametrize(
    "tokens", [{}, {"origin": "path"}, {"path": "moves"}, {"format": "row_column"}, {"format": "coordinate_tuples"}]
)
def test_the_longest_path_of_a_round_is_counted_in_steps(tokens: dict[str, str]) -> None:
    plain, larger = replace(MAZES, sizes=(3,)), replace(MAZES, sizes=(5,))
    played = Phase(steps=2, mazes=larger, spin=SpinConfig(prompts=16, keep_best=False))
    config = tiny_run((replace(PLAIN, mazes=plain), played), validate_every=100)
    config = replace(
        config,
        tokenization=replace(config.tokenization, **tokens),
        model=replace(config.model, embedding="free"),
    )
    state, _ = watch(config)
    first = 3 * config.training.batch_size * config.training.accumulation
    mazes = maze_source(config.training.phases, state.seed)(played, first, 16)
    longest = max(int(solve_batch(batch).lengths.max()) for batch in mazes.batches)
    assert state.longest_path == longest > 8, "no path of a 3 x 3 maze is as long"


def test_every_round_begins_at_ln_2_with_a_new_optimizer() -> None:
    _, rows = watch(game(2))
    for row in rows:
        if "spin" in row:
            assert row["loss"] == pytest.approx(0.693147, abs=1e-6)
            assert row["margin"] == pytest.approx(0.0, abs=1e-6)
    state = fresh(game(2))
    steps = []
    train(state, game(2).training, Callbacks(save=lambda state: steps.append((state.step, state.updates))))
    assert steps == [(3, 0), (6, 0), (9, 3)]  # at a boundary the next stretch is built already


def test_filtered_training_learns_from_what_the_model_gets_right() -> None:
    teach = Phase(steps=150, mazes=replace(MAZES, sizes=(3,)))
    play = Phase(steps=3, mazes=teach.mazes, spin=SpinConfig(loss="filtered", prompts=200, keep_best=False))
    config = tiny_run(
        (teach, play), batch_size=32, accumulation=1, model=ModelConfig(n_layers=2, d_model=32, n_heads=2)
    )
    _, rows = watch(config)
    (pairs,) = [row["spin"]["pairs"] for row in rows if "spin" in row]
    assert 0 < pairs["trained"] == pairs["identical"] + pairs["tied"] < 200
    played = [row for row in rows if "margin" in row]
    assert played[-1]["loss"] == pytest.approx(-played[-1]["generated_log_probability"], rel=1e-5)


def test_a_round_counts_what_the_opponent_wrote() -> None:
    _, rows = watch(game(1, samples=2))
    (pairs,) = [row["spin"]["pairs"] for row in rows if "spin" in row]
    assert pairs["samples"] == 32
    assert pairs["distinct"] + pairs["identical"] + pairs["tied"] + pairs["invalid"] == 32
    for row in rows[3:]:
        assert {"real_reward", "generated_reward", "margin", "accuracy", "kl"} <= row.keys()
        assert {"real_log_probability", "generated_log_probability"} <= row.keys()


def test_resumed_in_the_middle_of_a_round_it_is_the_straight_run(tmp_path: Path) -> None:
    config = replace(game(2, lora=2), training=replace(game(2, lora=2).training, checkpoint_every=1))
    straight, rows = watch(config)
    watch(config, save=lambda state: save_checkpoint(state, tmp_path))
    resumed, later = fresh(config), []
    load_checkpoint(resumed, config.training, tmp_path / "5")
    train(resumed, config.training, Callbacks(on_row=later.append))
    assert weights_digest(resumed.model) == weights_digest(straight.model)
    unlike = ("seconds", "cpu_seconds")
    shown = [
        [{name: value for name, value in row.items() if name not in unlike} for row in part]
        for part in (rows[5:], later)
    ]
    assert json.dumps(shown[0]) == json.dumps(shown[1])


def test_the_best_round_is_kept() -> None:
    config = game(3, keep_best=True)
    scores = iter([0.2, 0.5, 0.4, 0.3])
    seen: list[str] = []

    def validate(model: Any) -> dict[str, float]:
        seen.append(weights_digest(model))
        return {"validation_exact": next(scores, 0.0)}

    state, rows = watch(config, validate)
    assert rows[-1]["spin_end"]["kept_round"] == 1
    assert weights_digest(state.model) == seen[1] != seen[3]


@pytest.mark.parametrize("lora", [None, 2])
def test_keep_best_goes_back_to_before_the_rounds(lora: int | None) -> None:
    scores = iter([0.9, 0.5, 0.4])
    opponents: list[str] = []
    state, rows = watch(
        game(2, lora, keep_best=True),
        lambda model: {"validation_exact": next(scores, 0.0)},
        lambda state: opponents.append(state.kept["opponent"]),
    )
    assert rows[-1]["spin_end"]["kept_round"] == 0
    assert weights_digest(state.model) == opponents[0]


def test_a_round_that_goes_too_far_ends_early() -> None:
    _, rows = watch(game(1, kl_stop=1e-12))
    assert len(rows) < 6
    assert rows[-1]["step"] == 6


def test_adapters_train_alone_and_merge(tmp_path: Path) -> None:
    config = tiny_run((PLAIN, Phase(steps=3, mazes=MAZES, lora=2)))
    before: dict[str, torch.Tensor] = {}

    def save(state: TrainingState) -> None:
        if state.step == 3:
            before.update({name: value.clone() for name, value in state.model.state_dict().items()})

    state, _ = watch(config, save=save)
    after = state.model.state_dict()
    adapted = ("W_Q", "W_K", "W_V", "W_O", "W_in", "W_out")
    for name, value in after.items():
        if name.startswith("blocks.") and name.endswith(adapted):
            old = before[name.replace(".W_", ".parametrizations.W_") + ".original"]
            difference = (value - old).movedim(0, -2).flatten(-2) if value.ndim == 3 else value - old
            if name.endswith("W_O"):
                difference = (value - old).flatten(0, 1)
            assert 0 < torch.linalg.matrix_rank(difference, rtol=1e-4) <= 2
        else:
            assert torch.equal(value, before[name]), name


def test_phases_have_their_own_mazes_losses_and_rates() -> None:
    small, large = replace(MAZES, sizes=(3,)), replace(MAZES, sizes=(5,))
    config = tiny_run(
        (
            Phase(steps=2, mazes=small, loss="all"),
            Phase(steps=2, mazes=large, rate=0.5),
            Phase(steps=2, mazes=small, restart=True),
        ),
        schedule="constant",
        warmup_steps=1,
    )
    _, rows = watch(config)
    peak = config.training.learning_rate
    assert [row["learning_rate"] / peak for row in rows] == [1, 1, 0.5, 0.5, 1, 1]
    per_maze = [row["loss_weight"] / 8 for row in rows]
    assert min(per_maze[:2]) > 2 * max(per_maze[4:])  # all tokens against the path
    lengths = [row["tokens"] - earlier["tokens"] for earlier, row in pairwise(rows)]
    assert lengths[1] > 1.5 * lengths[3]  # 5 x 5 against 3 x 3
    assert [stretch.first for stretch in config.training.stretches] == [0, 4]


def test_phases_round_trip_and_contradictions_are_refused() -> None:
    config = game(2, lora=4, samples=3, beta=0.5)
    assert run_from_json(json.loads(json.dumps(run_to_json(config)))) == config
    with pytest.raises(ConfigurationError, match="two owners of the objective, loss 'all' and spin"):
        Phase(steps=1, mazes=MAZES, loss="all", spin=SpinConfig())
    with pytest.raises(ConfigurationError, match=r"dice:head.* cannot be combined with SPIN rounds"):
        replace(config.training, update_rule="dice:head,apply_to=grad")
    replace(config.training, update_rule="dice:head")
    with pytest.raises(ConfigurationError, match="at least one step"):
        Phase(steps=0, mazes=MAZES)


def test_a_round_without_a_losing_path_is_passed_over_and_says_so() -> None:
    state, rows = watch(game(2, invalid_policy="skip", prompts=2))
    assert [row["step"] for row in rows] == [1, 2, 3, 6, 9]
    assert "round 1 of self-play has no pair to train on" in rows[3]["ended"]
    assert "round 2 of self-play" in rows[4]["ended"]
    assert {"spin", "spin_end"} <= rows[3].keys()
    assert weights_digest(state.model)[:16] == rows[3]["spin"]["opponent"]


@pytest.mark.parametrize("lora", [None, 2])
def test_a_phase_behind_a_round_begins_its_schedule_anew(lora: int | None) -> None:
    spin = SpinConfig(prompts=16, keep_best=False)
    last = Phase(steps=6, mazes=MAZES)
    config = tiny_run((PLAIN, Phase(steps=3, mazes=MAZES, spin=spin, lora=lora), last))
    alone = tiny_run((PLAIN, replace(last, restart=True)))
    rates = [[row["learning_rate"] for row in watch(one)[1]][-6:] for one in (config, alone)]
    assert rates[0] == rates[1]


@pytest.mark.parametrize("lora", [None, 2])
def test_averaged_weights_are_what_plays_what_is_judged_and_what_is_kept(lora: int | None) -> None:
    spin = SpinConfig(prompts=16, keep_best=True)
    phases = (PLAIN, *(Phase(steps=3, mazes=MAZES, spin=spin, lora=lora) for _ in range(2)))
    config = tiny_run(phases, optimizer="schedule_free", schedule="constant", validate_every=100)
    judged: list[str] = []
    scores = iter([0.1, 0.9, 0.5, 0.5])

    def validate(model: Any) -> dict[str, float]:
        judged.append(weights_digest(model))
        return {"validation_exact": next(scores)}

    state, rows = watch(config, validate)
    assert rows[-1]["spin_end"]["kept_round"] == 1
    opponents = [row["spin"]["opponent"] for row in rows if "spin" in row]
    assert opponents[1] == judged[1][:16]  # the best so far, as it was judged, writes next
    with averaged(state.optimizer):
        assert weights_digest(state.model) == judged[1]


def test_a_round_is_played_on_the_mazes_of_a_dataset(tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(3,), split="train")
    folder = write_dataset(GenerationConfig(spec=spec, num=40), tmp_path / "mazes")
    data = DataFolder(folder=str(folder), content=open_dataset(folder).content)
    spin = SpinConfig(prompts=50, keep_best=False)
    config = tiny_run((Phase(steps=2, mazes=MAZES, data=data), Phase(steps=2, mazes=MAZES, data=data, spin=spin)))
    config = replace(config, training=replace(config.training, checkpoint_every=1))
    tables: list[PairTable] = []

    def save(state: TrainingState) -> None:
        tables.extend([PairTable.from_state(state.kept["pairs"])] if "pairs" in state.kept else [])

    state, rows = watch(config, save=save)
    assert rows[2]["spin"]["pairs"]["samples"] == 50
    (table,) = tables  # the last checkpoint has no more use for it
    assert len(set(table.prompt_lengths.tolist())) == 1  # trees of 3 x 3 cells all have 8 edges
    assert state.leaks == 0


def test_mazes_of_several_datasets_are_taken_in_turn(tmp_path: Path) -> None:
    folders = []
    for size, algorithm, num in ((3, "dfs", 40), (4, "wilson", 7)):
        spec = MazeSpec(sizes=(size,), algorithm=algorithm, split="train")
        folders.append(str(write_dataset(GenerationConfig(spec=spec, num=num), tmp_path / algorithm)))
    plan = json.dumps({"phases": [{"epochs": 0.5, "data": folders}, {"steps": 1}]})
    turns, after = plan_phases(plan, MAZES, 8, plan_data)
    assert [data.folder for data in turns.datasets] == [str(Path(folder).resolve()) for folder in folders]
    assert (turns.steps, turns.mazes.sizes, after.datasets) == (5, (3, 4), ())  # half of twice forty, eight a step
    source = maze_source((turns,), seed=0)
    mazes = source(turns, 10, 8)
    small, large = (open_dataset(folder) for folder in folders)
    rows = [each.rows_of("train") for each in (small, large)]
    expected = [(small, large)[i % 2].take(rows[i % 2][[i // 2 % len(rows[i % 2])]])[0] for i in range(10, 18)]
    assert list(mazes) == expected
    assert [maze.shape for maze in mazes] == [(3, 3), (4, 4)] * 4
    config = tiny_run((turns, after), checkpoint_every=1)
    assert run_from_json(json.loads(json.dumps(run_to_json(config)))) == config
    check_laws(config)
    assert len(open_dataset(folders[0]).rows_of("train")) == 40


def test_a_controller_measures_on_other_mazes_than_a_round_plays_on() -> None:
    config = game(1)
    config = replace(config, training=replace(config.training, lr_controller="q_learning:every=1"))
    state, rows = watch(config)
    assert "controller_tokens" not in rows[2]  # before the round the training loss is held out itself
    assert rows[-1]["controller_tokens"] == state.controller_tokens > 0
    plain, _ = watch(game(1))
    assert plain.controller_tokens == 0


def test_nothing_of_the_rounds_is_carried_on_behind_the_last() -> None:
    config = game(2, keep_best=True)
    config = replace(config, training=replace(config.training, phases=(*config.training.phases, PLAIN)))
    state, rows = watch(config, lambda model: {"validation_exact": 0.5})
    assert rows[-1]["step"] == config.training.steps
    assert state.kept.keys() <= {"opponent", "round"}


def test_the_alarm_is_raised_when_real_paths_fall() -> None:
    plain, played = game(1).training.stretches
    fallen = {"real_reward": -0.5, "real_fell": 0.9, "kl": 0.1}
    risen = {**fallen, "real_reward": 0.1}
    for stretch, row, expected in ((played, fallen, True), (plain, fallen, False), (played, risen, False)):
        measured = dict(row)
        assert not gone_too_far(stretch, measured)
        assert ("alarm" in measured) == expected


def test_validation_works_beside_rounds() -> None:
    config = game(1)
    state = fresh(config)
    rows: list[dict[str, Any]] = []
    validate = validator(config.training, state.model.tokenization, 0)
    train(state, config.training, Callbacks(rows.append, validate))
    assert "validation_loss" in rows[-1]
