"""The named losses, and the options each takes; their code is in `maze_rl.training.losses`."""

from maze_rl.configs.choices import Known, count, number
from maze_rl.configs.options import Option, is_share

LOSSES: Known = {
    "all": {},
    "path_only": {},
    "path_from_first_choice": {},
    "fork_weighted": {"weight": number(4.0, 1, 1e6, "the weight of a fork, at least 1; elsewhere on the path it is 1")},
    "weighted": {"alpha": Option(0.5, is_share, "the weight of all that is not path, 0 to 1")},
    "all_set": {},
    "path_only_set": {},
    "graded": {"g": Option(0.1, is_share, "the mass of a legal move that is not shortest, 0 to 1; a shortest has 1")},
}
"""(where, what) pairs: weights on all tokens or on the path; targets the next token, the optimal ones, or all legal."""

FACTORS: Known = {
    "within_reach": {"per_loop": number(1.0, 0, 1e6, "steps that one loop carries, 0 or more")},
    "auto_curriculum": {"beyond": count(5, least=0)},
}
"""Factors on the weights of any loss; their code is in `maze_rl.training.weight_factors`."""
OBJECTIVES: Known = {
    "cross_entropy": {},
    "hints": {"weight": number(1.0, 0, 1e6, "the weight of the hints beside the loss, 0 to 1e6")},
    "path_dropout": {"share": Option(0.1, is_share, "the chance of a cell of the path to be hidden, 0 to 1")},
    "false_targets": {"share": Option(0.5, is_share, "the chance of a sequence to begin with other targets, 0 to 1")},
}
"""What is made of a loss and its factors; self-play (SPIN) has its own. Their code is in `maze_rl.training`."""
PROMPT_LOSSES = ("all", "weighted", "all_set")
"""Losses that ask for tokens of the prompt."""


def leaves_origin_out(loss: str) -> bool:
    """Tell whether a loss never asks for the origin that a path begins with: it stands in the prompt already."""
    return loss.partition(":")[0].strip() == "path_from_first_choice"
