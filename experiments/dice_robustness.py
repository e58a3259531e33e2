"""Are models trained with dice more robust to noise in their weights?

Dice were promised to find solutions that stand disturbance. Every weight gets Gaussian noise relative to the rms of its
tensor, and the loss is sliced along random directions. Dice (classic), its mean-matched constant scale, no dice.
Expectation: no difference that the mean scale does not make as well: smaller updates mean smaller weights and a less
trained model.
Cost: 9 runs of about a minute of one core, and 20 seconds of measuring each.
"""

from maze_rl.configs.experiment import Experiment, small_run
from maze_rl.training.update_rules.rule_sets import mean_scale


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    arms = {
        "baseline": small_run(large=large),
        "dice": small_run(large=large, update_rule="dice:classic"),
        "mean_scale": small_run(large=large, update_rule=f"scale:{mean_scale('classic'):.10g}"),
    }
    return Experiment(
        arms=arms,
        control="baseline",
        shams={"dice": "mean_scale"},
        seeds=3,
        measures=("rollouts", "weight_noise", "loss_slice"),
        judged=("noise_exact@0.05", "noise_exact@0.1", f"shortest@{9 if large else 4}"),
    )
