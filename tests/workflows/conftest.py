"""What a refused command must do, whatever the command."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from maze_rl import load_tokenization
from maze_rl.cli.main import run
from maze_rl.configs.presets import SEARCHING
from maze_rl.models.build import build_model
from maze_rl.models.model_files import save_model


@pytest.fixture(scope="session")
def default_kind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small model of the default run's kind, untrained."""
    tokenization = load_tokenization("cells", canvas=8, origin="path", random_offsets=True)
    small = replace(SEARCHING, loops=2, d_model=24, n_heads=2)
    folder = tmp_path_factory.mktemp("default_kind") / "model"
    save_model(build_model(small, tokenization), folder, {"sizes": [5]})
    return folder


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[str], str], None]:
    """Run a command in an own folder: it must end with 2 and one line that says `expected`, and change no file."""
    monkeypatch.chdir(tmp_path)

    def check(arguments: list[str], expected: str) -> None:
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        folders = sorted(path for path in tmp_path.rglob("*") if path.is_dir())
        assert run(arguments) == 2
        captured = capsys.readouterr()
        assert expected in captured.err
        assert sum("compiling" not in line for line in captured.err.splitlines()) == 1
        assert captured.out == ""
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert sorted(path for path in tmp_path.rglob("*") if path.is_dir()) == folders

    return check
