"""Who a device is, from its properties (phones) or the files of this machine. Pure functions; nothing is trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.devices.base import Identity
from harness.devices.number import number

BOOT_ID = "/proc/sys/kernel/random/boot_id"
KERNEL_ARCH = "/proc/sys/kernel/arch"  # since Linux 6.1; user-mode emulators leave it as it is
LOCAL_FILES = (
    "/proc/cpuinfo",
    "/sys/class/dmi/id/product_name",
    "/sys/class/dmi/id/sys_vendor",
    KERNEL_ARCH,
    BOOT_ID,
)
_LONGEST = 256
_LARGEST_PAGE = 1 << 30
_FAMILIES = (("x86", r"x86_64|amd64|i[3-6]86"), ("Arm", r"aarch64.*|arm.*"))
_IN_CPUINFO = (("x86", r"vendor_id\s*:"), ("Arm", r"CPU implementer\s*:"))
_PROPERTY = re.compile(r"\[([^\]\n]+)\]: \[")


def boot_id_in(files: Mapping[str, bytes | None]) -> str:
    """The boot id among files that were read; empty where it could not be."""
    return (files[BOOT_ID] or b"").decode("utf-8", "replace").strip()


def parse_properties(text: str) -> dict[str, str]:
    """The output of ``getprop``: lines ``[key]: [value]``; values may hold line breaks."""
    found: dict[str, str] = {}
    key, lines = "", [""]
    for line in text.split("\n"):
        if not key:
            if (begin := _PROPERTY.match(line)) is None:
                continue
            key, lines = begin[1], []
            line = line[begin.end() :]  # noqa: PLW2901
        if (whole := line.removesuffix("\r")).endswith("]"):
            found[key] = "\n".join([*lines, whole[:-1]])
            key = ""
        else:
            lines.append(line)
    return found


def phone(
    serial: str,
    host: str,
    properties: Mapping[str, str],
    *,
    adb: str = "",
    kernel: str = "",
    page_size: str = "",
    boot_id: str = "",
) -> Identity:
    """The identity of a phone; ``page_size`` is the output of getconf, 4096 where it is none."""

    def first(*names: str) -> str:
        return next((_clean(properties[name]) for name in names if _clean(properties.get(name, ""))), "")

    return Identity(
        serial=serial,
        kind="adb",
        model=first("ro.product.model", "ro.product.name", "ro.product.device"),
        manufacturer=first("ro.product.manufacturer", "ro.product.brand"),
        soc=first("ro.soc.model", "ro.board.platform", "ro.hardware"),
        android=first("ro.build.version.release"),
        sdk=number(first("ro.build.version.sdk"), 0, 10_000) or 0,
        abis=tuple(abi for abi in first("ro.product.cpu.abilist", "ro.product.cpu.abi").split(",") if abi),
        fingerprint=first("ro.build.fingerprint"),
        kernel=_clean(kernel),
        page_size=number(page_size, 1, _LARGEST_PAGE) or 4096,
        boot_id=_clean(boot_id),
        serialno=first("ro.serialno", "ro.boot.serialno"),
        board=first("ro.product.board", "ro.board.platform"),
        emulated="1" in (first("ro.boot.qemu"), first("ro.kernel.qemu")),
        host=host,
        adb=adb,
    )


def local(files: Mapping[str, bytes | None], *, machine: str, kernel: str, page_size: int) -> Identity:
    """The identity of this machine from LOCAL_FILES."""

    def text(path: str) -> str:
        return (files.get(path) or b"").decode("utf-8", "replace")

    names = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text("/proc/cpuinfo"), re.MULTILINE)
    soc = _clean(names[1]) if names else machine
    return Identity(
        serial="local",
        kind="local",
        model=_clean(text("/sys/class/dmi/id/product_name")),
        manufacturer=_clean(text("/sys/class/dmi/id/sys_vendor")),
        soc=soc,
        board=soc,
        abis=(machine,),
        kernel=_clean(kernel),
        page_size=page_size,
        boot_id=_clean(text(BOOT_ID)),
        emulated=_is_emulated(machine, text(KERNEL_ARCH), text("/proc/cpuinfo")),
    )


def _is_emulated(machine: str, arch: str, cpuinfo: str) -> bool:
    """Whether programs are for another family of CPUs than the kernel, so that something translates them.

    An older kernel tells by its /proc/cpuinfo alone, which QEMU writes anew since its version 8.2.
    """
    ours = next((name for name, known in _FAMILIES if re.fullmatch(known, machine.lower())), "")
    theirs = next((name for name, known in _FAMILIES if re.fullmatch(known, arch.strip().lower())), "")
    theirs = theirs or next((name for name, line in _IN_CPUINFO if re.search(f"^{line}", cpuinfo, re.MULTILINE)), "")
    return bool(ours and theirs) and ours != theirs


def mac(values: Mapping[str, str], *, machine: str, kernel: str, page_size: int) -> Identity:
    """The identity of this machine, a Mac, from what sysctl tells (harness.devices.perflevels)."""
    soc = _clean(values.get("machdep.cpu.brand_string", "")) or machine
    return Identity(
        serial="local",
        kind="local",
        model=_clean(values.get("hw.model", "")),
        manufacturer="Apple",
        soc=soc,
        board=soc,
        abis=(machine,),
        kernel=_clean(kernel),
        page_size=page_size,
        boot_id=_clean(values.get("kern.bootsessionuuid", "")),
    )


def _clean(value: str) -> str:
    """One line of bounded length, without control characters."""
    return "".join(c for c in value.strip() if c.isprintable())[:_LONGEST]
