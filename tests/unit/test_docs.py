"""README, CONTRIBUTING and docs/: what they name is there, and the formats are told whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from harness.compare.checks import NAMES
from harness.compare.comparison import COMPARE_COLUMNS
from harness.exit_codes import ExitCode
from harness.export.formats import FORMATS as EXPORTS
from harness.history.columns import OF_ROW, OF_RUN
from harness.judge.decision import DECISIONS
from harness.judge.reason import Reason
from harness.model.condition import KINDS
from harness.model.layer import Layer
from harness.model.policy import PhoneSettings, Policy
from harness.model.sustained import Sustained
from harness.model.worker import OURS, Worker
from harness.results.baseline import BASELINE_COLUMNS
from harness.results.categories import CATEGORY_COLUMNS
from harness.results.columns import RESULT_COLUMNS
from harness.results.faces import FACE_COLUMNS
from harness.results.methods import METHOD_COLUMNS
from harness.results.series import SERIES_COLUMNS, WINDOW_COLUMNS
from harness.results.verdicts import VERDICT_COLUMNS
from harness.results.workers import WORKER_COLUMNS
from harness.store import records

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
CONDITIONS = (ROOT / "docs" / "conditions.md").read_text()
FORMATS = "\n".join(
    (ROOT / "docs" / f"{name}.md").read_text() for name in ("formats", "comparing", "exports", "bundles", "history")
)
ROOMS = r"(?:harness|native|ndk|configs|reports|benchmarks|tests|docs|requirements)"


def anchors(page: Path) -> set[str]:
    """What its headings are linked by: in lower case, spaces as hyphens, without other signs."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_are_there(page: Path) -> None:
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    for link, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", text):
        missing += [f"{link}#{anchor}"] * (anchor not in anchors(page.parent / link if link else page))
    files = re.findall(rf"(?<![\w/.-]){ROOMS}/[\w/.-]*\w/?", text)
    missing += [name for name in files if not (ROOT / name).exists()]
    assert missing == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_conditions_tell_the_table_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (yes|no) \| (.+?) \| (.+?) \| (.+?) \|$", CONDITIONS, re.MULTILINE)
    told = {name: (stops == "yes", why, remedy.replace("`", "")) for name, stops, _, why, remedy in rows}
    assert len(rows) == len(told)
    assert told == {name: (kind.stops, kind.why, kind.remedy) for name, kind in KINDS.items()}


def test_phones_has_each_condition_in_its_order_once_and_no_remedy_again() -> None:
    text = (ROOT / "docs" / "phones.md").read_text()
    _, _, table = text.partition("## Before the first run")
    assert sorted(re.findall(r"`([A-Z][A-Z0-9_]+)`", table)) == sorted(KINDS)
    assert not [name for name, kind in KINDS.items() if kind.remedy in text or kind.why in text]


def test_formats_tell_every_exit_code_record_column_and_policy_key() -> None:
    kinds = [get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(records.Record)[0])]
    codes = [str(int(code)) for code in ExitCode]
    named = {*re.findall(r"\w+", FORMATS), *re.findall(r"[\w-]+", FORMATS)}
    ends = ("_low", "_high")  # told once for all ratios
    columns = [*RESULT_COLUMNS, *CATEGORY_COLUMNS, *FACE_COLUMNS, *BASELINE_COLUMNS, *WORKER_COLUMNS, *VERDICT_COLUMNS]
    columns += METHOD_COLUMNS
    columns += [*SERIES_COLUMNS, *WINDOW_COLUMNS]
    columns += [*COMPARE_COLUMNS, *DECISIONS, *NAMES]
    words = [*kinds, *codes, *(name for name in columns if not name.endswith(ends))]
    words += [
        *Worker.model_fields,
        *OURS,
        *Policy.model_fields,
        *PhoneSettings.model_fields,
        *Sustained.model_fields,
        *Layer.model_fields,
    ]
    words += [str(reason.name) for reason in Reason]
    words += [*OF_RUN, *OF_ROW]
    assert [word for word in words if word not in named and word != "name"] == []
    assert all(f"| `{name}` |" in FORMATS for name in EXPORTS)
