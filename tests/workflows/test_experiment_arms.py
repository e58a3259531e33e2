"""Every arm of every listed experiment trains on a CPU: two steps a phase, finite, every weight reached."""

from dataclasses import replace

import pytest
import torch

from maze_rl.configs.training import Phase, RunConfig
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.state import new_state
from maze_rl.training.trainer import Callbacks, train
from maze_rl.workflows.experiment_files import find_experiments

ARMS = [
    pytest.param(config, id=f"{name}-{arm}")
    for name, file in find_experiments().items()
    if not file.is_script
    for arm, config in file.load().arms.items()
]
STEPS = 2


def shrunk(config: RunConfig) -> RunConfig:
    """The same plug-ins on a tiny model and batch, two steps a phase."""

    def short(phase: Phase) -> Phase:
        return replace(phase, steps=STEPS, spin=phase.spin and replace(phase.spin, prompts=16))

    training = replace(
        config.training,
        phases=tuple(map(short, config.training.phases)),
        batch_size=8,
        warmup_steps=1,
        validation_mazes=8,
    )
    width = config.model.d_model // 8 * 2
    return replace(config, training=training, model=replace(config.model, n_layers=1, d_model=width, n_heads=2))


@pytest.mark.parametrize("config", ARMS)
def test_an_arm_trains_two_steps(config: RunConfig) -> None:
    config = shrunk(config)
    model = build_model(config.model, Tokenization(config.tokenization), seed=0)
    state = new_state(model, config.training, 0)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters() if weight.requires_grad}
    rows: list[dict] = []
    train(state, config.training, Callbacks(on_row=rows.append))
    assert state.step == config.training.steps
    trained = [row for row in rows if "ended" not in row]  # after two steps a model writes no path to be filtered for
    assert len(trained) >= 2
    assert all(torch.isfinite(torch.tensor([row["loss"], row["gradient_norm"]])).all() for row in trained)
    assert rows[0]["gradient_norm"] > 0
    if config.training.update_rule == "every_step":
        after = dict(model.named_parameters())
        assert not [name for name, old in before.items() if torch.equal(old, after[name])]
