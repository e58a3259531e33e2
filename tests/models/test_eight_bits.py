"""Weights in eight bits: how far off they are, and what comes back as it was."""

import torch

from maze_rl.models.eight_bits import from_eight_bits, to_eight_bits


def test_an_entry_is_off_by_half_a_scale_at_most() -> None:
    weight = (
        torch.randn(3, 5, 40, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 1e-3, 1e3])[:, None, None]
    )
    back = from_eight_bits(to_eight_bits({"blocks.0.W": weight}))["blocks.0.W"]
    scale = weight.abs().amax(dim=-1, keepdim=True) / 127
    assert back.dtype == torch.float32
    assert ((back - weight).abs() <= scale * (0.5 + 1e-5)).all()
    assert (back - weight).abs().max() > 0


def test_whole_numbers_of_a_scale_and_rows_of_zeros_come_back_exactly() -> None:
    weight = torch.tensor([[127.0, -3.0, 64.0], [0.0, 0.0, 0.0]]) / 4
    assert torch.equal(from_eight_bits(to_eight_bits({"W": weight}))["W"], weight)


def test_a_matrix_takes_a_byte_an_entry_and_vectors_two() -> None:
    stored = to_eight_bits({"W": torch.randn(8, 96), "b": torch.randn(96)})
    assert {name: tensor.dtype for name, tensor in stored.items()} == {
        "W": torch.int8,
        "W.scale": torch.float32,
        "b": torch.float16,
    }


def test_what_was_not_stored_so_is_left_alone() -> None:
    plain = {"W": torch.randn(2, 3), "norm.scale": torch.randn(3), "norm": torch.randn(3).half()}
    back = from_eight_bits(plain)
    assert list(back) == list(plain)
    assert all(back[name] is plain[name] for name in plain)
