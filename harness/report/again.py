"""The command that measures a row of results.csv again, safe to be pasted into a shell; no serial number is in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from harness.model.calibration import BUILD_DIGITS
from harness.model.other_build import OtherBuild
from harness.results.rows import COMPARED, PUBLISHED_FORM, Row
from harness.results.run import RunData


class Again:
    """Makes the commands of a run's rows; what they have in common is made once."""

    def __init__(self, run: RunData) -> None:
        self._given = _mapping(run.manifest.get("given"))
        self._policy = str(_mapping(run.manifest.get("policy")).get("name") or "default")
        self._manifest = run.manifest
        self._suite = run.suite or "quick"
        self._workers = dict(_workers(run.manifest))
        each = map(_mapping, _list(run.manifest.get("comparators")))
        self._comparators = {str(comparator.get("name")) for comparator in each}
        self._against = [_revision(other) or other.name for other in run.against]
        self._algorithms = [str(name) for name in _list(run.manifest.get("algorithms"))] or ["indirect"]
        self._once: dict[tuple[str, str, str, int], str] = {}

    def command(self, row: Row) -> str:
        """``harness run quick --device pixel-3 ... --layers conv1 --algorithms indirect,im2col``.

        The row's own algorithm stands first, behind it those that its ratios are over: without them there is no ratio.
        """
        key = row.key
        place = (key.device, key.cluster, key.cache, key.threads)
        if place not in self._once:
            self._once[place] = self._common(*place)
        words = ["--layers", key.layer, "--algorithms", ",".join(self._asked(row))]
        if row.is_foreign and (worker := self._workers.get(row.role)):
            words += ["--worker", worker]
        if row.is_foreign and row.role in self._comparators:
            words += ["--comparator", row.role]
        return f"{self._once[place]} {shlex.join(words)}"

    def _asked(self, row: Row) -> list[str]:
        others = COMPARED if not row.is_foreign else tuple(row.partners)
        partners = [row.partners[name] for name in others if name in row.partners]
        if row.is_best and not row.is_foreign:  # and its published form, which faces.csv compares it with
            partners += [partner for name, partner in row.partners.items() if name.startswith(PUBLISHED_FORM)]
        rows = [*([] if row.is_foreign else [row]), *partners]
        names = list(dict.fromkeys(each.key.what.asked for each in rows if not each.is_foreign))
        return names or self._algorithms[:1]

    def _common(self, device: str, cluster: str, cache: str, threads: int) -> str:
        suite, policy = self._given.get("suite") or self._suite, self._given.get("policy") or self._policy
        words = ["harness", "run", suite, "--device", device]
        words += ["--clusters", cluster] if cluster else []
        words += ["--cache", cache] if cache else []
        words += ["--threads", str(threads)] if threads != 1 else []
        words += ["--policy", policy, "--faces", "published"]  # those of face best are named one by one
        for name in self._against:  # which brings its own A/A pair
            words += ["--against", name]
        words += ["--aa"] if self._manifest.get("aa") is True and not self._against else []
        for option, value in (("tuned", self._given.get("tuned")), ("abi", self._manifest.get("abi"))):
            words += [f"--{option}", str(value)] if value else []
        toolchain = str(self._manifest.get("toolchain_asked") or "auto")
        words += ["--toolchain", toolchain] if toolchain != "auto" else []
        for name in _list(self._manifest.get("allow")):
            words += ["--allow", str(name)]
        return shlex.join(str(word) for word in words)


def _revision(other: OtherBuild) -> str:
    """The commit that it was: HEAD~1 is another one tomorrow. Empty for what is none."""
    return other.source[:BUILD_DIGITS] if other.kind == "revision" else ""


def _workers(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Values of --worker, by name."""
    found = []
    for each in map(_mapping, _list(manifest.get("workers"))):
        paths = [each.get("program"), *_list(each.get("files"))]
        found.append((str(each.get("name")), f"{each.get('name')}={','.join(map(str, paths))}"))
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
