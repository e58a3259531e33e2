"""What a refused command must do, whatever the command."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maze_rl.cli.main import run


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
        assert captured.err.count("\n") == 1
        assert captured.out == ""
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        assert sorted(path for path in tmp_path.rglob("*") if path.is_dir()) == folders

    return check
