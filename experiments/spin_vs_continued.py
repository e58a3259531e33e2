"""Does self-play (SPIN) teach a trained model more than going on with supervised training does?

All arms share their first 300 steps. Then three rounds of SPIN, or as long a supervised training on the same
schedules. A SPIN step trains on the real and a written path for each maze, two sequences, so the supervised arms take
twice the steps and tokens are about equal; the tokens SPIN writes come on top and stand in the table. Both at several
learning rates; `spin_nll` adds the likelihood of the real path. `filtered` learns from the model's own samples too, but
only from those that are shortest, by their likelihood: what samples bring without a game.
Expectation: no better than going on with supervised training, which has all shortest paths to learn from.
Cost: 35 runs of about a minute of one core.
"""

from dataclasses import replace

from maze_rl.configs.experiment import Experiment, scale, small_run
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import Phase, RunConfig

ROUNDS = 3
FIRST_SHARE, ROUND_SHARE = 0.6, 0.08
"""Of the steps of the scale: the shared beginning, and one SPIN round."""
RATE, SLOWER, FASTER = 0.1, 0.3, 3.0
"""Learning rates behind the beginning, as a share of its peak, and the factors of the other arms on it."""


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    base = small_run(large=large)
    mazes, steps = base.training.phases[0].mazes, scale(large).steps
    first = Phase(name="supervised", steps=int(FIRST_SHARE * steps), mazes=mazes)
    in_round = int(ROUND_SHARE * steps)

    def arm(**changes) -> RunConfig:
        rounds = [Phase(name=f"round {number + 1}", mazes=mazes, **changes) for number in range(ROUNDS)]
        return replace(base, training=replace(base.training, phases=(first, *rounds)))

    def spin(rate: float, **settings) -> RunConfig:
        return arm(steps=in_round, rate=rate, spin=SpinConfig(prompts=32 * in_round, keep_best=False, **settings))

    arms = {"continued": arm(steps=2 * in_round, rate=RATE, restart=True)}
    arms |= {
        f"continued_{name}": arm(steps=2 * in_round, rate=factor * RATE, restart=True)
        for name, factor in (("slow", SLOWER), ("fast", FASTER))
    }
    arms |= {"spin": spin(RATE), "spin_slow": spin(SLOWER * RATE), "spin_nll": spin(RATE, nll=0.2)}
    arms["filtered"] = spin(RATE, loss="filtered")
    return Experiment(
        arms=arms, control="continued", shams={"spin": "filtered", "spin_slow": "continued_slow"}, seeds=5
    )
