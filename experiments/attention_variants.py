"""Do LMPlay's changes of the network itself help: value norm, reverse positions, memory cells, residual scaling?

Each alone against the plain model. Value norm comes with its gain and shift, which fold; reverse positions add a term
of query and distance to the attention scores; memory lets every MLP attend to 32 learned cells; residual scaling learns
how much every layer adds. The first three stay in the network that is explained afterwards, so they would have to be
worth it.
Expectation: no difference shown at this size, but for reverse positions, as the plain model has no positions at all.
Cost: 18 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    arms = {
        "plain": small_run(large=large),
        "value_norm": small_run(large=large, value_norm=True, parametrizations=("value_affine",)),
        "reverse": small_run(large=large, reverse_positions=True),
        "learned_positions": small_run(large=large, positions="learned"),
        "memory": small_run(large=large, memory=32),
        "residual": small_run(large=large, parametrizations=("residual_scaling",)),
    }
    return Experiment(arms=arms, control="plain", shams={"reverse": "learned_positions"}, seeds=3)
