"""Embeddings of waves: the formula word by word, exact folding, and the loss they begin with."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from maze_rl.models.build import MazeTransformer
from maze_rl.models.folding import folded_copy
from maze_rl.models.wave_embedding import WAVELENGTHS, waves
from maze_rl.tokenization.layouts import NUM_SPECIAL

Make = Callable[..., MazeTransformer]
FORMATS: list[tuple[str, dict]] = [
    ("cells", {}),
    ("cells", {"path": "moves"}),
    ("edges", {}),
    ("edges", {"path": "moves", "walls": True}),
    ("cells", {"path": "turns"}),
    ("unique_cells", {}),
    ("unique_cells", {"walls": True}),
]


def test_a_step_is_the_same_turn_everywhere() -> None:
    features = waves(20)
    assert features.shape == (20, 16)
    turns = torch.complex(*features.unflatten(1, (2, 8)).unbind(1))
    steps = turns[1:] / turns[:-1]
    assert torch.allclose(steps, steps[:1].expand(steps.shape))
    assert torch.allclose(steps[0].angle() % (2 * np.pi), torch.from_numpy(2 * np.pi / WAVELENGTHS))


@pytest.mark.parametrize(("tokens", "options"), FORMATS, ids=str)
def test_every_word_is_the_sum_it_stands_for(make_searching: Make, tokens: str, options: dict) -> None:
    model = make_searching(tokens, options={"canvas": 4, "origin": "path"} | options)
    layout, table = model.tokenization.layout, model.W_E.detach()
    chain = model.embed.parametrizations.W_E[0]
    own = dict(zip(chain.plain.tolist(), model.embed.parametrizations.W_E.original.detach(), strict=True))
    features = waves(4)
    seen = set()
    for cell in np.ndindex(4, 4):
        number = int(layout.cell_ids[cell])
        expected = own[number] + features[cell[0]] @ chain.rows + features[cell[1]] @ chain.cols
        assert torch.allclose(table[number], expected)
        seen.add(number)
        for sides in range(16) if layout.open_cell_ids is not None else ():
            listed = int(layout.open_cell_ids[*cell, sides])
            opened = sum((chain.sides[side] for side in range(4) if sides >> side & 1), torch.zeros(16))
            assert torch.allclose(table[listed], expected + opened + chain.listed)
            seen.add(listed)
    for direction, row, col in np.ndindex(2, 4, 4):
        if layout.edge_ids is not None and layout.edge_ids[direction, row, col] >= 0:
            number = int(layout.edge_ids[direction, row, col])
            ends = layout.cell_ids[row, col], layout.cell_ids[row + (direction == 0), col + (direction == 1)]
            assert torch.allclose(table[number], sum(table[end] for end in ends) + chain.listed)
            seen.add(number)
    for number, vector in own.items():  # all other words have a vector of their own alone
        if number not in seen:
            assert torch.equal(table[number], vector)
    assert seen | set(own) == set(range(len(layout.words)))
    assert set(range(NUM_SPECIAL)) <= set(own) - seen


@pytest.mark.parametrize(("tokens", "options"), FORMATS, ids=str)
@pytest.mark.parametrize("unembedding", ["all", "path"])
def test_it_folds_exactly(make_searching: Make, tokens: str, options: dict, unembedding: str) -> None:
    model = make_searching(tokens, options={"canvas": 4, "origin": "path"} | options, unembedding=unembedding)
    folded = folded_copy(model)
    assert torch.equal(folded.W_E, model.W_E)
    assert torch.equal(folded.W_U, model.W_U)
    assert {"embed.W_E", "unembed.W_U", "unembed.b_U"} <= set(folded.state_dict())


def test_columns_of_cells_share_rows_and_columns(make_searching: Make) -> None:
    model = make_searching()
    layout, chain = model.tokenization.layout, model.unembed.parametrizations.W_U
    columns = chain[1]
    plain = chain[0](chain.original)
    for row, col in np.ndindex(5, 5):
        number = layout.cell_ids[row, col]
        assert torch.allclose(model.W_U[:, number], plain[:, number] + columns.rows[row] + columns.cols[col])
    assert torch.equal(model.W_U[:, 7], plain[:, 7])


def test_parts_begin_at_one_scale_and_the_loss_near_that_of_guessing(make_searching: Make, ragged: Callable) -> None:
    model = make_searching(dtype=torch.float32, d_model=64, n_heads=4, options={"canvas": 20, "origin": "path"})
    chain = model.embed.parametrizations.W_E[0]
    shared = (waves(20).float() @ chain.rows).std()
    for part in (shared, chain.listed.std(), chain.sides.std(), model.embed.parametrizations.W_E.original.std()):
        assert 0.2 < part < 0.4
    words = torch.from_numpy(model.tokenization.layout.written_ids)
    with torch.no_grad():
        model.ln_final.b.zero_()
        model.ln_final.w.fill_(1.0)
        model.unembed.b_U[words] = 0
        loss = -model(ragged(model))[..., words].log_softmax(-1).mean()
    assert loss == pytest.approx(np.log(len(words)), abs=0.6)


def test_a_larger_canvas_begins_like_a_smaller_one(make_searching: Make) -> None:
    small, large = (make_searching(options={"canvas": side, "origin": "path"}) for side in (4, 6))
    assert torch.equal(waves(4), waves(6)[:4])
    rows = [model.embed.parametrizations.W_E[0].rows for model in (small, large)]
    assert rows[0].shape == rows[1].shape


def test_columns_of_cells_are_left_out_where_a_path_is_moves(make_searching: Make) -> None:
    options = {"canvas": 4, "origin": "path", "path": "moves"}
    assert len(make_searching(options=options).unembed.parametrizations.W_U) == 1
    assert len(make_searching(options=options, unembedding="all").unembed.parametrizations.W_U) == 1
    assert len(make_searching().unembed.parametrizations.W_U) == 2
