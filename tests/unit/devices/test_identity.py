"""Identities from properties and files that nobody vouches for."""

from __future__ import annotations

import pytest

from harness.devices import identity

pytestmark = pytest.mark.unit


def test_properties_with_odd_values() -> None:
    text = "[a.b]: [c]\n[empty]: []\n[brackets]: [x [y] z]\n[lines]: [one\ntwo]\n[last]: [z]\r\n"
    assert identity.parse_properties(text) == {
        "a.b": "c",
        "empty": "",
        "brackets": "x [y] z",
        "lines": "one\ntwo",
        "last": "z",
    }


@pytest.mark.parametrize(
    ("properties", "soc"),
    [
        ({"ro.soc.model": "Tensor G3", "ro.board.platform": "zuma"}, "Tensor G3"),
        ({"ro.soc.model": "", "ro.board.platform": "msm8998", "ro.hardware": "taimen"}, "msm8998"),
        ({"ro.hardware": "samsungexynos8895"}, "samsungexynos8895"),
        ({}, ""),
    ],
)
def test_soc_falls_back(properties: dict[str, str], soc: str) -> None:
    assert identity.phone("S", "h:1", properties).soc == soc


@pytest.mark.parametrize(
    ("properties", "emulated"),
    [({"ro.boot.qemu": "1"}, True), ({"ro.kernel.qemu": "1"}, True), ({"ro.boot.qemu": "0"}, False), ({}, False)],
)
def test_emulated(properties: dict[str, str], emulated: bool) -> None:
    assert identity.phone("S", "h:1", properties).emulated is emulated


def test_hostile_values_become_one_bounded_line() -> None:
    one = identity.phone("S", "h:1", {"ro.product.model": "a\x1b[31m\nb\0" + "x" * 9999}, page_size="junk")
    assert one.model.startswith("a[31mb") and len(one.model) == 256
    assert one.page_size == 4096
    assert identity.phone("S", "h:1", {"ro.build.version.sdk": "²"}).sdk == 0


def test_page_size_of_the_phone() -> None:
    assert identity.phone("S", "h:1", {}, page_size="16384\n").page_size == 16384


def test_local_takes_the_processor_name() -> None:
    files = {"/proc/cpuinfo": b"processor\t: 0\nmodel name\t: AMD EPYC\n", identity.BOOT_ID: b"abc\n"}
    one = identity.local(files, machine="x86_64", kernel="6.1", page_size=4096)
    assert (one.soc, one.boot_id, one.abis, one.kind, one.host) == ("AMD EPYC", "abc", ("x86_64",), "local", "")
    assert identity.local({}, machine="aarch64", kernel="6.1", page_size=65536).soc == "aarch64"
