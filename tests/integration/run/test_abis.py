"""A phone of 32 bits and an emulator of x86-64 in one run: each has a program of its own, and the report says which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle
from harness.lab.root import EMULATORS, is_native

pytestmark = pytest.mark.integration

ABIS = {"moto-g-5": "armeabi-v7a", "sdk-gphone64-x86-64": "x86_64"}


@pytest.fixture(scope="module")
def phones(lab: Any, need_tool: Callable[[str], str]) -> Iterator[list[PhoneHandle]]:
    for abi in ABIS.values():
        if not is_native(abi):
            need_tool(EMULATORS[abi])
    with lab.phone("moto-g5") as old, lab.phone("android-emulator") as emulator:
        yield [old, emulator]


def test_each_phone_has_a_program_of_its_own(bench: Any, phones: list[PhoneHandle]) -> None:
    assert [bench.lab.shell(phone, "uname -m") for phone in phones] == ["armv7l", "x86_64"]
    serials = [argument for phone in phones for argument in ("--device", phone.serial)]
    done = bench("run", bench.suite("body", "point"), *serials, "--out", "run")
    assert done.code == 0, done.err
    assert bench.run.devices == list(ABIS)
    assert set(bench.run.manifest["toolchain"]) == set(ABIS.values())
    kernels = {}
    for name, abi in ABIS.items():
        assert {header["abi"] for header in bench.run.records("header", name)} == {abi}
        assert all(check["ok"] for check in bench.run.records("check", name))
        samples = bench.run.records("sample", name)
        kernels[name] = {sample["kernel"] for sample in samples}
        if name == "moto-g-5" or is_native(abi):  # where it is known of which CPU the program learns
            cpus = {header["cpu"] for header in bench.run.records("header", name)}
            assert {sample["cpu_before"] for sample in samples} <= cpus
    assert kernels["moto-g-5"] == {"neon_4x8"}
    assert kernels["sdk-gphone64-x86-64"] <= {"avx512_6x64", "avx2_6x16", "sse_4x8"}
    pointers = {r["pointer_bytes"] for r in bench.run.records("layer", "moto-g-5") if r["algorithm"] == "indirect"}
    assert 9 * 8 * 8 * 4 in pointers  # 9 taps of 8 x 8 pixels, of 32 bits each
    summary = (bench.run.path / "summary.md").read_text().replace("\\", "")
    assert re.search(r"Built for armeabi-v7a with zig [\d.]+, -O2 and for x86_64 with zig", summary)
    report = (bench.run.path / "report.html").read_text()
    assert all(f"<dt>ABI</dt><dd>{abi}</dd>" in report for abi in ABIS.values())
    assert "EMULATED" in report[report.index("<header") : report.index("</header>")]


@pytest.mark.parametrize(
    ("abi", "code", "said"),
    [("x86_64", 3, "the device does not run x86_64: its ABIs are armeabi-v7a, armeabi"), ("x86", 2, "not built yet")],
)
def test_an_abi_that_does_not_fit(bench: Any, phones: list[PhoneHandle], abi: str, code: int, said: str) -> None:
    done = bench("run", bench.suite(), "--device", phones[0].serial, "--abi", abi, "--out", "run")
    assert (done.code, said in done.err) == (code, True), done.err
