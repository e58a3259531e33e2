"""How many threads torch computes with: one for work in small steps, where threads cost more than they bring.

Threads wait for one another in every operation. In a walk, each of whose tokens passes through many small operations,
they mostly wait; and on a busy machine one that the system has put aside holds up all others. Whole pieces of work can
be shared out among threads: each is done by one, and comes out the same whoever does it.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Done = TypeVar("Done")


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
    (gradients, autocast, inference mode) is to be set in it.
    """
    if torch.device(device).type != "cpu":
        yield from map(work, items)
        return
    workers = min(torch.get_num_threads(), len(items))
    with one_thread():
        if workers <= 1:
            yield from map(work, items)
            return
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(work, items)
