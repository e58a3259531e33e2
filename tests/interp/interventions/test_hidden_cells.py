"""Hiding cells from attention hides them and nothing else."""

import numpy as np
import pytest
import torch

from maze_rl import generate, load_model, load_tokenization
from maze_rl.calibration.looped_searchers import build_looped
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import answers_by_loop
from maze_rl.interp.interventions.hidden_cells import hide_far_cells


def test_a_search_from_neighbour_to_neighbour_needs_no_far_cells() -> None:
    model = build_looped("wave", load_tokenization("cells", canvas=5, origin="path"), loops=27)
    found = hide_far_cells(model, generate(5, "dfs", 12, seed=1).batches[0], limit=2)
    assert found.plain.right[:, -1][found.plain.asked].all()
    assert found.hidden.right[:, -1][found.plain.asked].all()
    assert found.control.right[:, -1][found.plain.asked].all()
    for seen in found.by_look_ahead().values():
        assert seen.hidden.value == seen.control.value == 0
        assert seen.num_cells > 0


def test_without_its_neighbours_it_finds_nothing() -> None:
    model = build_looped("wave", load_tokenization("cells", canvas=5, origin="path"), loops=27)
    found = hide_far_cells(model, generate(5, "dfs", 12, seed=1).batches[0], limit=1)
    assert found.plain.right[:, -1][found.plain.asked].all()
    assert found.hidden.right[:, -1][found.plain.asked].mean() < 0.6  # one of the open neighbours


def test_what_is_hidden_gets_no_attention_and_the_rest_is_as_in_a_run_by_hand() -> None:
    model = load_model("maze-5to9-cpu")
    mazes = generate(6, "dfs", 2, seed=2).batches[0]
    tokenization = load_tokenization("cells", origin="path", random_offsets=False)

    def hidden(rows: slice, about: torch.Tensor) -> torch.Tensor:
        apart = (about[:, :, None] - about[:, None]).abs().amax(dim=-1)
        return (about[:, :, None, 0] >= 0) & (about[:, None, :, 0] >= 0) & (apart >= 3)

    found = answers_by_loop(model, mazes, hidden=hidden)
    encoded = tokenization.encode_batch(mazes, streams=np.arange(2), seed=0, prompt_only=True)
    for row in range(2):
        end = int(encoded.spans.path_start[row]) + 1
        for cell in ((0, 0), (3, 2), (5, 5)):
            word = int(tokenization.layout.cell_ids[cell])
            tokens = torch.cat([encoded.tokens[row, :end], torch.tensor([word])])[None]
            cells = torch.full((tokens.shape[1], 2), -1)
            for position in range(end):
                if encoded.spans.regions[row, position] == 0:
                    cells[position] = encoded.spans.cells[row, position]
            cells[-1] = torch.tensor(cell)
            unseen = hidden(slice(0, 1), cells[None])

            def hide(scores: torch.Tensor, hook: object, unseen: torch.Tensor = unseen) -> torch.Tensor:
                return scores.masked_fill(unseen[:, None], -1e9)

            hooks = [(f"blocks.{layer}.attn.hook_attn_scores", hide) for layer in range(model.cfg.n_layers)]
            with torch.no_grad():
                chosen = int(model.run_with_hooks(tokens, fwd_hooks=hooks)[0, -1].argmax())
            move = int(found.moves[row, -1, cell[0] * 6 + cell[1]])
            if move < 0:
                continue
            down, right = ((1, 0), (0, 1), (-1, 0), (0, -1))[move]
            assert chosen == int(tokenization.layout.cell_ids[cell[0] + down, cell[1] + right])


def test_what_cannot_be_hidden_is_refused() -> None:
    mazes = generate(5, "dfs", 2, seed=1).batches[0]
    with pytest.raises(ConfigurationError, match="no cells of a 5 x 5 maze lie so far apart"):
        hide_far_cells(load_model("maze-5to9-cpu"), mazes, limit=5)
    with pytest.raises(ConfigurationError, match="relies on loops"):
        hide_far_cells(load_model("maze-5to9-causal"), mazes, limit=2)
