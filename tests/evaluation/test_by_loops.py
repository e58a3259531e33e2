import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.evaluation.by_loops import evaluate_loops, loops_to_try
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.tokenization import load_tokenization


def looped_model() -> MazeTransformer:
    config = ModelConfig(n_layers=1, loops=4, d_model=8, n_heads=2, embedding="waves", unembedding="path")
    return build_model(config, load_tokenization("cells", canvas=6, origin="path")).eval()


def test_half_to_three_times_the_loops_it_is_kept_with_are_tried() -> None:
    assert loops_to_try(18) == [9, 18, 27, 36, 54]
    assert loops_to_try(1) == [1, 2, 3]
    assert loops_to_try(7, factors=(2.0,)) == [7, 14]


def test_every_number_of_loops_walks_the_same_mazes() -> None:
    seen: dict[int, list[Tensor]] = {}

    def decode(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        seen.setdefault(model.cfg.n_layers, []).append(prompts)
        return decode_paths(model, prompts, lengths, budget)

    rows = evaluate_loops(looped_model(), sizes=(4, 5), num=10, training_sizes=(3, 4), decode=decode)
    assert [(row.loops, row.size, row.as_kept, row.in_training_range) for row in rows] == [
        (loops, size, loops == 4, size == 4) for loops in (2, 4, 6, 8, 12) for size in (4, 5)
    ]
    assert all(row.shortest.num == 10 for row in rows)
    kept = {row.size: row.shortest.value for row in rows if row.as_kept}
    for row in rows:
        assert (row.against_kept is None) == row.as_kept
        if row.against_kept is not None:
            assert row.against_kept.value == pytest.approx(row.shortest.value - kept[row.size])
    assert sorted(seen) == [2, 4, 6, 8, 12]
    assert all(torch.equal(one, two) for parts in seen.values() for one, two in zip(parts, seen[4], strict=True))


def test_a_model_without_loops_has_no_rows() -> None:
    plain = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("edges", canvas=5))
    assert evaluate_loops(plain, sizes=(4,)) == []


def test_a_model_with_hooks_has_no_rows_of_other_loops() -> None:
    model = looped_model()
    assert evaluate_loops(model, sizes=[4], num=2, split=None)
    model.add_hook("blocks.0.hook_mlp_out", lambda out, hook: 0 * out)
    assert evaluate_loops(model, sizes=[4], num=2, split=None) == []
