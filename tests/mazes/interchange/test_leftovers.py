"""What a kill leaves half-written goes away with the next that is written; what it had put aside comes back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maze_rl.mazes.interchange.leftovers import AN_HOUR, remove_leftovers, temporary_name
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.models.verified_files import read_folder, write_file, write_folder
from maze_rl.training.checkpoints import save_checkpoint
from maze_rl.training.laws import fresh, tiny_run

KILLED = """
import os, signal, sys
from pathlib import Path
from maze_rl.models.verified_files import write_folder
def die(path, data):
    path.write_bytes(data[:2])
    os.kill(os.getpid(), signal.SIGKILL)
write_folder(Path(sys.argv[1]), {"a": b"1234"}, die)
"""


def test_a_checkpoint_killed_while_it_is_written_is_gone_with_the_next(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "3")], check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".3.") and left.name.endswith(".tmp")
    state = fresh(tiny_run())
    state.step = 7  # another one: nobody writes 3 again
    save_checkpoint(state, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


def test_what_was_put_aside_comes_back(tmp_path: Path) -> None:
    place = tmp_path / "3"
    write_folder(place, {"a": b"old"})
    place.rename(temporary_name(place, "old"))  # killed between the two renames
    temporary_name(place).mkdir()
    (tmp_path / ".3.notes.tmp").touch()
    remove_leftovers(tmp_path)
    assert read_folder(place, ("a",)) == {"a": b"old"}
    place.rename(aside := temporary_name(place, "old"))
    write_folder(place, {"a": b"new"})
    assert aside.exists()  # young: another process may be at it
    remove_leftovers(tmp_path)
    assert read_folder(place, ("a",)) == {"a": b"new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".3.notes.tmp", "3"]
    remove_leftovers(tmp_path / "nowhere")


def _write_whole(path: Path) -> None:
    with written_whole(path) as file:
        file.write(b"whole")


@pytest.mark.parametrize(
    "write", [_write_whole, lambda path: write_file(path, b"whole"), lambda path: write_folder(path, {"a": b"whole"})]
)
def test_writing_again_removes_what_is_old_and_of_that_name(write, tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    old, young, other = temporary_name(path), temporary_name(path), temporary_name(tmp_path / "n.png")
    for left in (old, young, other):
        left.touch()
    for left in (old, other):
        os.utime(left, (time.time() - 2 * AN_HOUR,) * 2)
    write(path)
    assert path.exists() and young.exists() and other.exists() and not old.exists()
