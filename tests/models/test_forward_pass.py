"""What blocks share belongs to the pass that runs: nothing is left behind for the next one, or for a block alone."""

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("cells", canvas=4, origin="path")
TOKENS = TOKENIZATION.encode(generate(4, num=3, seed=1)).tokens


def test_embedding_tokens_outside_of_a_pass_leaves_nothing_behind() -> None:
    config = ModelConfig(n_layers=1, loops=2, d_model=12, n_heads=2, prompt="visible")
    model = build_model(config, TOKENIZATION).eval()
    whole = model(TOKENS)
    embedded = model.input_to_embed(TOKENS)[0]
    assert (model.shared.sight, model.shared.embedded, model.shared.running) == (None, None, False)
    with pytest.raises(ConfigurationError, match="run it by the model's own forward pass"):
        model.blocks[1](embedded)
    assert torch.equal(model(TOKENS), whole)


def test_a_pass_that_fails_leaves_nothing_behind() -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=12, n_heads=2, prompt="visible"), TOKENIZATION).eval()

    def fail(value: object, hook: object) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        model.run_with_hooks(TOKENS, fwd_hooks=[("blocks.0.hook_resid_post", fail)])
    assert (model.shared.sight, model.shared.embedded, model.shared.running) == (None, None, False)
