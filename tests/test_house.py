"""The tools that keep the house in order: ruff, pyright and import-linter, each one a test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TOOLS = {
    "ruff check": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "--diff", "."],
    "pyright": ["-m", "pyright", "--pythonpath", sys.executable],
    # what the console script lint-imports calls; as -c it needs no activated environment
    "lint-imports": [
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])",
    ],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_is_content(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, *TOOLS[tool]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        # the pinned version is the one wanted: no look at the network for a newer one
        env=os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "NO_COLOR": "1"},
    )
    assert done.returncode == 0, f"{tool} found faults:\n{done.stdout}{done.stderr}"
