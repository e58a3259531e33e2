"""What tests of several layers share."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes on a busy machine says nothing of what it tests.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session")
def load_script() -> Callable[..., ModuleType]:
    """Return a function that loads a script, of `experiments/` where no other folder is named, as a module."""

    def load(name: str, folder: str = "experiments") -> ModuleType:
        path = Path(__file__).parents[1] / folder / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def read_page(load_script: Callable[..., ModuleType]) -> Callable[[str], Any]:
    """Return a function that reads what a notebook is shown: it must be well-formed; `text` is what a reader sees."""
    return load_script("notebook_outputs", "tests").read_page


@pytest.fixture
def closed_figures() -> Iterator[None]:
    """Close the figures that pyplot was asked for."""
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")
