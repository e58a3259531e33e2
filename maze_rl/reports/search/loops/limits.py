"""What the page of a model with loops does not show, said on the page itself."""

from maze_rl.reports.content import Statement
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.stated import sentence


def loop_limits(result: LoopSearchResult) -> list[Statement]:
    """List the limits of these results."""
    setting = result.setting
    return [
        Statement(
            "That the model computes a named algorithm as such: what is compared is when cells are right and what is "
            "read from them, not how it comes about."
        ),
        Statement(
            "Other training runs. One set of weights was judged; intervals are over layouts (walls up to rotation and "
            "reflection), those of S3 over pairs of fork and target."
        ),
        sentence(
            "Other mazes. Those that the verdict is of are perfect mazes (trees) of {size}×{size} cells from "
            "{algorithm}, those of behaviour selected, with a fork at which a look-ahead of {far} is needed and "
            "Manhattan greedy is wrong.",
            size=setting.size,
            algorithm=setting.algorithm,
            far=result.judgement.judged.setting.far,
        ),
        Statement(
            "What only a non-linear reading would find. Probes are linear; S3 holds whole streams, and does not say "
            "which part of them counts."
        ),
        Statement(
            "That the thresholds fit models of this kind. They were set on models whose algorithm is known, on small "
            "mazes."
        ),
    ]
