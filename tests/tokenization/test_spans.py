"""Labels: masks by region, and choosing rows."""

import torch

from maze_rl.mazes.generate import generate
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization


def test_regions_are_fixed_numbers() -> None:
    assert [region.name for region in Region] == ["ADJACENCY", "ORIGIN", "TARGET", "PATH", "DELIMITER", "PADDING"]


def test_masks() -> None:
    tokens, spans = load_tokenization("edges", canvas=6).encode(generate((3, 6), num=20))
    assert torch.equal(spans.real, tokens != 10)
    written = [row[mask].tolist() for row, mask in zip(tokens, spans.after_path_start, strict=True)]
    for row, path in zip(tokens.tolist(), written, strict=True):
        assert path == row[row.index(6) + 1 : row.index(7) + 1]
        assert len(path) > 2


def test_rows_takes_sequences_and_cuts_them() -> None:
    tokens, spans = load_tokenization("edges", canvas=6).encode(generate(4, num=5))
    chosen = torch.tensor([3, 1])
    cut = spans.rows(chosen, 7)
    assert cut.regions.shape == (2, 7)
    assert cut.cells.shape == (2, 7, 2)
    assert cut.edges.shape == (2, 7, 3)
    assert torch.equal(cut.edges, spans.edges[chosen, :7])
    assert torch.equal(cut.path_start, spans.path_start[chosen])
    assert torch.equal(cut.lengths, spans.lengths[chosen])
    assert tokens.shape == spans.regions.shape
