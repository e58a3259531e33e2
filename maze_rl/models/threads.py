"""How many threads torch computes with: one for work in small steps, where threads cost more than they bring.

Threads wait for one another in every operation. In a walk, each of whose tokens passes through many small operations,
they mostly wait; and on a busy machine one that the system has put aside holds up all others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes with one thread on the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
