"""What a kill left behind of a file or folder that was being written: found by its name, and removed.

A temporary name is ``.NAME.XXXXXXXX.tmp``, and what it replaces ``.NAME.XXXXXXXX.old`` while it does. What is being
written at this moment, by another process too, is younger than an hour.
"""

import re
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

AN_HOUR = 3600.0
_NAME = re.compile(r"\.(.+)\.[0-9a-f]{8}\.(tmp|old)")


def temporary_name(path: Path, ending: str = "tmp") -> Path:
    """Return a name beside `path` that nothing has."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.{ending}")


def is_leftover(path: Path, name: str) -> bool:
    """Tell whether `path` is what a kill left of a file or folder called `name`."""
    found = _NAME.fullmatch(path.name)
    return found is not None and found[1] == name


def remove_leftovers(folder: Path, name: str | None = None, older_than: float = 0.0) -> None:
    """Remove what was not written to its end; what was there before, and had been put aside, takes its place again.

    Args:
        folder: Where to look; it may be missing.
        name: Of the file or folder that was being written; None for any, where nobody else writes.
        older_than: Seconds since it was last changed.
    """
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        found = _NAME.fullmatch(path.name)
        if found is None or name not in (None, found[1]):
            continue
        with suppress(OSError):
            if time.time() - path.stat().st_mtime < older_than:
                continue
            place = folder / found[1]
            if found[2] == "old" and not place.exists():
                path.replace(place)
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
