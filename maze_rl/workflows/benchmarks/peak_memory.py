"""Writes mazes to disk, then tells what it took as JSON on standard output: ``NUM SEED WORKERS FOLDER``.

A process of its own, since a parent's peak would show in what the system tells of a child; for the same reason the
workers are asked while they run, by their own records.
"""

import json
import multiprocessing
import sys
import threading
import time
from pathlib import Path

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.workflows.generate import generate_dataset

_POLL_SECONDS = 0.1


def peak_bytes(process: int | str = "self") -> int:
    """Return the largest resident size so far of a process; 0 where the system does not tell of another one."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        return int(line.split()[1]) * 1024
    if process != "self":
        return 0
    import resource

    # Linux, which counts in kilobytes, was handled above; macOS counts in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(num: str, seed: str, workers: str, folder: str) -> None:
    """Do the work of ``maze-rl generate --sizes 10 --num NUM --workers WORKERS`` and tell seconds and peaks."""
    done, peaks = threading.Event(), [0]

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            for child in multiprocessing.active_children():
                try:
                    peaks.append(peak_bytes(child.pid or 0))
                except OSError:  # it has just ended
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    config = GenerationConfig(spec=MazeSpec(sizes=(10,)), num=int(num), seed=int(seed))
    generate_dataset(config, Path(folder), workers=int(workers))
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    found = {"seconds": seconds, "parent": peak_bytes() / 1e6, "worker": max(peaks) / 1e6}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
