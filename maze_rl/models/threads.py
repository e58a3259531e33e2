"""How many threads torch computes with: one for work in small steps, where threads cost more than they bring.

Threads wait for one another in every operation. In a walk, each of whose tokens passes through many small operations,
they mostly wait; and on a busy machine one that the system has put aside holds up all others. Whole pieces of work can
be shared out among threads: each is done by one, and comes out the same whoever does it.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Done = TypeVar("Done")


class Abandoned(BaseException):
    """Raised inside work whose outcome nobody waits for any more; no `Exception`, so that no work keeps it."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes with one thread on the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(work: Callable[[Item], Done], items: Sequence[Item], device: str | torch.device) -> Iterator[Done]:
    """Yield the outcomes of `work` on all items, in their order; on a CPU several at a time, a thread each.

    As many at a time as torch has threads. `work` runs in a thread of its own: what is set for a thread alone
    (gradients, autocast, inference mode) is to be set in it. Where one item fails, or the caller is interrupted, the
    others end at their next operation.
    """
    if torch.device(device).type != "cpu":
        yield from map(work, items)
        return
    workers = min(torch.get_num_threads(), len(items))
    with one_thread():
        if workers <= 1:
            yield from map(work, items)
            return
        at_work = set[int]()

        def noted(item: Item) -> Done:
            thread = threading.get_ident()
            at_work.add(thread)
            try:
                return work(item)
            finally:
                at_work.discard(thread)

        with ThreadPoolExecutor(workers) as pool:
            try:
                yield from pool.map(noted, items)
            except BaseException:
                _abandon(at_work)
                raise


def _abandon(threads: set[int]) -> None:
    """Raise `Abandoned` in threads, each at its next step in Python: a thread can be asked in no other way."""
    for thread in tuple(threads):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Abandoned))
