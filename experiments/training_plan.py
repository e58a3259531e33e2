"""Does a plan (easy mazes first, then harder, the loss widening and narrowing) beat training on the mixture throughout?

Phases have sizes, algorithms, losses and rates of their own. `plan` goes from small mazes to the mixture, `backwards`
is the same phases in reverse, `mixed` the mixture throughout; `two_losses` begins with loss on every token.
Expectation: plan no worse than mixed at the end, backwards worst: what comes last counts most.
Cost: 12 runs of about a minute of one core.
"""

from dataclasses import replace

from maze_rl.configs.experiment import Experiment, scale, small_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.training import Phase, RunConfig


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    base = small_run(large=large)
    sizes, third = scale(large).sizes, scale(large).steps // 3
    small = Phase(name="small", steps=third, mazes=MazeSpec(sizes=sizes[:1]))
    wilson = Phase(name="wilson", steps=third, mazes=MazeSpec(sizes=sizes, algorithm="wilson"))
    mixture = Phase(name="mixture", steps=third, mazes=MazeSpec(sizes=sizes))

    def arm(*phases: Phase) -> RunConfig:
        return replace(base, training=replace(base.training, phases=phases))

    arms = {
        "mixed": arm(mixture, mixture, mixture),
        "plan": arm(small, wilson, mixture),
        "backwards": arm(mixture, wilson, small),
        "two_losses": arm(replace(mixture, loss="all"), mixture, mixture),
    }
    size = sizes[-1]
    return Experiment(arms=arms, control="mixed", seeds=3, judged=(f"shortest@{size}", f"path_loss@{size}"))
