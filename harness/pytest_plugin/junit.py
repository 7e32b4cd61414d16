"""JUnit of each device: what its tests ended with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.errors import HarnessError
from harness.export.text import plain
from harness.store.journal import write_atomically


@dataclass
class _Case:
    """A test. ``ending``: failure, error, skipped, or empty where it passed; the first failure counts."""

    properties: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    ending: str = ""
    why: str = ""
    output: str = ""


class JUnit:
    """A plugin that writes DIR/<device>.xml at the end of the session; tests of no device stand in none of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cases: dict[str, dict[str, _Case]] = {}  # by device and test
        self._began = datetime.now(UTC)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, call and tear-down of a test come one after another."""
        properties = {str(name): str(value) for name, value in report.user_properties}
        if "device" not in properties:
            return
        case = self._cases.setdefault(properties["device"], {}).setdefault(report.nodeid, _Case())
        case.properties = properties
        case.seconds += report.duration
        case.output = "\n".join(text for _, text in report.sections)
        if report.outcome != "passed" and case.ending in ("", "skipped"):
            failed = "failure" if report.when == "call" else "error"
            case.ending = failed if report.failed else "skipped"
            case.why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Writes the files; what cannot be written ends pytest with its code for a failed internal step."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for device, cases in self._cases.items():
                write_atomically(self._folder / f"{device}.xml", _text(device, cases, self._began))
        except (HarnessError, OSError) as error:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            print(f"--harness-junit {self._folder}: {error}")


def _text(device: str, cases: Mapping[str, _Case], began: datetime) -> bytes:
    endings = [case.ending for case in cases.values()]
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite = ElementTree.Element(
        "testsuite",
        {
            "name": plain(device),
            "hostname": plain(device),
            "timestamp": began.strftime("%Y-%m-%dT%H:%M:%S"),
            "tests": str(len(cases)),
            **{name: str(endings.count(ending)) for name, ending in counts.items()},
            "time": f"{sum(case.seconds for case in cases.values()):.3f}",
        },
    )
    for nodeid, case in cases.items():
        _case(suite, nodeid, case)
    every = ElementTree.Element("testsuites")
    every.append(suite)
    ElementTree.indent(every)
    body: bytes = ElementTree.tostring(every, "utf-8", xml_declaration=True)
    return body + b"\n"


def _case(suite: ElementTree.Element, nodeid: str, case: _Case) -> None:
    file, _, name = nodeid.removesuffix(f"@{case.properties['device']}").partition("::")  # a group of xdist
    head = {"classname": plain(file.removesuffix(".py").replace("/", ".")), "name": plain(name)}
    found = ElementTree.SubElement(suite, "testcase", {**head, "time": f"{case.seconds:.3f}"})
    properties = ElementTree.SubElement(found, "properties")
    for key, value in case.properties.items():
        ElementTree.SubElement(properties, "property", {"name": plain(key), "value": plain(value)})
    if case.ending:
        why = plain(case.why)
        ending = ElementTree.SubElement(
            found, case.ending, {"message": why.strip().splitlines()[-1] if why.strip() else ""}
        )
        ending.text = why
    if case.output.strip():
        ElementTree.SubElement(found, "system-out").text = plain(case.output)
