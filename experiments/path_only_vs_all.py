"""Does loss on the path alone beat loss on every token, at equal tokens?

The list of edges is random, so its tokens cannot be predicted and cost capacity and gradient; on the other hand they
may teach the structure of mazes. `weighted` gives them half the weight of the path.
Expectation: path_only is better, clearly so early in training.
Cost: 20 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run

LOSSES = {"all": "all", "weighted": "weighted:0.5", "path_only": "path_only", "first_choice": "path_from_first_choice"}


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    arms = {name: small_run(large=large, loss=loss) for name, loss in LOSSES.items()}
    return Experiment(arms=arms, control="all", seeds=5)
