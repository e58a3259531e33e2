"""Work shared out among threads: outcomes in their order, one torch thread for each, errors told."""

import threading
import time

import pytest
import torch

from maze_rl.models.threads import side_by_side


@pytest.fixture(autouse=True)
def two_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_pieces_run_at_once_and_come_in_their_order() -> None:
    both_run = threading.Barrier(2, timeout=20)

    def work(item: int) -> tuple[int, int]:
        both_run.wait()  # passed only if two run at a time
        return item, torch.get_num_threads()

    assert list(side_by_side(work, range(6), "cpu")) == [(item, 1) for item in range(6)]
    assert torch.get_num_threads() == 2


def test_one_piece_takes_one_torch_thread_in_the_calling_thread() -> None:
    def work(item: int) -> tuple[int, bool]:
        return torch.get_num_threads(), threading.current_thread() is threading.main_thread()

    assert list(side_by_side(work, [0], "cpu")) == [(1, True)]
    assert list(side_by_side(work, [], "cpu")) == []


def test_errors_of_a_piece_are_raised() -> None:
    def work(item: int) -> float:
        return 1 / item

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(work, [1, 0, 2], "cpu"))
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_work_that_nobody_waits_for_ends(stop: type[BaseException]) -> None:
    both_run, ended = threading.Barrier(2, timeout=20), threading.Event()

    def work(item: int) -> None:
        if item < 2:
            both_run.wait()
        if item == 0:
            raise stop
        until = time.monotonic() + 30
        try:
            while time.monotonic() < until:
                torch.ones(1000).sum()
        except BaseException:
            ended.set()
            raise

    begun = time.monotonic()
    with pytest.raises(stop):
        list(side_by_side(work, [0, 1, 2], "cpu"))
    assert ended.is_set()
    assert time.monotonic() - begun < 20
    assert torch.get_num_threads() == 2
