"""An edge written over another: the text reads back as the changed maze, and nothing outside the slot differs."""

import numpy as np
import pytest
import torch

from maze_rl.configs.tokenization import FORMATS
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.flip_pairs import FlipPairs, find_flip_pairs
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.edge_slots import edge_slots, replace_edge, replaced_slots
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.fixture(scope="module")
def pairs() -> FlipPairs:
    return find_flip_pairs(generate(5, "dfs", 40).batches[0])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("options", [{}, {"query": "first", "random_offsets": True, "path": "moves"}])
def test_reads_back_as_the_changed_maze(pairs: FlipPairs, name: str, options: dict) -> None:
    tokenization = load_tokenization(name, canvas=8, **options)
    encoded = tokenization.encode(pairs.clean, prompt_only=True)
    tokens = replace_edge(encoded, pairs.removed, pairs.added)
    slots = edge_slots(encoded.spans, pairs.removed)
    listing_cells = name == "cells"
    assert (slots.sum(dim=1) == (2 if listing_cells else tokenization.layout.tokens_per_edge)).all()
    may_change, changed = replaced_slots(encoded.spans, pairs.removed, pairs.added), tokens != encoded.tokens
    assert changed.any(dim=1).all()
    assert torch.equal(changed, may_change) if listing_cells else torch.equal(slots, may_change)
    assert not (changed & ~may_change).any()
    for row, offset in enumerate(encoded.spans.offsets.tolist()):
        text = str(tokenization.decode(tokens[row]))
        assert tokenization.from_text(text, (5, 5), tuple(offset)) == pairs.flipped[row]


@pytest.mark.parametrize("options", [{}, {"connectors": False}])
def test_keeps_which_cell_comes_first(pairs: FlipPairs, options: dict) -> None:
    tokenization = load_tokenization("unique_cells", canvas=5, **options)
    encoded = tokenization.encode(pairs.clean)
    tokens = replace_edge(encoded, pairs.removed, pairs.added)
    ids, second = tokenization.layout.cell_ids, 1 + tokenization.layout.connectors
    orders = set()
    for row, (removed, added) in enumerate(zip(pairs.removed, pairs.added, strict=True)):
        start = int(edge_slots(encoded.spans, pairs.removed)[row].int().argmax())
        order = []
        for ends, sequence in ((removed, encoded.tokens[row]), (added, tokens[row])):
            direction, r, c = map(int, ends)
            pair = [ids[r, c], ids[r + (direction == 0), c + (direction == 1)]]
            written = [int(sequence[start]), int(sequence[start + second])]
            assert sorted(written) == sorted(pair)
            order.append(written == pair)
        assert order[0] == order[1]
        orders.add(order[0])
    assert orders == {True, False}


@pytest.mark.parametrize("name", ["edges", "cells"])
def test_refuses_walls_and_edges_that_are_not_there(pairs: FlipPairs, name: str) -> None:
    encoded = load_tokenization("edges", canvas=5, walls=True).encode(pairs.clean)
    with pytest.raises(ConfigurationError, match="walls=True"):
        replace_edge(encoded, pairs.removed, pairs.added)
    encoded = load_tokenization(name, canvas=5).encode(pairs.clean)
    mixed = np.concatenate([pairs.removed[:3], pairs.added[3:]])
    with pytest.raises(ConfigurationError, match="sequence 3 lists no edge"):
        replace_edge(encoded, mixed, pairs.added)
