"""What is said where a GPU is asked for that is not there."""

import pytest
import torch

from maze_rl.errors import ConfigurationError
from maze_rl.models.devices import check_device


def test_the_cpu_is_always_there() -> None:
    assert check_device("cpu") == "cpu"


@pytest.mark.parametrize(("built", "said"), [(None, "built without CUDA"), ("12.8", "torch finds no GPU")])
def test_without_cuda_the_reason_is_told(built: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)
    for name in ("cuda", "cuda:7"):
        with pytest.raises(ConfigurationError, match=rf"device {name} is not available .*{said}.*: use --device cpu"):
            check_device(name)


def test_a_gpu_beyond_the_last_is_told_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigurationError, match="device cuda:7 is not available: this machine has cuda:0 to cuda:1"):
        check_device("cuda:7")


def test_what_torch_says_is_cut_to_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("out of order\n" + 50 * "a long list of backends ")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(ConfigurationError) as caught:
        check_device("cpu")
    assert str(caught.value) == "device cpu is not available (out of order): use --device cpu."
