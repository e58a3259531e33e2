"""What does the default small run reach, and how much do seeds differ?

Expectation: over 60 % shortest paths at 4 x 4 after 500 steps, under 40 % at 5 x 5, which is never trained on; seeds
differ by a few points. Every other experiment is to be read against this spread.
Cost: 3 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    return Experiment(arms={"baseline": small_run(large=large)}, control="baseline", seeds=3)
