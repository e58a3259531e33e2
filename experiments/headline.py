"""Do the plug-ins help a model that really searches?

The headline pairs again, on the recipe of the default run. The other experiments train small causal models, which
hardly solve a maze. Here mazes are of 3x3 to 5x5, with a visible prompt, many starts and loops; judged is 5x5, where
such a model walks most mazes right. Every arm has a partner that does all but what is asked about:

- `causal_all`, loss on every token, against `causal`, loss on the path alone: loss on the prompt needs a causal prompt;
- `dice`, rolls on the update by the rule set `classic`, against `dice_mean`, every update scaled by their mean;
- `q_learning`, an agent that multiplies the schedule, against the schedule (`plain`);
- `unified`, unified weights, against `factored`: they need that embedding;
- `spin`, three rounds of self-play, against `continued`, supervised training on as many sequences.

Expectation: as on the causal models: dice, SPIN and the agent cost accuracy, unified weights change nothing, loss on
every token costs more the better the model could be.
Cost: 40 runs of about four minutes of one core, by the ladder's default arm.
"""

from dataclasses import replace

from maze_rl.configs.experiment import Experiment, searching_run
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import Phase, RunConfig
from maze_rl.training.update_rules.rule_sets import mean_scale

STEPS = 1000
FIRST, ROUND, ROUNDS = 760, 40, 3
"""Steps of the beginning that `spin` and `continued` share, of a round, and the number of rounds. A step of self-play
has two sequences for each maze, so `continued` takes twice the steps."""
ROUND_RATE = 0.1
SHAMS = {
    "causal_all": "causal",
    "dice": "dice_mean",
    "unified": "factored",
    "spin": "continued",
}


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged; large has the sizes of the default run."""

    def run(**changes) -> RunConfig:
        return searching_run(STEPS, large=large, **changes)

    arms = {
        "plain": run(),
        "causal": run(prompt="causal"),
        "causal_all": run(loss="all"),
        "dice_mean": run(update_rule=f"scale:{mean_scale('classic'):.10g}"),
        "dice": run(update_rule="dice:classic"),
        "q_learning": run(lr_controller="q_learning"),
        "factored": run(embedding="factored"),
        "unified": run(embedding="factored", parametrizations=("unified_weights",)),
        "continued": _in_rounds(run(), large, steps=2 * ROUND, restart=True),
        "spin": _in_rounds(run(), large, steps=ROUND, spin=SpinConfig(prompts=24 * ROUND, keep_best=False)),
    }
    size = 9 if large else 5
    return Experiment(
        arms=arms,
        control="plain",
        shams=SHAMS,
        seeds=4,
        test_sizes=(7, 9, 12) if large else (5, 6, 8),
        judged=(f"shortest@{size}", f"valid@{size}", f"path_loss@{size}"),
    )


def _in_rounds(run: RunConfig, large: bool, **changes) -> RunConfig:
    """Return the run with a shorter beginning and three rounds at a lower rate behind it."""
    mazes = run.training.phases[-1].mazes
    first = searching_run(FIRST, large=large).training.phases
    rounds = [Phase(name=f"round {number + 1}", mazes=mazes, rate=ROUND_RATE, **changes) for number in range(ROUNDS)]
    return replace(run, training=replace(run.training, phases=(*first, *rounds)))
