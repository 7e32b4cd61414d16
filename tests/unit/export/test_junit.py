"""JUnit XML, by the elements and attributes of its schemas (Ant's JUnit.xsd, Jenkins' junit-10.xsd)."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from harness.export import junit
from harness.export.subject import of_run
from harness.results.results import Results, make_results

pytestmark = pytest.mark.unit

# Required and further attributes; children by name in their order.
ATTRIBUTES = {
    "testsuites": ({"name"}, {"tests", "failures", "errors", "time"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "timestamp", "hostname"}, {"id", "skipped"}),
    "properties": (set(), set()),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, set()),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}
CHILDREN = {
    "testsuites": "(testsuite )*",
    "testsuite": "(properties )?(testcase )*",
    "properties": "(property )*",
    "testcase": "(properties )?(skipped |error |failure )?(system-out )?",
}


def check_schema(element: Element) -> None:
    required, further = ATTRIBUTES[element.tag]
    assert required <= set(element.attrib) <= required | further, element.tag
    children = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(CHILDREN.get(element.tag, ""), children), (element.tag, children)
    for key in {"tests", "failures", "errors", "skipped", "id"} & set(element.attrib):
        assert element.attrib[key].isdigit()
    if "time" in element.attrib:
        assert re.fullmatch(r"\d+(\.\d+)?", element.attrib["time"])
    if "timestamp" in element.attrib:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib["timestamp"])
    for child in element:
        check_schema(child)


@pytest.fixture
def tree(results: Results) -> Element:
    return ElementTree.fromstring("".join(junit.text(of_run(results))).encode())


def test_it_is_what_the_schemas_ask_for(tree: Element) -> None:
    check_schema(tree)


def test_three_states_are_kept_apart(tree: Element, results: Results) -> None:
    status_of = {entry.name: entry.status for entry in of_run(results).entries}
    told: dict[str, set[str]] = {}
    for case in tree.iter("testcase"):
        state = next((tag for tag in ("failure", "error", "skipped") if case.find(tag) is not None), "passed")
        told.setdefault(state, set()).add(status_of.get(case.attrib["name"], case.attrib["name"]))
    assert told == {
        "passed": {"ok"},
        "failure": {"wrong"},
        "error": {"error", "missing", "unjudged"},
        "skipped": {"skip", "device"},
    }


def test_suites_count_their_cases_and_the_whole_its_suites(tree: Element) -> None:
    for suite in tree:
        cases = suite.findall("testcase")
        counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        found = {key: sum(case.find(tag) is not None for case in cases) for key, tag in counts.items()}
        assert {key: int(suite.attrib[key]) for key in found} == found
        assert int(suite.attrib["tests"]) == len(cases)
    for key in ("tests", "failures", "errors"):
        assert int(tree.attrib[key]) == sum(int(suite.attrib[key]) for suite in tree)


def test_intervals_are_properties(tree: Element, results: Results) -> None:
    entries = {(entry.place, entry.name): entry for entry in of_run(results).entries}
    seen = 0
    for suite in tree:
        for case in suite.findall("testcase"):
            values = {item.attrib["name"]: item.attrib["value"] for item in case.iter("property")}
            if not values:
                continue
            entry = entries[(values["device"], values["cluster"], values["cache"]), case.attrib["name"]]
            assert values == {key: value for key, value in entry.columns.items() if value}
            seen += "ratio_im2col_low" in values
    assert seen > 0


def test_a_device_that_was_not_there_is_skipped_with_the_remedy(tree: Element) -> None:
    suite = tree[-1]
    skipped = suite.find("testcase/skipped")
    assert suite.attrib["name"] == "pixel-8" and skipped is not None
    assert (skipped.attrib["message"], skipped.text) == ("LOW_BATTERY at 5 %? <charge>", "charge it")


def test_texts_of_a_device_break_no_xml(tree: Element) -> None:
    (message,) = {element.attrib["message"] for element in tree.iter("error") if "crashed" in element.attrib["message"]}
    assert "<it>? crashed & burned (signal 11)" in message


def test_the_time_of_a_case_is_that_of_a_call(tree: Element, results: Results) -> None:
    row = next(row for row in results.rows if row.status == "ok")
    name = of_run(results).entries[row.number - 1].name
    case = next(case for case in tree.iter("testcase") if case.attrib["name"] == name)
    assert row.time is not None
    assert float(case.attrib["time"]) == pytest.approx(row.time.value / 1e9, rel=1e-5)


def test_a_suite_for_each_device_cluster_and_mode(two_phones: Path) -> None:
    tree = ElementTree.fromstring("".join(junit.text(of_run(make_results(two_phones)))).encode())
    check_schema(tree)
    assert [suite.attrib["name"] for suite in tree] == [
        f"{device}, CPUs 4-7, {cache}" for device in ("pixel-3", "virtual") for cache in ("rotate", "hot")
    ]
