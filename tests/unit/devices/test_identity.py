"""Identities from properties and files that nobody vouches for."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given

from harness.devices import identity
from harness.devices.base import as_json
from tests.mutation import mutated

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


X86, ARM = b"processor\t: 0\nvendor_id\t: GenuineIntel\n", b"processor\t: 0\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("machine", "arch", "cpuinfo", "emulated"),
    [
        ("aarch64", b"x86_64\n", X86, True),
        ("aarch64", b"x86_64\n", ARM, True),  # written anew by the emulator
        ("x86_64", b"aarch64\n", ARM, True),
        ("aarch64", None, X86, True),  # a kernel before 6.1
        ("aarch64", None, ARM, False),
        ("aarch64", b"aarch64\n", ARM, False),
        ("armv8l", b"aarch64\n", ARM, False),  # 32-bit programs of the same CPU
        ("x86_64", b"x86_64\n", X86, False),
        ("riscv64", b"x86_64\n", X86, False),  # not known
        ("x86_64", b"\xff\0 junk", None, False),
        ("x86_64", None, None, False),
    ],
)
def test_local_is_emulated_where_its_kernel_is_for_other_cpus(
    machine: str, arch: bytes | None, cpuinfo: bytes | None, emulated: bool
) -> None:
    files = {identity.KERNEL_ARCH: arch, "/proc/cpuinfo": cpuinfo}
    assert identity.local(files, machine=machine, kernel="6.1", page_size=4096).emulated is emulated


GETPROP = b"[ro.product.model]: [Pixel 3]\n[ro.build.version.sdk]: [31]\n[ro.serialno]: [8A9X]\n[a]: [one\ntwo]\r\n"


@given(mutated(GETPROP), mutated(b"4096\n", b"16384\n"))
def test_mutated_properties_make_an_identity_with_bounds(said: bytes, page_size: bytes) -> None:
    properties = identity.parse_properties(said.decode("utf-8", "replace"))
    one = identity.phone("S", "h:1", properties, page_size=page_size.decode("utf-8", "replace"))
    assert 0 <= one.sdk <= 10_000 and 1 <= one.page_size <= 1 << 30
    texts = [value for value in as_json(one).values() if isinstance(value, str)]
    assert all(text.isprintable() and len(text) <= 256 for text in [*texts, *one.abis])


@pytest.mark.parametrize("size", ["9" * 5000, "0", "-4096", "4096 junk"])
def test_a_page_size_that_is_none(size: str) -> None:
    assert identity.phone("S", "h:1", {"ro.build.version.sdk": "9" * 5000}, page_size=size).page_size == 4096


def test_properties_without_an_end_are_no_work() -> None:
    began = process_time()
    assert identity.parse_properties("[a]: [b\n" * 50_000) == {}
    assert process_time() - began < 5  # some 0.02 s; each line looked at to the end: minutes
