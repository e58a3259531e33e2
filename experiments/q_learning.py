"""Does a Q-learning agent set the learning rate better than the schedule it starts from?

Warm-up and cosine, the same with a Q-learning agent that multiplies it, and the sham: an agent that decides and is not
applied, which must equal the schedule bit for bit. All at three learning rates, so that the agent is also compared with
the best schedule, not only with the one it starts from. The agent sees the training loss of fresh mazes alone, so it
costs no tokens.
Expectation: the agent makes up for a badly chosen rate, and does not beat the best schedule.
Cost: 35 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run

RATES = {"low": 0.3, "": 1.0, "high": 3.0}


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    default = small_run(large=large).training

    def run(factor: float, controller: str = "none"):
        return small_run(
            large=large,
            lr_controller=controller,
            learning_rate=factor * default.learning_rate,
            matrix_learning_rate=factor * default.matrix_learning_rate,
        )

    arms = {"cosine": run(1.0), "sham": run(1.0, "sham")}
    arms |= {f"cosine_{name}": run(factor) for name, factor in RATES.items() if name}
    arms |= {f"q_learning_{name}".rstrip("_"): run(factor, "q_learning") for name, factor in RATES.items()}
    shams = {"q_learning": "sham", "q_learning_low": "cosine_low", "q_learning_high": "cosine_high"}
    return Experiment(arms=arms, control="cosine", shams=shams, seeds=5)
