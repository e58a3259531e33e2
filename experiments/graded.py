"""Does it help to give some credit to legal moves that are not shortest?

Mazes with cycles, where several shortest paths and longer ways around exist. The target of a step is 1 on every
shortest move, g on every other legal one, 0 on walls, normalised. Sham: g = 0, the same set of targets without the
grading; next-token targets are the control.
Expectation: more valid paths early on, fewer shortest ones at the end, the more so the larger g.
Cost: 20 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import Experiment, small_run


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""

    def run(loss: str):
        return small_run(large=large, loss=loss, algorithm="dfs_percolation", options={"percolation": 0.2})

    arms = {
        "next": run("path_only"),
        "set": run("path_only_set"),
        "graded_01": run("graded:0.1"),
        "graded_03": run("graded:0.3"),
    }
    size = 9 if large else 4
    return Experiment(
        arms=arms,
        control="next",
        shams={"graded_01": "set", "graded_03": "set"},
        seeds=5,
        judged=(f"shortest@{size}", f"valid@{size}", f"path_loss@{size}"),
    )
