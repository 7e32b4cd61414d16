"""The command of each row: what it names, and that a shell takes it as it was meant."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import options
from harness.model.policy import load_policy, with_cache
from harness.model.suite import parse_algorithms, parse_faces
from harness.report.again import Again
from harness.report.writer import write_report
from harness.results.results import make_results

pytestmark = pytest.mark.unit


def commands(run: Path) -> list[dict[str, str]]:
    """Of all rows, by option; `suite` is the argument."""
    results = make_results(run)
    again = Again(results.run)
    found = []
    for row in results.rows:
        harness, name, suite, *words = shlex.split(again.command(row))
        assert (harness, name) == ("harness", "run")
        flags = [word for word in words if word == "--aa"]
        words = [word for word in words if word != "--aa"]
        pairs = {**dict(zip(words[::2], words[1::2], strict=True)), **dict.fromkeys(flags, "")}
        assert all(option.startswith("--") for option in pairs)
        found.append({"suite": suite, **pairs, "row": row.key.variant})
    return found


def test_each_row_is_named_in_full(synthetic: ModuleType, tmp_path: Path) -> None:
    phone = synthetic.Phone(clusters=(("4-7", "", 2803), ("8", "", 2900)), faces=True, threads=(1, 4))
    run = synthetic.make_run(tmp_path / "run", [phone], launches=1, rounds=1)
    results = make_results(run)
    found = commands(run)
    for row, command in zip(results.rows, found, strict=True):
        assert (command["--device"], command["--clusters"]) == ("pixel-3", row.key.cluster)
        assert (command["--layers"], command["--cache"]) == (row.key.layer, row.key.cache)
        assert options.threads_of(command.get("--threads")) == (row.key.threads,)
        assert command["--policy"] == "default" and parse_faces(command["--faces"]) == ("published",)
        asked = parse_algorithms(command["--algorithms"])
        assert asked[0] == row.key.what.asked
        assert set(asked[1:]) >= {
            row.partners[other].key.what.asked for other in ("im2col", "direct") if row.ratio(other)
        }
        with_cache(load_policy(command["--policy"]), command["--cache"])
    best = next(c for c in found if c["row"].startswith("indirect/neon_8x8+regions") and c["--layers"] == "conv2_3x3")
    assert best["--algorithms"] == "indirect/best,im2col/best,indirect"
    skipped = next(c for c in found if c["row"].startswith("direct/") and c["--layers"] == "conv2_3x3")
    assert skipped["--algorithms"] == "direct"


def edit(run: Path, **changes: Any) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | changes))


def test_what_the_user_named_is_quoted_and_escaped(synthetic: ModuleType, tmp_path: Path) -> None:
    nasty = "a b/$(reboot)'<i>&.yaml"
    run = synthetic.make_run(tmp_path / "run", launches=1, rounds=1)
    edit(
        run,
        given={"suite": nasty, "policy": "./p q.yaml", "tuned": "t;x"},
        allow=["HOT"],
        abi="arm64-v8a",
        toolchain_asked="zig",
    )
    command = commands(run)[0]
    assert (command["suite"], command["--policy"], command["--tuned"]) == (nasty, "./p q.yaml", "t;x")
    assert (command["--allow"], command["--abi"], command["--toolchain"]) == ("HOT", "arm64-v8a", "zig")
    page = write_report(run).report.read_text()
    shown = re.findall(r"<details><summary>again</summary><code>(.*?)</code></details>", page)
    assert nasty not in page and len(shown) == len(re.findall(r"<tr[ >](?:(?!<tr)[\s\S])*?<summary>again", page)) > 10
    assert all(shlex.split(html.unescape(text))[2] == nasty for text in shown)


def test_a_calibration_is_measured_again_as_a_run_of_its_suite_with_a_pair(
    synthetic: ModuleType, tmp_path: Path
) -> None:
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(aa=1.0)], launches=1, rounds=1)
    edit(run, suite={"name": "calibrate-paper"}, given={"suite": "paper", "policy": "quick"}, aa=True)
    results = make_results(run)
    copies = [row for row in results.rows if row.key.what.is_copy]
    assert copies
    for row, command in zip(results.rows, commands(run), strict=True):
        assert (command["suite"], command["--policy"], command["--aa"]) == ("paper", "quick", "")
        assert parse_algorithms(command["--algorithms"])[0] == row.key.what.asked


def test_beside_other_builds_a_row_is_measured_again_in_their_rounds(synthetic: ModuleType, tmp_path: Path) -> None:
    others = [synthetic.Other(), synthetic.Other("./old build", "e" * 12)]
    run = synthetic.make_run(tmp_path / "run", [synthetic.Phone(others=others)], launches=1, rounds=1)
    revision, program = json.loads((run / "manifest.json").read_text())["against"]
    kinds = [revision | {"kind": "revision", "source": "1a" * 20}, program | {"kind": "folder", "source": "/x"}]
    edit(run, against=kinds, aa=True)
    results = make_results(run)
    again = Again(results.run)
    for row in results.rows:
        words = shlex.split(again.command(row))
        named = [words[n + 1] for n, word in enumerate(words) if word == "--against"]
        assert named == ["1a1a1a1a1a1a", "./old build"] and "--aa" not in words  # the commit: HEAD~1 moves
    page = write_report(run).report.read_text()
    assert "<code>harness compare RUN</code>" in page and 'href="compare.html"' not in page
    (run / "compare.html").write_text("")
    assert '<a href="compare.html">' in write_report(run).report.read_text()


@pytest.mark.parametrize("aa", [False, None, "yes", 1], ids=repr)
def test_without_a_pair_none_is_asked_for(synthetic: ModuleType, tmp_path: Path, aa: Any) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=1, rounds=1)
    edit(run, aa=aa)
    assert not any("--aa" in command for command in commands(run))


@pytest.mark.parametrize("given", [None, 3, {"suite": 5}, ["x"], {}])
def test_a_manifest_that_tells_less(synthetic: ModuleType, tmp_path: Path, given: Any) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=1, rounds=1)
    edit(run, given=given, workers=[7, {"name": "x"}], allow="HOT", algorithms=None)
    assert {command["suite"] for command in commands(run)} <= {"quick", "5"}


def test_no_serial_number_is_in_it(synthetic: ModuleType, tmp_path: Path) -> None:
    run = synthetic.make_run(tmp_path / "run", launches=1, rounds=1)
    edit(run, given={"suite": "8A9X0SERIAL.yaml"})
    assert all("8A9X0SERIAL" not in command["suite"] for command in commands(run))
