"""Two faces told apart: names of best and auto, choices that stay, dumps, and what is chosen for arm64 cores."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.store.records import Check, Error, Layer, Sample, Skip, parse_record

pytestmark = pytest.mark.native

BOTH = (
    *(("im2col", "default"), ("direct", "default"), ("indirect", "default")),
    *(("im2col", "best"), ("direct", "best"), ("indirect", "best"), ("auto", "default")),
)


@pytest.fixture
def variants(make_variant: Callable[..., str]) -> Callable[..., list[str]]:
    """`variants(ways, caches)`: a line for each algorithm and schedule in each cache mode."""

    def variants(ways: tuple[tuple[str, str], ...], caches: tuple[str, ...] = ("hot",)) -> list[str]:
        every = [(algorithm, schedule, cache) for cache in caches for algorithm, schedule in ways]
        return [make_variant(i, *one) for i, one in enumerate(every)]

    return variants


@pytest.fixture
def faces(plan: Any, variants: Callable[..., list[str]], make_layer: Callable[..., str]) -> Any:
    """A plan with both faces of a 3x3 and a 1x1 layer, two launches, both cache modes."""
    plan.layers = (make_layer("body", 14, 14, 16, 32), make_layer("point", 14, 14, 32, 48, kh=1, kw=1, pad=0))
    plan.variants = lambda: variants(BOTH, ("hot", "rotate"))
    plan.launches = 2
    plan.measure["launches"] = 2
    return plan


def verified(program: Path, plan: Any, folder: Path) -> tuple[int, list[Any]]:
    path = folder / "v.plan"
    path.write_text(plan.text())
    done = subprocess.run(
        [program, "verify", path, "--dump", folder / "dump"], capture_output=True, text=True, check=False
    )
    return done.returncode, [parse_record(line) for line in done.stdout.splitlines()]


def test_names_tell_the_faces_apart_and_stay(faces: Any, run: Callable[..., Any]) -> None:
    result = run(faces)
    assert result.code == 0, result.stderr
    samples = result.of(Sample)
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for s in samples:
        names[s.layer, s.asked].add(s.variant)
        ran = s.variant.removeprefix("auto/").replace("_", "/", 1) if s.asked == "auto" else s.variant
        assert ran.removesuffix("+best") == f"{s.algorithm}/{s.schedule}"
        assert s.schedule.partition("+")[0] == s.kernel
        assert s.method == "tiled"
        assert s.face == ("published" if re.fullmatch(r"(im2col|direct|indirect)/\w+", s.variant) else "best")
    assert all(len(found) == 1 for found in names.values())  # the same in both launches and cache modes
    assert {asked for layer, asked in names if layer == "point"} == {
        *("im2col", "direct", "indirect", "im2col/best", "direct/best", "indirect/best", "auto")
    }
    assert len(set.union(*(found for (layer, _), found in names.items() if layer == "point"))) == 7
    (auto,) = names["body", "auto"]
    (indirect,) = names["body", "indirect/best"]
    assert auto == "auto/" + indirect.replace("/", "_", 1).removesuffix("+best")
    assert auto.endswith("+regions") or "+regions+" in auto
    faces_on_record = {(record.variant, record.face) for record in samples}
    for record in (*result.of(Check), *result.of(Layer)):
        assert (record.variant, record.face) in faces_on_record
    assert {(s.layer, s.variant, s.face) for s in result.of(Skip) if not s.cache} == {
        ("body", "direct", "published"),
        ("body", "direct/best", "best"),
    }
    identities = [(s.launch, s.round, s.position, s.layer, s.variant, s.cache) for s in samples]
    assert len(set(identities)) == len(identities)


def test_dumps_of_both_faces_lie_side_by_side(
    faces: Any, variants: Callable[..., list[str]], convbench: Path, tmp_path: Path
) -> None:
    faces.variants = lambda: variants((*BOTH, ("naive", "default"), ("indirect", "scalar_4x4+regions+block3")))
    code, records = verified(convbench, faces, tmp_path)
    assert code == 0
    checks = [record for record in records if isinstance(record, Check)]
    assert len(checks) == 7 + 9
    for check in checks:
        file = tmp_path / "dump" / f"{check.layer}.{check.variant.replace('/', '.')}.output.npy"
        output = np.load(file)
        naive = np.load(tmp_path / "dump" / f"{check.layer}.naive.loops.output.npy")
        assert check.ok
        assert check.outputs == output.size
        np.testing.assert_allclose(output, naive, atol=1e-4)
    assert len(list((tmp_path / "dump").glob("*.output.npy"))) == len(checks)


def test_a_choice_that_changes_is_an_error(
    plan: Any,
    run: Callable[..., Any],
    variants: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = tmp_path / "fake-worker"
    script.write_text(f"#!{sys.executable} -S\n{Path(__file__).with_name('fake_worker.py').read_text()}")
    script.chmod(0o755)
    monkeypatch.setenv("BEHAVIOUR", "changes its mind")
    plan.exe, plan.launches = script, 2
    plan.variants = lambda: variants((("auto", "default"), ("im2col", "best"), ("indirect", "scalar_4x4")))
    result = run(plan)
    assert result.code == 3
    errors = result.of(Error)
    assert [(e.variant.partition("/")[0], e.face) for e in errors] == [("auto", "best"), ("im2col", "best")]
    assert all(
        re.fullmatch(r"the choice changed from (indirect|im2col)_fake\d+ to \1_fake\d+", e.reason) for e in errors
    )
    assert {s.face for s in result.of(Sample)} == {"published"}


def default_kernel(program: Path) -> str:
    info: dict[str, str] = json.loads(subprocess.check_output([program, "info"]))
    return info["default_kernel"]


def test_options_of_the_default_kernel(
    plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]], convbench: Path
) -> None:
    """`default+OPTIONS`; of face `published` where the plan says so. A kernel named with the same is the same."""
    default = default_kernel(convbench)
    ways = (("im2col", "default+pixels"), ("indirect", "default+block3+ahead"), ("im2col", f"{default}+pixels"))
    plan.variants = lambda: [line.replace("face=best", "face=published") for line in variants(ways)]
    result = run(plan)
    assert result.code == 0, result.stderr
    assert {(s.asked, s.variant, s.kernel, s.schedule, s.face) for s in result.of(Sample)} == {
        ("im2col/default+pixels", f"im2col/{default}+pixels", default, f"{default}+pixels", "published"),
        (
            *("indirect/default+block3+ahead", f"indirect/{default}+block3+ahead"),
            *(default, f"{default}+block3+ahead", "published"),
        ),
    }
    (skip,) = result.of(Skip)
    assert (skip.asked, skip.variant) == (f"im2col/{default}+pixels",) * 2
    assert "the same as variant 0" in skip.reason


def test_the_face_is_the_plan_s(plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]]) -> None:
    lines = variants((("im2col", "scalar_4x4"), ("im2col", "scalar_4x4")))
    plan.variants = lambda: [lines[0], lines[1].replace("face=published", "face=best")]
    result = run(plan)
    assert {(s.variant, s.face) for s in result.of(Sample)} == {
        *(("im2col/scalar_4x4", "published"), ("im2col/scalar_4x4+best", "best"))
    }


def test_a_depthwise_layer_says_its_method(
    plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]], make_layer: Callable[..., str]
) -> None:
    plan.layers = (make_layer("d", 14, 14, 32, 32, groups=32),)
    plan.variants = lambda: variants((("naive", "default"), ("indirect", "default"), ("indirect", "best")))
    methods = {s.asked: s.method for s in run(plan).of(Sample)}
    assert methods == {"naive": "naive", "indirect": "tiled", "indirect/best": "depthwise"}


def test_two_variants_that_run_the_same_are_one(
    plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]], convbench: Path
) -> None:
    default = default_kernel(convbench)
    plan.variants = lambda: variants((("im2col", "default"), ("im2col", default), ("im2col", "scalar_4x4")))
    result = run(plan)
    assert result.code == 0
    assert {s.variant for s in result.of(Sample)} == {f"im2col/{default}", "im2col/scalar_4x4"}
    (skip,) = result.of(Skip)
    assert skip.variant == f"im2col/{default}"
    assert "the same as variant 0" in skip.reason


@pytest.mark.parametrize(
    ("algorithm", "schedule"),
    [
        *(("indirect", "scalar_4x4+nonsense"), ("im2col", "scalar_4x4+regions"), ("indirect", "scalar_4x4+block0")),
        *(("indirect", "+regions"), ("naive", "best"), ("naive", "default+pixels"), ("im2col", "default+")),
    ],
)
def test_unknown_schedule_is_skipped_with_the_reason(
    plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]], algorithm: str, schedule: str
) -> None:
    plan.variants = lambda: variants(((algorithm, schedule),))
    result = run(plan)
    assert result.code == 0
    (skip,) = result.of(Skip)
    assert (skip.variant, skip.asked, skip.face) == (*[f"{algorithm}/{schedule}"] * 2, "best")
    assert (skip.algorithm, skip.method, skip.kernel, skip.schedule) == (algorithm, "", "", "")
    assert f"no kernel or schedule {schedule} in this build" in skip.reason
    assert not result.of(Sample)


def test_a_cpu_without_the_kernel(
    plan: Any,
    run: Callable[..., Any],
    variants: Callable[..., list[str]],
    convbench: Path,
    tmp_path: Path,
    need_tool: Callable[[str], str],
) -> None:
    """Asked for by name it is skipped with the reason; auto and best take what there is."""
    qemu = need_tool("qemu-x86_64-static")
    script = tmp_path / "old-cpu"
    script.write_text(f'#!/bin/sh\nexec {qemu} -cpu qemu64 {convbench} "$@"\n')
    script.chmod(0o755)
    plan.exe = script
    plan.variants = lambda: variants((("indirect", "avx512_6x64+regions"), ("indirect", "best"), ("auto", "default")))
    result = run(plan)
    assert result.code == 0, result.stderr
    (skip,) = result.of(Skip)
    assert (skip.variant, skip.reason) == (
        "indirect/avx512_6x64+regions",
        "indirect: this CPU lacks a feature that the kernel needs",
    )
    assert {s.kernel.partition("_")[0] for s in result.of(Sample)} == {"sse"}


def test_auto_chooses_its_schedule_itself(
    plan: Any, run: Callable[..., Any], variants: Callable[..., list[str]]
) -> None:
    plan.variants = lambda: variants((("auto", "scalar_4x4"),))
    result = run(plan)
    assert result.code == 2
    assert "schedule=scalar_4x4: algorithm=auto chooses it, write schedule=default" in result.stderr


def choices(program: Path, midr: str) -> dict[str, str]:
    found = json.loads(subprocess.check_output([program, "info", "--as-midr", midr]))
    assert int(found["midr"], 16) == int(midr, 16)
    return {layer["name"]: layer["choice"] for layer in found["layers"]}


def test_choices_for_arm64_cores(arm64_convbench: Path) -> None:
    """In-order cores get kernels made for them."""
    a53, a55, n1 = (choices(arm64_convbench, midr) for midr in ("410fd034", "0x412fd050", "413FD0C1"))
    for found in (a53, a55, n1):
        assert len(found) == 15
        assert all(re.fullmatch(r"(indirect|direct|im2col)_neon_\w+(\+\w+)*", choice) for choice in found.values())
        assert found["28 1x1 512-128"].startswith("direct_")
        assert "+regions" in found["28 3x3 128-128"]
    assert "_a53" in a53["56 3x3 64-64"]
    assert "_a55" in a55["56 3x3 64-64"]
    assert not any("_a5" in choice for choice in n1.values())


def test_choices_say_whose_kernels_they_are(convbench: Path) -> None:
    found = json.loads(subprocess.check_output([convbench, "info", "--as-midr", "410fd0b1"]))
    assert found["kernels"] == "x86_64"
    assert not any("neon" in layer["choice"] for layer in found["layers"])


@pytest.mark.parametrize("midr", ["zz", "", "0", "0x", "-1", "410fd034x", "1410fd034"])
def test_wrong_midr(convbench: Path, midr: str) -> None:
    done = subprocess.run([convbench, "info", "--as-midr", midr], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hexadecimal" in done.stderr
