"""The other builds of a run, off its manifest, of which nothing is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from harness.model.calibration import BUILD_DIGITS
from harness.model.other_build import OtherBuild

_MOST = 100


def read_others(manifest: Mapping[str, Any]) -> list[OtherBuild]:
    """Those that were measured in the same rounds; what is none is left out."""
    found = manifest.get("against")
    return [other for value in found[:_MOST] for other in _other(value)] if isinstance(found, list) else []


def names_of(others: Iterable[OtherBuild]) -> dict[str, str]:
    """What they were asked for as, by what records call them; in order."""
    return {build: other.name for other in others for build in other.builds}


def beside(manifest: Mapping[str, Any], others: Iterable[OtherBuild], own: str) -> Sequence[str]:
    """What records call the other builds of a device whose own program they call ``own``, in order."""
    ids = {abi: built.get("build_id") for abi, built in _table(manifest.get("toolchain")).items()}
    abi = next((abi for abi, build_id in ids.items() if str(build_id)[:BUILD_DIGITS] == own), next(iter(ids), None))
    return [other.programs[abi].build for other in others if abi in other.programs]


def _table(value: object) -> dict[str, dict[str, Any]]:
    """Empty where it is none."""
    if isinstance(value, dict) and all(isinstance(built, dict) for built in value.values()):
        return value
    return {}


def _other(value: object) -> list[OtherBuild]:
    try:
        return [OtherBuild.model_validate(value)]
    except ValidationError:
        return []
