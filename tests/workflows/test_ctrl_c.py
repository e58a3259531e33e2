"""Ctrl-C is neither dropped in a finalizer nor hidden behind the error of a library."""

import gc
import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from maze_rl.cli import ctrl_c
from maze_rl.cli.main import run


class Finalized:
    """Hears the signal while it is finalized, as an object does that the garbage collector frees."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def wait() -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(0.01)


def test_what_a_finalizer_drops_is_raised_again() -> None:
    usual = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), ctrl_c.never_dropped():
        Finalized()
        gc.collect()
        wait()
        pytest.fail("the interrupt was dropped")
    assert sys.unraisablehook is usual


def test_nothing_is_raised_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctrl_c, "MOMENT", 0.3)
    with ctrl_c.never_dropped():
        Finalized()
    time.sleep(0.5)


class FailsOnce:
    def __init__(self, error: type[Exception]) -> None:
        self.error = error

    def __del__(self) -> None:
        raise self.error


def test_other_errors_of_finalizers_are_shown_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = list[type[BaseException]]()
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: shown.append(dropped.exc_type))
    with ctrl_c.never_dropped():
        FailsOnce(ZeroDivisionError)
    assert shown == [ZeroDivisionError]


def wrapped(*kinds: type[Exception], cause: BaseException) -> Exception:
    for kind in kinds:
        try:
            raise kind("a library failed") from cause
        except kind as error:
            cause = error
    assert isinstance(cause, Exception)
    return cause


@pytest.mark.parametrize("kinds", [(ImportError,), (SystemError, SystemError)])
def test_a_wrapped_interrupt_is_an_interrupt(kinds: tuple[type[Exception], ...]) -> None:
    with pytest.raises(KeyboardInterrupt, match="to go on"), ctrl_c.unwrapped():
        raise wrapped(*kinds, cause=KeyboardInterrupt("to go on"))


def test_other_errors_stay() -> None:
    with pytest.raises(ImportError, match="a library failed"), ctrl_c.unwrapped():
        raise wrapped(ImportError, cause=ValueError())


def test_a_command_that_was_interrupted_while_it_loads_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> ModuleType:
        raise wrapped(ImportError, cause=KeyboardInterrupt())

    monkeypatch.setattr(importlib, "import_module", load)
    assert run(["describe", "path_only"]) == 130
    assert capsys.readouterr().err == "maze-rl: stopped.\n"


INTERRUPTED = """
from maze_rl.cli import main as entry

def run(arguments):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 130

entry.run = run
entry.main([])
"""


def test_the_status_is_the_same_for_a_module_that_is_run(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    assert subprocess.run([sys.executable, "-m", "interrupted"], env=environment).returncode == 130
