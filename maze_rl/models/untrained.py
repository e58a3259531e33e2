"""The control every claim about training needs: the same network before it learned anything."""

from transformer_lens import HookedTransformer

from maze_rl.models.build import MazeTransformer, build_alike


def untrained_twin(model: HookedTransformer, seed: int = 0) -> MazeTransformer:
    """Return a freshly initialised model of the same architecture and tokenization, in evaluation mode.

    One without a `maze_config` may have any shape: all fields of its `HookedTransformerConfig` are taken over.
    """
    twin = build_alike(model, getattr(model, "maze_config", None), seed=seed)
    twin.about = {"name": "untrained"}
    return twin.eval()
