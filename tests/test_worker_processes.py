"""Worker processes end with the first one: at once, or after they saved their work."""

import multiprocessing
import time
from pathlib import Path

import pytest

from maze_rl.worker_processes import interruptible, worker_processes


def work_for_long(mark: Path) -> None:
    try:
        with interruptible():
            mark.with_suffix(".begun").touch()
            time.sleep(60)
    except KeyboardInterrupt:
        mark.touch()


def wait_for(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert path.exists()


@pytest.mark.parametrize(("patience", "saved"), [(0.0, False), (10.0, True)])
def test_an_interrupt_ends_the_workers(patience: float, saved: bool, tmp_path: Path) -> None:
    mark, others, begun = tmp_path / "saved", multiprocessing.active_children(), 0.0
    with pytest.raises(KeyboardInterrupt), worker_processes(1, patience=patience) as pool:
        pool.submit(work_for_long, mark)
        pool.submit(work_for_long, tmp_path / "next")
        wait_for(mark.with_suffix(".begun"))
        begun = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 5
    assert mark.exists() == saved
    assert not (tmp_path / "next.begun").exists(), "what had not begun does not begin"
    assert multiprocessing.active_children() == others


def test_workers_give_their_results() -> None:
    with worker_processes(1) as pool:
        assert pool.submit(sum, (1, 2)).result() == 3
