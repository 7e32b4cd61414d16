"""``synthetic``: the maker of run directories (benchmarks/synthetic.py), as a fixture."""

from __future__ import annotations

from types import ModuleType

import pytest

import benchmarks.synthetic


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module: make_run, Phone, Truth, layer, LAYERS."""
    return benchmarks.synthetic
