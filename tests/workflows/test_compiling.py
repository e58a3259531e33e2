"""The word on the error stream before kernels are compiled: once, and only where one is."""

import numpy as np
import pytest
from numba import njit

from maze_rl.cli import compiling


def test_the_first_kernel_compiled_is_told_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "_told", False)
    kernel = njit(lambda values: values.sum())
    compiling.announce_compiling()
    assert capsys.readouterr().err == ""
    assert kernel(np.ones(3)) == 3.0
    captured = capsys.readouterr()
    assert captured.err.startswith("maze-rl: compiling the kernels it needs (once")
    assert (captured.err.count("\n"), captured.out) == (1, "")
    assert kernel(np.ones(3, np.int64)) == 3  # another kind of array is compiled for
    assert len(kernel.signatures) == 2
    assert capsys.readouterr().err == ""
