"""Does credit for legal moves that are not shortest help a model that really searches?

The experiment `graded` on the default recipe: mazes with cycles, where several paths are shortest and others go
around. The target of a step is 1 on every shortest move and g = 0.1 on every other legal one, normalised; the sham has
the same set of targets without the grading. Sizes are 3x3 to 5x5, judged is 5x5.
Expectation: as on the causal models: more valid paths, no more shortest ones.
Cost: 6 runs of about four minutes of one core, by the ladder's default arm.
"""

from maze_rl.configs.experiment import Experiment, searching_run

STEPS = 1000


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged; large has the sizes of the default run."""
    arms = {
        name: searching_run(STEPS, large=large, loss=loss, algorithm="dfs_percolation", options={"percolation": 0.2})
        for name, loss in (("set", "path_only_set"), ("graded", "graded:0.1"))
    }
    size = 9 if large else 5
    return Experiment(
        arms=arms,
        control="set",
        seeds=3,
        test_sizes=(7, 9, 12) if large else (5, 6, 8),
        judged=(f"shortest@{size}", f"valid@{size}", f"path_loss@{size}"),
    )
