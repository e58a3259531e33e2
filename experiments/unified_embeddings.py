"""Do unified embeddings (a wide table behind a small network, folded after training) learn faster than a plain table?

Sham: a wider model with a plain table and about as many parameters in training, since what is folded away was trained
as well. One token per cell, free embedding, so that nothing else shares between tokens.
Expectation: little. Unified embeddings are meant for rare tokens, and the tokens of small mazes are all frequent.
Cost: 15 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import LARGE, SMALL, Experiment, small_run

EXPANSION = 8


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    heads = (LARGE if large else SMALL).model.n_heads
    wider = WIDER_LARGE if large else WIDER_SMALL
    arms = {
        "free": small_run(large=large, embedding="free"),
        "unified": small_run(large=large, embedding="free", parametrizations=(f"unified_embeddings:{EXPANSION}",)),
        "wider": small_run(large=large, embedding="free", d_model=wider, n_heads=heads),
    }
    return Experiment(arms=arms, control="free", shams={"unified": "wider"}, seeds=5)


WIDER_SMALL, WIDER_LARGE = 84, 117
"""Widths at which a plain model has, within 3 %, the parameters that `unified` has in training."""
