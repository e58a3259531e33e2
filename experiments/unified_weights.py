"""Do unified weights (learned scales and shifts around every matrix, folded after training) learn faster?

They start as the identity: before the first step both arms are the same function.
Expectation: no difference under Muon, which normalises every matrix's update; perhaps a little under AdamW.
Cost: 12 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    unified = ("unified_weights",)
    arms = {
        "plain": small_run(large=large),
        "unified": small_run(large=large, parametrizations=unified),
        "adamw": small_run(large=large, optimizer="adamw"),
        "adamw_unified": small_run(large=large, optimizer="adamw", parametrizations=unified),
    }
    return Experiment(arms=arms, control="plain", shams={"adamw_unified": "adamw"}, seeds=3)
