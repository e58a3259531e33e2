from collections.abc import Callable
from typing import Any

from maze_rl.configs.model import ModelConfig
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization


def test_a_model_is_one_line_and_prints_its_modules(read_page: Callable[[str], Any]) -> None:
    tokenization = load_tokenization("cells", canvas=6, random_offsets=True)
    model = build_model(ModelConfig(n_layers=2, d_model=8, n_heads=2, d_mlp=16), tokenization)
    num = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert repr(model) == (
        f"<MazeTransformer: 2 layers, d_model 8, 2 heads; {num:,} parameters; "
        "cells on a 6x6 canvas, random_offsets=True>"
    )
    assert "(0): FusedBlock(" in str(model)
    model.about = {"name": "mine", "sizes": [4, 5, 6], "algorithm": "wilson", "loss": "all"}
    page = read_page(model._repr_html_())
    assert page.text.startswith("MazeTransformer mine network 2 layers, d_model 8, 2 heads parameters")
    assert "trained on sizes 4..6 wilson loss all" in page.text
