"""Processes that work for this one, and end with it: Ctrl-C stops all of them within a moment.

Ctrl-C in a terminal reaches every process. Here only the first hears it, and asks the others: those that have
something to save get a little time for it, see `interruptible`, and whoever still works then is ended as by a kill,
which files that are written whole or not at all survive.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Any

_asked = False
"""Whether this process is a worker that was asked to stop."""


class _Pool(ProcessPoolExecutor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As usual; the process that this may start ignores Ctrl-C from its first moment on."""
        with _deaf():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def worker_processes(
    num: int, begin: Callable[..., None] | None = None, arguments: Sequence[Any] = (), *, patience: float = 0.0
) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of fresh processes; where the block ends with an error or Ctrl-C, they end at once.

    Args:
        num: How many.
        begin: Called in each, with `arguments`, before its first job.
        arguments: Of `begin`.
        patience: Seconds a job in hand has to save its work, once it was asked to stop.
    """
    others = multiprocessing.active_children()
    # a forked process would inherit the locks of torch's threads
    pool = _Pool(num, multiprocessing.get_context("spawn"), begin, tuple(arguments))
    try:
        yield pool
    except BaseException:
        with _deaf():
            pool.shutdown(wait=False, cancel_futures=True)
            _end([process for process in multiprocessing.active_children() if process not in others], patience)
            pool.shutdown(wait=True)  # its thread notes that they have ended
        raise
    pool.shutdown(wait=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within, what asks a worker to stop raises, there and in the jobs after it: for a job that can save its work.

    Raises:
        KeyboardInterrupt: The first process was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    global _asked
    if _asked:  # one more job stands ready in each process, and cannot be called back
        raise KeyboardInterrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        _asked = multiprocessing.parent_process() is not None
        raise
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C within, and let the processes that are begun inherit that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(processes: Sequence[BaseProcess], patience: float) -> None:
    until = time.monotonic() + patience
    for process in processes if patience > 0 else ():
        with suppress(OSError, TypeError):  # it has ended by itself
            os.kill(process.pid, signal.SIGINT)  # type: ignore[arg-type]
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
