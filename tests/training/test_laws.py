"""The laws, over every shipped plug-in, every pair of slots, and plug-ins that break them."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.configs.losses import LOSSES
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.refusals import REFUSALS
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import OPTIMIZERS, Phase, RunConfig
from maze_rl.errors import ConfigurationError
from maze_rl.training.laws import LawBroken, check_laws, run, tiny_run, tiny_searching_run

MAZES = MazeSpec(sizes=(3, 4), split="train")
SPIN = SpinConfig(prompts=12, keep_best=True)
FREE = {"n_layers": 2, "d_model": 16, "n_heads": 2, "embedding": "free"}

RULES = [
    "every_step",
    "dice:classic",
    "dice:v0",
    "dice:head",
    "dice:classic,per=mini_batch",
    "dice:classic,apply_to=grad",
    "dice:classic,character=rogue,experience=true,encounters=0.5",
    "scale:0.3",
    "noise:0.5,noise=0.3",
]
CONTROLLER_NAMES = [f"{name}:every=1" if "every" in options else name for name, options in CONTROLLERS.items()]
PHASES = {
    "plain": (Phase(steps=6, mazes=MAZES),),
    "plan": (
        Phase(steps=2, mazes=replace(MAZES, sizes=(3,)), loss="all"),
        Phase(steps=2, mazes=replace(MAZES, algorithm="wilson", options={}), loss="graded:0.2", rate=0.5),
        Phase(steps=2, mazes=MAZES, restart=True),
    ),
    "spin": (Phase(steps=2, mazes=MAZES), *(Phase(steps=2, mazes=MAZES, spin=SPIN, rate=0.1) for _ in range(2))),
    "spin, lora": (Phase(steps=2, mazes=MAZES), *(Phase(steps=2, mazes=MAZES, spin=SPIN, lora=2) for _ in range(2))),
    "lora": (Phase(steps=4, mazes=MAZES, lora=2),),
}
PARAMETRIZATIONS = [
    (),
    ("unified_embeddings:2",),
    ("unified_weights:v1",),
    ("unified_weights:v6",),
    ("residual_scaling",),
    ("unified_embeddings:2", "unified_weights:v6"),
    ("unified_weights:v3,expansion=2",),
    ("unified_weights:v4,expansion=2",),
    ("unified_weights:v5,expansion=2",),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_keep_the_laws(loss: str) -> None:
    check_laws(loss=loss)


SAME = [
    ("all", "weighted:1"),
    ("path_only", "weighted:0"),
    ("path_only", "fork_weighted:1"),
    ("path_only_set", "graded:0"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_losses_that_say_the_same_train_the_same(one: str, other: str) -> None:
    first, second = (run(tiny_run(loss=loss)).model.state_dict() for loss in (one, other))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("rule", RULES)
def test_update_rules_keep_the_laws(rule: str) -> None:
    check_laws(update_rule=rule)


@pytest.mark.parametrize("controller", CONTROLLER_NAMES)
def test_controllers_keep_the_laws(controller: str) -> None:
    check_laws(lr_controller=controller)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_keep_the_laws(schedule: str) -> None:
    check_laws(schedule=schedule)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_keep_the_laws(optimizer: str) -> None:
    check_laws(optimizer=optimizer)


@pytest.mark.parametrize("name", PHASES)
def test_phases_keep_the_laws(name: str) -> None:
    check_laws(tiny_run(PHASES[name], checkpoint_every=1))


@pytest.mark.parametrize("names", PARAMETRIZATIONS, ids=", ".join)
def test_parametrizations_keep_the_laws(names: tuple[str, ...]) -> None:
    check_laws(tiny_run(model=ModelConfig(**FREE, parametrizations=names)))


@pytest.mark.parametrize(
    "variant",
    [
        {"reverse_positions": True},
        {"reverse_positions": True, "reverse_form": "multiply"},
        {"memory": 4},
        {"memory": 4, "memory_kind": "selector"},
    ],
    ids=str,
)
def test_what_no_stock_model_has_keeps_the_laws(variant: dict) -> None:
    check_laws(tiny_run(model=ModelConfig(**FREE, **variant)))


@pytest.mark.parametrize(
    "inert",
    [
        {"update_rule": "scale:1.0"},
        {"update_rule": "scale:1.0,apply_to=grad"},
        {"loss": "weighted:0"},
        {"lr_controller": "sham:every=1"},
        {"lr_controller": "ai_scientist_run3:every=1"},
        {"lr_controller": "q_learning:every=1,applied=false"},
    ],
    ids=str,
)
def test_inert_settings_equal_the_trainer_without_them(inert: dict[str, str]) -> None:
    check_laws(inert=tiny_run(**inert))


SEARCHING = ModelConfig(
    n_layers=1, loops=2, d_model=16, n_heads=2, embedding="waves", unembedding="path", prompt="visible", outer_norm=True
)
ASKED = [
    {},
    {"training_loops": ()},
    {"growing_loops": True},
    {"starts": 0},
    {"weight_factors": ("within_reach",)},
    {"weight_factors": ()},
    {"mazes_per_canvas": 1},
    {"stray_tokens": 0},
    {"starts": 0, "stray_tokens": 0, "mazes_per_canvas": 1},
    {"gradient_loops": 1},
    {"objective": "hints:0.5"},
    {"objective": "path_dropout:0.3"},
    {"objective": "false_targets:0.7"},
    {"loss": "graded:0.2"},
    {"loss": "fork_weighted"},
    {"loss": "path_from_first_choice"},
]


@pytest.mark.parametrize("training", ASKED, ids=str)
def test_a_run_that_searches_keeps_the_laws(training: dict) -> None:
    check_laws(tiny_searching_run(**training))


@pytest.mark.parametrize("name", ["plan of sizes", "spin", "spin, lora", "lora"])
def test_its_phases_keep_the_laws(name: str) -> None:
    growing = (Phase(steps=2, mazes=replace(MAZES, sizes=(3,))), Phase(steps=2, mazes=MAZES, rate=0.5))
    check_laws(tiny_searching_run(PHASES.get(name, growing), checkpoint_every=1, growing_loops=True))


@pytest.mark.parametrize("names", PARAMETRIZATIONS[1:], ids=", ".join)
def test_its_parametrizations_keep_the_laws(names: tuple[str, ...]) -> None:
    check_laws(tiny_searching_run(parametrizations=names))


def test_asking_nothing_more_equals_the_trainer_without_it() -> None:
    nothing = {
        "starts": 0,
        "stray_tokens": 0,
        "mazes_per_canvas": 1,
        "weight_factors": (),
        "training_loops": (),
    }
    check_laws(inert=tiny_run(**nothing))
    plain = replace(tiny_run(model=SEARCHING), tokenization=tiny_searching_run().tokenization)
    check_laws(plain, inert=tiny_searching_run(model=SEARCHING, **nothing), plain=plain)
    all_loops = nothing | {"training_loops": (2, 2), "weight_factors": ("within_reach:1000",), "gradient_loops": 2}
    for objective in ("hints:0", "path_dropout:0", "false_targets:0"):
        none = all_loops | {"gradient_loops": None, "objective": objective}
        check_laws(plain, inert=tiny_searching_run(model=SEARCHING, **none), plain=plain)
    check_laws(plain, inert=tiny_searching_run(model=SEARCHING, **all_loops), plain=plain)


def test_loops_are_drawn_from_seed_and_step_alone() -> None:
    from maze_rl.training.source import loops_at

    training = tiny_searching_run().training
    drawn = [loops_at(training, 0, step) for step in range(300)]
    assert {drawn.count(loops) > 70 for loops in (1, 2, 3)} == {True}
    assert drawn == [loops_at(replace(training, starts=0, batch_size=1), 0, step) for step in range(300)]
    assert drawn != [loops_at(training, 1, step) for step in range(300)]
    assert loops_at(tiny_run().training, 0, 0) is None


def test_the_most_loops_grow_with_the_largest_mazes_of_a_phase() -> None:
    from maze_rl.training.source import loops_at

    sizes = (3, 4, 5)
    phases = tuple(Phase(steps=300, mazes=replace(MAZES, sizes=sizes[: number + 1])) for number in range(3))
    training = replace(tiny_searching_run(phases).training, training_loops=(4, 18), growing_loops=True)
    assert [training.loops_in(phase) for phase in phases] == [(4, 11), (4, 15), (4, 18)]
    drawn = [loops_at(training, 0, step) for step in range(900)]
    for start, most in ((0, 11), (300, 15), (600, 18)):
        assert set(drawn[start : start + 300]) == set(range(4, most + 1))
    few = replace(training, training_loops=(12, 18))
    assert few.loops_in(phases[0]) == (12, 12)
    assert replace(training, training_loops=()).loops_in(phases[0]) is None
    constant = replace(training, growing_loops=False)
    assert {constant.loops_in(phase) for phase in phases} == {(4, 18)}
    # one range throughout where the sizes do not grow
    assert replace(training, phases=phases[2:]).loops_in(phases[2]) == (4, 18)


CHOICES: dict[str, list[dict]] = {
    "loss": [{"loss": name} for name in ("path_from_first_choice", "graded")],
    "update_rule": [{"update_rule": rule} for rule in (*RULES[1:], "dice:head,apply_to=grad")],
    "controller": [{"lr_controller": name} for name in CONTROLLER_NAMES[1:]],
    "schedule": [{"schedule": name} for name in ("linear", "wsd")],
    "optimizer": [{"optimizer": name} for name in OPTIMIZERS],
    "phases": [{"phases": phases} for name, phases in PHASES.items() if name != "plain"],
    "model": [{"model": ModelConfig(**FREE, parametrizations=names)} for names in PARAMETRIZATIONS[1:]],
}
SEARCHING_CHOICES = {name: choices for name, choices in CHOICES.items() if name not in ("model", "phases")} | {
    "phases": [{"phases": phases} for name, phases in PHASES.items() if name not in ("plain", "plan")],
    "parametrizations": [{"parametrizations": names} for names in PARAMETRIZATIONS[1:]],
}
PAIRS = [
    first | second
    for one, other in itertools.combinations(CHOICES, 2)
    for first in CHOICES[one]
    for second in CHOICES[other]
]


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " + ".join(map(str, pair.values()))[:120])
def test_every_pair_runs_or_is_refused(pair: dict) -> None:
    try:
        config = _short(tiny_run(**pair))
    except ConfigurationError as error:
        assert any(refusal.first in str(error) and refusal.second in str(error) for refusal in REFUSALS)
        return
    state = run(config)
    assert state.step == config.training.steps
    assert all(torch.isfinite(weight).all() for weight in state.model.parameters())


SEARCHING_PAIRS = [option for choices in SEARCHING_CHOICES.values() for option in choices]


OBJECTIVES = [
    {},
    {"objective": "hints"},
    {"objective": "path_dropout:0.3"},
    {"objective": "path_dropout:0.3", "gradient_loops": 1},
    {"objective": "false_targets:0.7", "gradient_loops": 1},
]


@pytest.mark.slow
@pytest.mark.parametrize("option", SEARCHING_PAIRS, ids=lambda option: str(*option.values())[:120])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_every_plug_in_works_in_a_run_that_searches(option: dict, objective: dict) -> None:
    state = run(_short(tiny_searching_run(**option, **objective)))
    assert all(torch.isfinite(weight).all() for weight in state.model.parameters())


def _short(config: RunConfig) -> RunConfig:
    phases = tuple(replace(phase, steps=min(2, phase.steps)) for phase in config.training.phases)
    return replace(config, training=replace(config.training, phases=phases))


def test_every_refusal_is_among_the_pairs() -> None:
    refused = set()
    for pair in PAIRS:
        try:
            tiny_run(**pair)
        except ConfigurationError as error:
            refused |= {refusal for refusal in REFUSALS if refusal.first in str(error)}
    assert refused == set(REFUSALS)


FORGETFUL = """
from maze_rl.training.slots import Apply

class Forgetful:
    per, apply_to = "step", "update"
    def __init__(self): self.asked = 0
    def decide(self, moment):
        self.asked += 1
        return Apply(1 / self.asked)
"""


def test_a_plug_in_that_forgets_its_state_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forgetful_rules.py").write_text(FORGETFUL)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LawBroken, match="stopped and resumed"):
        check_laws(update_rule="forgetful_rules:Forgetful")


RELATIVE = """
from maze_rl.training.loss_targets import next_token
from maze_rl.training.loss_weights import path_only

def relative_to_the_batch():
    return lambda examples: path_only(examples) * examples.tokens.shape[1], next_token
"""


def test_a_loss_that_depends_on_the_split_into_micro_batches_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "relative_losses.py").write_text(RELATIVE)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LawBroken, match="micro-batches"):
        check_laws(loss="relative_losses:relative_to_the_batch")


def test_a_setting_that_is_not_inert_is_found_out() -> None:
    with pytest.raises(LawBroken, match="inert setting"):
        check_laws(inert=tiny_run(update_rule="scale:0.5"))
