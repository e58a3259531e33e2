"""Read-outs are fitted, kept beside a model, and read what a hand-built search holds."""

from pathlib import Path

import numpy as np
import pytest

from maze_rl import generate, load_tokenization
from maze_rl.calibration.looped_searchers import build_looped
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.interp.activations.cell_streams import cell_streams
from maze_rl.interp.inputs.algorithm_clocks import wave_rounds
from maze_rl.interp.probes.readouts import Readouts, fit_readouts, load_readouts, save_readouts
from maze_rl.models.build import MazeTransformer


@pytest.fixture(scope="module")
def wave() -> MazeTransformer:
    return build_looped("wave", load_tokenization("cells", canvas=5, origin="path"), loops=28)


@pytest.fixture(scope="module")
def readouts(wave: MazeTransformer) -> Readouts:
    return fit_readouts(wave, sizes=(4, 5), num=24, loops=(2, 28))


def test_they_read_the_distances_of_a_wave(wave: MazeTransformer, readouts: Readouts) -> None:
    early, late = readouts.quality["distance"]
    assert early < 0.8 < 0.99 < late
    mazes = generate(5, "dfs", 4, seed=9).batches[0]
    found = readouts.read("distance", cell_streams(wave, mazes, loops=readouts.loops))[:, 1, :, 0]
    assert np.abs(found - wave_rounds(mazes)).mean() < 0.5


def test_they_are_kept_and_found_again(readouts: Readouts, tmp_path: Path) -> None:
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "model.json").write_text("{}")  # by which a model is known
    folder = save_readouts(readouts, tmp_path / "wave")
    again = load_readouts(tmp_path / "wave")
    assert (again.loops, again.sizes) == (readouts.loops, readouts.sizes)
    for name in readouts.weights:
        assert np.array_equal(again.weights[name], readouts.weights[name])
        assert again.quality[name] == pytest.approx(readouts.quality[name], abs=1e-4)
    (folder / "readouts.safetensors").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="truncated or altered"):
        load_readouts(tmp_path / "wave")


def test_what_is_missing_is_said(wave: MazeTransformer) -> None:
    with pytest.raises(CheckpointError, match="this model has no read-outs"):
        load_readouts("maze-5to9-causal")
    with pytest.raises(ConfigurationError, match="does not say what it was trained on"):
        fit_readouts(wave)
