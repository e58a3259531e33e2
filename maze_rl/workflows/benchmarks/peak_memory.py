"""Writes mazes to disk, then its own peak memory in MB to standard output: ``NUM SEED FOLDER``.

A process of its own, since a parent's peak would show in what the system tells of a child.
"""

import sys
from pathlib import Path

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.workflows.generate import generate_dataset

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """Return the largest resident size of this process so far."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    # Linux, which counts in kilobytes, was handled above; macOS counts in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(num: str, seed: str, folder: str) -> None:
    """Do the work of ``maze-rl generate --sizes 10 --num NUM --seed SEED --out FOLDER`` and tell the peak."""
    generate_dataset(GenerationConfig(spec=MazeSpec(sizes=(10,)), num=int(num), seed=int(seed)), Path(folder))
    sys.stdout.write(f"{peak_bytes() / 1e6}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
