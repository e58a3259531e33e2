"""Datasets written: the same bytes however they are made, nothing half-written, resumed after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maze_rl.configs.mazes import GenerationConfig, spec_from_arguments
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.storage import dataset_folder, dataset_writer, shards
from maze_rl.mazes.storage.dataset_writer import Span, join_datasets, spans_of, write_dataset, write_mazes
from maze_rl.mazes.storage.free_place import unfinished_folder
from maze_rl.mazes.storage.store import open_dataset

SPEC = spec_from_arguments(sizes=(3, 4, 7), algorithm="dfs_percolation", percolation=0.2)
SHARD = 40


def config(num: int = 150, seed: int = 3, first: int = 0) -> GenerationConfig:
    return GenerationConfig(spec=SPEC, num=num, seed=seed, first=first)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(config(), tmp_path_factory.mktemp("data") / "whole", shard=SHARD)


def test_progress_ends_at_one_and_nothing_else_stays(tmp_path: Path) -> None:
    progress: list[float] = []
    write_dataset(config(), tmp_path / "deep" / "mazes", shard=SHARD, progress=progress.append)
    assert progress == sorted(progress)
    assert len(progress) == 4
    assert progress[-1] == 1.0
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["mazes"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_gives_the_same_bytes(workers: int, whole: Path, tmp_path: Path) -> None:
    assert contents(write_dataset(config(), tmp_path / "mazes", workers=workers, shard=SHARD)) == contents(whole)


def test_parts_from_several_machines_are_the_whole(whole: Path, tmp_path: Path) -> None:
    parts = [
        write_dataset(config(num, first=first), tmp_path / f"part{first}", shard=SHARD)
        for first, num in ((80, 70), (0, 40), (40, 40))
    ]
    joined = join_datasets(parts, tmp_path / "joined")
    assert contents(joined) == contents(whole)
    contents_add_up = sum(int(open_dataset(part).content, 16) for part in parts) % 2**64
    assert f"{contents_add_up:016x}" == open_dataset(whole).content


def test_parts_cut_anywhere_hold_the_same_mazes(whole: Path, tmp_path: Path) -> None:
    parts = [
        write_dataset(config(num, first=first), tmp_path / f"part{first}", shard=SHARD)
        for first, num in ((0, 55), (55, 95))
    ]
    joined = open_dataset(join_datasets(parts, tmp_path / "joined"))
    assert list(joined) == list(open_dataset(whole))
    assert joined.content == open_dataset(whole).content


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (config(40, first=30), "begins at index 30 and overlaps the part before it"),
        (config(40, first=50), "begins at index 50 and leaves out 40 to 49"),
        (config(40, seed=4, first=40), "its seed differs"),
        (GenerationConfig(spec=spec_from_arguments(sizes=(3,)), num=40, seed=3, first=40), "its spec differs"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(second: GenerationConfig, message: str, tmp_path: Path) -> None:
    parts = [write_dataset(config(40), tmp_path / "a"), write_dataset(second, tmp_path / "b")]
    with pytest.raises(ConfigurationError, match=message):
        join_datasets(parts, tmp_path / "joined")
    with pytest.raises(ConfigurationError, match="was not generated here"):
        join_datasets([write_mazes(generate(4, num=5), tmp_path / "c", "a test")], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_killed_run_goes_on_from_its_finished_shards(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    real = dataset_writer.generated_parts

    def dying(spec: object, seed: int, first: int, last: int):
        if len(made) == 2:
            raise KeyboardInterrupt  # as a kill: nothing is tidied
        made.append(first)
        return real(spec, seed, first, last)  # type: ignore[arg-type]

    monkeypatch.setattr(dataset_writer, "generated_parts", dying)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(config(), tmp_path / "mazes", shard=SHARD)
    left = unfinished_folder(tmp_path / "mazes")
    assert sorted(path.name for path in left.glob("*.arrow")) == ["000000000000.arrow", "000000000040.arrow"]
    damaged = left / "000000000040.arrow"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(ConfigurationError, match="holds an unfinished dataset of other settings"):
        write_dataset(config(seed=4), tmp_path / "mazes", shard=SHARD)
    made.clear()
    monkeypatch.setattr(dataset_writer, "generated_parts", lambda *args: made.append(args[2]) or real(*args))
    write_dataset(config(), tmp_path / "mazes", shard=SHARD)
    assert made == [40, 80, 120]  # the damaged one is made again
    assert contents(tmp_path / "mazes") == contents(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["mazes"]


@pytest.mark.slow
def test_a_process_killed_without_warning_leaves_work_that_is_finished_later(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; import sys\n"
        "from maze_rl.configs.mazes import GenerationConfig, spec_from_arguments\n"
        "from maze_rl.mazes.storage.dataset_writer import write_dataset\n"
        "spec = spec_from_arguments(sizes=(5,))\n"
        "write_dataset(GenerationConfig(spec=spec, num=400_000), Path(sys.argv[1]), shard=2000)\n"
    )
    out = tmp_path / "mazes"
    process = subprocess.Popen([sys.executable, "-c", code, str(out)], env={**os.environ, "PYTHONPATH": "."})
    while len(list(unfinished_folder(out).glob("*.json"))) < 3 and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not out.exists()
    kept = {path.name: path.stat().st_mtime_ns for path in unfinished_folder(out).glob("*.arrow")}
    assert kept
    # a smaller request is another request; the finished shards are judged by their records
    spec = spec_from_arguments(sizes=(5,))
    with pytest.raises(ConfigurationError, match="unfinished dataset of other settings"):
        write_dataset(GenerationConfig(spec=spec, num=10), out, shard=2000)
    assert shards.finished_record(unfinished_folder(out) / sorted(kept)[0]) is not None


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("owner", "name"), [(shards, "table_of"), (dataset_folder, "_state"), (shards.np, "save"), (os, "replace")]
)
def test_a_full_disk_leaves_nothing_half_written(
    owner: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, full_disk)
    with pytest.raises(MazeRLError, match=r"could not be written \(No space left on device\)") as caught:
        write_dataset(config(20), tmp_path / "mazes")
    if name == "_state":  # the one shard was finished: it is kept for the next attempt
        assert "finished shards are kept" in str(caught.value)
        monkeypatch.undo()
        assert len(open_dataset(write_dataset(config(20), tmp_path / "mazes"))) == 20
        assert [path.name for path in tmp_path.iterdir()] == ["mazes"]
    else:
        assert "nothing was left behind" in str(caught.value)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_worker_that_dies_leaves_the_finished_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(tasks, workers: int, tell: Callable[[int], None]) -> None:
        for spec, seed, span, path, schema in tasks[:2]:
            shards.write_shard(path, schema, span.first, shards.generated_parts(spec, seed, *span), lambda num: None)
            tell(span.last - span.first)
        raise dataset_folder.WorkInterrupted("a worker process died")

    monkeypatch.setattr(dataset_writer, "_in_processes", dying)
    with pytest.raises(MazeRLError, match="a worker process died"):
        write_dataset(config(), tmp_path / "mazes", workers=2, shard=SHARD)
    assert len(list(unfinished_folder(tmp_path / "mazes").glob("*.arrow"))) == 2


def test_two_processes_do_not_write_the_same_dataset(tmp_path: Path) -> None:
    with dataset_folder.workplace(tmp_path / "mazes", {"num": 1}) as work:
        (work / "000000000000.arrow").write_text("somebody's work")
        with pytest.raises(ConfigurationError, match="another process is writing it"):
            write_dataset(config(20), tmp_path / "mazes")
        assert (work / "000000000000.arrow").exists()


def test_what_a_kill_left_of_work_that_is_not_resumed_is_in_nobodys_way(tmp_path: Path) -> None:
    mazes = generate(4, num=5)
    with pytest.raises(KeyboardInterrupt), dataset_folder.workplace(tmp_path / "mazes", None):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    left = unfinished_folder(tmp_path / "mazes")
    left.mkdir()
    (left / "request.json").write_text("null")
    (left / "000000000000.arrow").write_text("half")
    assert list(open_dataset(write_mazes(mazes, tmp_path / "mazes", "a test"))) == list(mazes)
    assert [path.name for path in tmp_path.iterdir()] == ["mazes"]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_dataset(config(20), tmp_path / "link")
    assert len(open_dataset(tmp_path / "real")) == 20
    assert (tmp_path / "link").is_symlink()


def test_an_impossible_specification_leaves_nothing_behind(tmp_path: Path) -> None:
    spec = spec_from_arguments(sizes=(3,), algorithm="dfs_percolation", percolation=1.0, min_path_length=5)
    with pytest.raises(ConfigurationError, match="no 3 x 3 dfs_percolation maze"):
        write_dataset(GenerationConfig(spec=spec, num=5), tmp_path / "mazes")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep me")
    for out in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ConfigurationError, match="is not an empty folder: choose another --out"):
            write_dataset(config(5), out)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "mazes").mkdir()
    assert len(open_dataset(write_dataset(config(5), tmp_path / "mazes"))) == 5


def test_a_parent_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MazeRLError, match="could not be written"):
        write_dataset(config(5), tmp_path / "file" / "mazes")


def test_a_worker_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="workers is 0"):
        write_dataset(config(5), tmp_path / "mazes", workers=0)


def test_mazes_that_exist_are_written_as_they_are(tmp_path: Path) -> None:
    mazes = generate((3, 5), num=90)
    stored = open_dataset(write_mazes(mazes, tmp_path / "mazes", "a notebook", shard=SHARD))
    assert list(stored) == list(mazes)
    assert "Brought in from a notebook" in (tmp_path / "mazes" / "README.md").read_text()
    assert (stored.table.column("index").to_numpy() == np.arange(90)).all()
    with pytest.raises(ConfigurationError, match="holds no mazes"):
        write_mazes(mazes.take(np.arange(0)), tmp_path / "none", "nothing")


def test_shards_begin_at_multiples() -> None:
    assert spans_of(0, 100, 40) == [Span(0, 40), Span(40, 80), Span(80, 100)]
    assert spans_of(50, 35, 40) == [Span(50, 80), Span(80, 85)]
    assert spans_of(80, 40, 40) == [Span(80, 120)]


def test_the_card_says_what_is_inside(whole: Path) -> None:
    card, manifest = (whole / "README.md").read_text(), open_dataset(whole).card
    for said in (
        "150 mazes: dfs_percolation, 3,4,7",
        "percolation 0.2",
        "seed\n3, indices 0 to 149",
        manifest["content"],
    ):
        assert said in card
    for name, count in {**manifest["splits"], **manifest["sizes"]}.items():
        assert f"| {name} | {count} |" in card
    assert card.startswith("---\npretty_name")
