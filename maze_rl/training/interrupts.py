"""Ctrl-C while training: noted during a step, so that none is cut in half; heard at once in the waits between steps."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from maze_rl.displays.short_repr import Shown

AGAIN = 1.0
"""Seconds after which a second Ctrl-C no longer waits for the step in hand (one press may arrive twice)."""


class Interrupts(Shown):
    """Whether the training is asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._at_once, self._first = False, 0.0

    def hear(self, *_: object) -> None:
        """Note a Ctrl-C; in a wait, or where one was noted a while ago, raise it."""
        again = self.asked and time.monotonic() > self._first + AGAIN
        self._first = self._first if self.asked else time.monotonic()
        self.asked = True
        if self._at_once or again:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise Ctrl-C within, that which was noted before too: nothing that is done here is kept.

        Raises:
            KeyboardInterrupt: Ctrl-C.
        """
        self._at_once = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._at_once = False


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Yield what hears Ctrl-C from here on; outside the main thread nothing does."""
    heard = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return
    previous = signal.signal(signal.SIGINT, heard.hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, previous)
