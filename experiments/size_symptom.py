"""Do models that learned one size write adjacency tokens where a smaller maze's path should start?

All lists of edges of one size are equally long, so a model with positions can find the path by counting. Then, given a
smaller maze with its shorter list, it goes on writing edges. Three losses, each on one size and on several; judged on
smaller mazes, of sizes the fixed arms never saw: 3 x 3, where the path begins while a list of 5 x 5 still runs, and
4 x 4, where such a list has just ended.
Expectation: the symptom in fixed_all; under 1 % of rollouts in mixed_path_only, the cure. With loss on the path alone
nothing ever asks for an edge, so fixed_path_only should not show it either, and yet fail on smaller mazes.
Cost: 18 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run

SCOPES = {"all": "all", "path_only": "path_only", "first_choice": "path_from_first_choice"}
FIXED, MIXED = (5,), (3, 4, 5)
LARGE_FIXED, LARGE_MIXED = (9,), (5, 6, 7, 8, 9)


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    fixed, mixed = (LARGE_FIXED, LARGE_MIXED) if large else (FIXED, MIXED)
    arms = {
        f"{kind}_{name}": small_run(sizes, large=large, loss=loss, positions="learned", random_offsets=False)
        for kind, sizes in (("fixed", fixed), ("mixed", mixed))
        for name, loss in SCOPES.items()
    }
    judged = [f"{name}@{size}" for name in ("adjacency_first", "shortest") for size in mixed[:2]]
    return Experiment(arms=arms, control="fixed_all", seeds=3, test_sizes=mixed, judged=tuple(judged))
