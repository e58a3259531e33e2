"""Ctrl-C ends a command wherever it arrives: where Python would drop it, and where a library wraps it."""

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOMENT = 0.05
"""Seconds until a dropped Ctrl-C is raised again, by when the finalizer that dropped it has returned."""


@contextmanager
def never_dropped() -> Iterator[None]:
    """Raise again, within, each Ctrl-C that Python drops: it only prints what is raised in a ``__del__`` or a callback.

    That is no rare accident. A signal is heard at the next step of the interpreter, and while it collects garbage,
    which takes long after the large imports, its steps are those of finalizers.
    """
    usual, timers = sys.unraisablehook, list[threading.Timer]()

    def again(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            usual(dropped)
            return
        timers.append(threading.Timer(MOMENT, _thread.interrupt_main))
        timers[-1].daemon = True
        timers[-1].start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = usual
        for timer in timers:
            timer.cancel()


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise, for an error that Ctrl-C caused, the Ctrl-C.

    Inside a compiled kernel it comes as a `SystemError`, at times several times over, and while a compiled module is
    loaded as an `ImportError`.

    Raises:
        KeyboardInterrupt: That of the chain of causes.
    """
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while isinstance(cause, Exception):
            cause = cause.__cause__
        if isinstance(cause, KeyboardInterrupt):
            raise cause from None
        raise
