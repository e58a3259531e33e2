"""A word on the error stream before kernels are compiled, which a fresh installation does once and takes its time."""

import sys
from typing import Any

_told = False


def announce_compiling() -> None:
    """Say so, once, as soon as a kernel is compiled that is not in numba's cache; call it when numba is imported."""
    if "numba" not in sys.modules:
        return
    from numba.core import event

    class Notice(event.Listener):
        def on_start(self, event: Any) -> None:
            global _told
            if not _told:
                _told = True
                print("maze-rl: compiling the kernels it needs (once; up to a minute) ...", file=sys.stderr, flush=True)

        def on_end(self, event: Any) -> None:
            pass

    if not _told:
        event.register("numba:compile", Notice())
