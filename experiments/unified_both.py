"""Do unified embeddings and unified weights together (LMPlay's sac2 and all1) do more than either alone?

Unified embeddings, unified weights of version 6 (all vectors from one shared network), and both, against the plain
model and, as the sham, a wider plain model with about as many parameters in training as both together. All fold to a
plain model. Pre-norms stay, which LMPlay's combination leaves out.
Expectation: little from the embeddings, as their tokens are frequent; what the weights bring, both together bring too.
Cost: 15 runs of about a minute of one core.
"""

from maze_rl.configs.experiment import LARGE, SMALL, Experiment, small_run

EMBEDDINGS, WEIGHTS = "unified_embeddings:8", "unified_weights:v6"
WIDER_SMALL, WIDER_LARGE = 104, 132
"""Widths at which a plain model has, within 1 %, the parameters that `both` has in training."""


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged."""
    ways = {"free": (), "embeddings": (EMBEDDINGS,), "weights": (WEIGHTS,), "both": (EMBEDDINGS, WEIGHTS)}
    arms = {name: small_run(large=large, embedding="free", parametrizations=parts) for name, parts in ways.items()}
    heads = (LARGE if large else SMALL).model.n_heads
    arms["wider"] = small_run(
        large=large, embedding="free", d_model=WIDER_LARGE if large else WIDER_SMALL, n_heads=heads
    )
    return Experiment(arms=arms, control="free", shams={"both": "wider"}, seeds=3)
