"""Ctrl-C while training: noted in a step, raised in a wait, and a second one is not put off."""

import os
import signal

import pytest

from maze_rl.training import interrupts as module
from maze_rl.training.interrupts import interrupts


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_in_a_step_it_is_noted() -> None:
    with interrupts() as heard:
        press()
        press()  # one press may arrive twice
        assert heard.asked
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_a_wait_it_is_raised() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts() as heard, heard.at_once():
        press()
        pytest.fail("the wait went on")


def test_one_noted_before_a_wait_is_raised_there() -> None:
    with interrupts() as heard:
        press()
        with pytest.raises(KeyboardInterrupt), heard.at_once():
            pytest.fail("the wait began")


def test_a_second_one_later_ends_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", -1.0)
    with interrupts() as heard:
        press()
        assert heard.asked
        with pytest.raises(KeyboardInterrupt):
            press()
