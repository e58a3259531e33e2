"""Names of devices are checked without torch, in one line."""

import pytest

from maze_rl.configs.devices import check_device_name
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.errors import ConfigurationError


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:7"])
def test_processors_and_gpus_are_devices(name: str) -> None:
    assert check_device_name(name) == name


@pytest.mark.parametrize("name", ["mps", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "", "meta", "xla"])
def test_everything_else_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigurationError, match="take cpu, cuda, or cuda:1 for the second GPU") as caught:
        check_device_name(name)
    assert len(str(caught.value)) < 120


def test_a_run_has_a_known_device() -> None:
    with pytest.raises(ConfigurationError, match="device 'mps' cannot be used"):
        default_run(MazeSpec(sizes=(4,), split="train"), device="mps")
