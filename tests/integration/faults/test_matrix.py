"""Each fault's run ends as it should: exit code, what is said, records, settings, nothing left on the phone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from tests.integration.faults.entry import Entry, any_of
from tests.integration.faults.matrix import ENTRIES
from tests.integration.faults.page import Page
from tests.integration.faults.rehearsed import Rehearsed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]  # a command's own limit comes first


def _marks(entry: Entry) -> list[pytest.MarkDecorator]:
    return [] if entry.quick else [pytest.mark.faults]


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name, marks=_marks(entry)) for entry in ENTRIES])
def test_fault(bench: Any, phone: PhoneHandle, entry: Entry, page: Page) -> None:
    page.begin(entry)
    seen = Rehearsed(bench, phone, entry).see()
    print(seen.said)  # all of it, where the entry fails
    assert seen.code == entry.code, seen
    assert re.search(entry.says, seen.said), seen
    assert seen.records in any_of(entry.records), seen
    assert seen.settings in any_of(entry.settings), seen
    assert seen.resumed == entry.resume, seen
    assert seen.left == [], seen
    assert seen.missed == (), seen
    page.note(entry, seen)
