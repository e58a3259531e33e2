"""Do dice rolls on the update do anything that a constant factor of the same mean does not?

Each rule set of Roll-to-Train against training without dice and, as its sham, against every update scaled by the rule
set's mean: what the chance itself adds. `classic_noise` has the mean and the spread of the classic scale too, but its
chance points anywhere, not along the update. The scale falls on the update, where it means the same for any optimizer.
Expectation: worse than the baseline, since most updates shrink; no difference from the mean-matched scale, or worse by
the noise.
Cost: 40 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run
from maze_rl.training.update_rules.rule_sets import mean_scale, scale_spread

RULES = ("classic", "v0", "head")


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    arms = {"baseline": small_run(large=large)}
    for rules in RULES:
        arms[rules] = small_run(large=large, update_rule=f"dice:{rules}")
        arms[f"{rules}_mean"] = small_run(large=large, update_rule=f"scale:{mean_scale(rules):.10g}")
    noise = f"noise:{mean_scale('classic'):.10g},noise={scale_spread('classic'):.10g}"
    arms["classic_noise"] = small_run(large=large, update_rule=noise)
    return Experiment(arms=arms, control="baseline", shams={rules: f"{rules}_mean" for rules in RULES}, seeds=5)
