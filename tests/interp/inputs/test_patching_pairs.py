"""Patching pairs read back as mazes whose right next tokens differ, and solved pairs are those a model answers."""

import numpy as np
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs, pair_logits, solved_pairs
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import count_outside
from maze_rl.models.build import build_model
from maze_rl.tokenization.layouts import PADDING, PATH_END, PATH_START
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization

FORMATS: dict[str, dict] = {
    "edges": {"query": "first"},
    "unique_cells": {},
    "cells": {"origin": "path"},
}


@pytest.fixture(scope="module", params=FORMATS)
def made(request: pytest.FixtureRequest) -> PatchingPairs:
    return make_pairs(
        load_tokenization(request.param, canvas=6, **FORMATS[request.param]), size=5, num=40, depths=(1, 20)
    )


def tokenization_of(made: PatchingPairs):
    layout = made.spans.layout
    name = "cells" if layout.lists_cells else "unique_cells" if layout.spells_edges else "edges"
    return load_tokenization(name, canvas=6, **FORMATS[name])


def test_sequences_are_prompts_of_the_mazes_with_the_path_up_to_the_fork(made: PatchingPairs) -> None:
    tokenization = tokenization_of(made)
    assert len(made) == made.num_mazes == 40
    assert count_outside(made.pairs.clean, "test") == 0
    for tokens, batch, answer in (
        (made.clean, made.pairs.clean, made.right),
        (made.flipped, made.pairs.flipped, made.wrong),
        (made.control, made.pairs.control, made.right),
    ):
        solution = solve_batch(batch)
        for row in range(40):
            end = int(made.position[row])
            start = int(made.spans.path_start[row])
            assert tokens[row, start] == PATH_START
            assert (tokens[row, end + 1 :] == PADDING).all()
            index = int(made.pairs.fork_index[row])
            path = [tokenization.layout.cell_ids[tuple(cell)] for cell in solution.paths[row, : index + 2]]
            assert tokens[row, start + 1 : end + 1].tolist() == path[:-1]
            assert int(answer[row]) == path[-1]
            given = tokenization.layout.given_tokens
            prompt = str(tokenization.decode(tokens[row, : start + 1 + given]))
            assert tokenization.from_text(prompt, (5, 5)) == batch[row]


def test_only_the_slots_differ(made: PatchingPairs) -> None:
    for tokens, slot in ((made.flipped, made.slot), (made.control, made.control_slot)):
        assert not ((tokens != made.clean) & ~slot).any()
        assert (tokens != made.clean).any(dim=1).all()
        if made.spans.layout.lists_cells:
            assert torch.equal(tokens != made.clean, slot) and slot.sum(dim=1).unique().tolist() in ([4], [3, 4])
        else:
            assert (slot.sum(dim=1) == made.spans.layout.tokens_per_edge).all()


def test_labels_end_with_the_fork_on_the_path(made: PatchingPairs) -> None:
    regions, rows = made.spans.regions, torch.arange(len(made))
    given, index = made.spans.layout.given_tokens, torch.from_numpy(made.pairs.fork_index)
    region = torch.where(index < given, int(Region.ORIGIN), int(Region.PATH))
    assert (regions[rows, made.position] == region).all()
    assert ((regions == Region.PATH).sum(dim=1) == index + 1 - given).all()
    assert ((regions == Region.PADDING) == (made.clean == PADDING)).all()
    assert np.array_equal(made.spans.cells[rows, made.position].numpy(), made.pairs.forks)
    assert not (made.clean == PATH_END).any()


def test_take_and_fewer_pairs_are_the_same_pairs(made: PatchingPairs) -> None:
    chosen = np.array([3, 30, 8])
    few = made.take(chosen)
    assert torch.equal(few.flipped, made.flipped[chosen])
    assert torch.equal(few.spans.regions, made.spans.regions[chosen])
    assert np.array_equal(few.depth, made.depth[chosen])
    assert few.found_share == made.found_share
    assert torch.equal(made.take(torch.from_numpy(chosen)).slot, few.slot)
    fewer = make_pairs(tokenization_of(made), size=5, num=10, depths=(1, 20))
    length = fewer.clean.shape[1]
    assert torch.equal(fewer.flipped, made.flipped[:10, :length])
    assert torch.equal(fewer.control, made.control[:10, :length])


def test_distances_of_both_members_are_bounded() -> None:
    made = make_pairs(
        load_tokenization("edges", canvas=5),
        size=5,
        num=300,
        depths=(1, 20),
        split=None,
        min_distance=4,
        max_distance=8,
    )
    steps = []
    for batch in (made.pairs.clean, made.pairs.flipped):
        steps.append(solve_batch(batch).distances[np.arange(300), made.pairs.forks[:, 0], made.pairs.forks[:, 1]])
        assert steps[-1].min() == 4
        assert steps[-1].max() == 8
    assert 0 < made.found_share < 0.9


def test_solved_pairs_are_those_answered_in_both_mazes() -> None:
    tokenization = load_tokenization("edges", canvas=5)
    made = make_pairs(tokenization, size=4, num=300, depths=(1, 20), split=None)
    model = build_model(ModelConfig(n_layers=1, d_model=16, n_heads=2), tokenization, seed=1)
    cells = torch.from_numpy(tokenization.layout.cell_ids).long().flatten()
    with torch.no_grad():  # so that cells are answered at all
        model.unembed.b_U[cells] += 10
        plain = [
            torch.stack([model(tokens[None, : at + 1])[0, -1] for tokens, at in zip(part, made.position, strict=True)])
            for part in (made.clean, made.flipped)
        ]
    logits = pair_logits(model, made.clean, made.position, batch_size=64)
    torch.testing.assert_close(logits, plain[0])
    solved = solved_pairs(model, made, batch_size=64)
    clean, flipped = plain[0].argmax(dim=-1) == made.right, plain[1].argmax(dim=-1) == made.wrong
    assert solved.rows.tolist() == (clean & flipped).nonzero()[:, 0].tolist()
    assert (solved.num, solved.num_clean, solved.num_flipped) == (300, int(clean.sum()), int(flipped.sum()))
    assert solved.num_clean > 0
    assert solved.text.startswith(f"{len(solved.rows)} of 300 pairs solved in both mazes ({solved.num_clean} clean")


@pytest.mark.parametrize(
    ("tokenizer", "options", "settings", "message"),
    [
        ("row_column", {}, {}, "format row_column takes 2 tokens a step: .* edges"),
        ("edges", {"walls": True}, {}, "walls=False"),
        ("edges", {"path": "moves"}, {}, "path='cells'"),
        ("edges", {"path": "turns"}, {}, "path='cells'"),
        ("edges", {}, {"size": 9}, "size 9 is larger than the canvas of 8"),
        ("edges", {}, {"num": 0}, "num is 0"),
        ("edges", {}, {"algorithm": "dfs_percolation"}, "flip pairs need trees"),
        ("edges", {}, {"depths": (40, 64)}, r"0 of \d+ 5 x 5 dfs mazes gave a pair \(0.00%\)"),
    ],
)
def test_refusals(tokenizer: str, options: dict, settings: dict, message: str) -> None:
    tokenization = load_tokenization(tokenizer, canvas=8, **options)
    with pytest.raises(ConfigurationError, match=message):
        make_pairs(tokenization, **{"size": 5, "num": 4, "split": None, **settings})
