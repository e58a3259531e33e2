"""Where a run can begin: not over files of others, but over what a kill left while one began."""

from pathlib import Path

import pytest

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import RunConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models import verified_files
from maze_rl.workflows import run_folder
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.run_place import check_free

CONFIG: RunConfig = default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=1)


@pytest.mark.parametrize("killed_at", range(1, 6))
def test_a_kill_at_any_file_is_no_obstacle(killed_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill runs no tidying up: what was written stays, half a file included."""
    place, written = tmp_path / "run", []
    write = verified_files._write_synced

    def dying(path: Path, data: bytes) -> None:
        written.append(path)
        write(path, data[: len(data) // 2] if len(written) == killed_at else data)
        if len(written) == killed_at:
            raise SystemExit("killed")

    for module, name in ((verified_files.shutil, "rmtree"), (verified_files.Path, "unlink")):
        monkeypatch.setattr(module, name, lambda *args, **kwargs: None)
    monkeypatch.setattr(verified_files, "_write_synced", dying)
    if killed_at < 5:
        with pytest.raises(SystemExit):
            RunFolder(place).create(CONFIG, "a test")
        monkeypatch.undo()
        assert any(place.rglob("*"))
        check_free(place)
        RunFolder(place).create(CONFIG, "a test")
    else:  # tokenizer.json, tokenizer_config.json, checksums.json, config.json: there is no fifth
        RunFolder(place).create(CONFIG, "a test")
        monkeypatch.undo()
    assert RunFolder(place).open() == CONFIG
    assert sorted(path.name for path in place.iterdir()) == ["config.json", "tokenizer"]


@pytest.mark.parametrize(
    "name", ["notes.txt", "tokenizer/notes.txt", "tokenizer.json", ".git/config", "checkpoints/4/x"]
)
def test_files_of_others_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty and holds no run"):
        RunFolder(tmp_path).create(CONFIG, "a test")
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / run_folder.CONFIG).exists()
