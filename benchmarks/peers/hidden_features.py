"""Programs that take this machine for one without AVX-512.

AVX-512 may be used only where the system saves its registers, which a program asks with XGETBV: bits 5 to 7 of register
XCR0 (Intel's manual, volume 1, section 15.2). In a copy of the program that instruction gives way to one that answers
as a system with AVX2 at most does. So every library takes the way that it takes on a machine with AVX2, ours too, and
they can be compared on one that has more.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.constants import P_FLAGS
from elftools.elf.elffile import ELFFile

_XGETBV = b"\x0f\x01\xd0"
_ANSWER = b"\xb0\x07\x90"  # mov al, 7; nop: the system saves x87, SSE and AVX registers
_CPUID = b"\x0f\xa2"
_NEAR = 64  # bytes
# Of each peer the library that computes.
_ASKING = ("libtorch_cpu", "onnxruntime_pybind11_state", "ncnn", "libpywrap_litert_common")


def require(answers: Mapping[str, int]) -> None:
    """Raises ValueError where a peer's library never asked: its way to AVX-512 would still be open."""
    for name in _ASKING:
        if not any(library.startswith(name) for library in answers):
            raise ValueError(f"{name} was not seen to ask for AVX-512: it would use it where all others don't")


def hide_avx512(program: Path, out: Path) -> int:
    """Writes a copy that believes it; how many questions were answered. Raises OSError, and ValueError for none."""
    if "amx_tile" in Path("/proc/cpuinfo").read_text():
        raise ValueError("this CPU has AMX, which the answer leaves open")  # it is in bits that MOV AL doesn't reach
    data = bytearray(program.read_bytes())
    places = list(_questions(program, bytes(data)))
    if not places:
        raise ValueError(f"{program.name} never asks for AVX-512: there is nothing to hide")
    _write(out, data, places, program.stat().st_mode)
    return len(places)


def recipe() -> str:
    """Changes when this module does."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def hide_in_environment(venv: Path, out: Path) -> dict[str, int]:
    """A copy of a virtual environment (hard links) whose libraries believe it; the answers given in each.

    Raises OSError, e.g. where the disk is full.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(venv, out, symlinks=True, copy_function=os.link)
    found = {}
    for path in sorted(out.rglob("*.so*")):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        places = list(_questions(path, data)) if _XGETBV in data else []
        if places:
            mode = path.stat().st_mode
            path.unlink()  # the link, not the original
            _write(path, bytearray(data), places, mode)
            found[path.name] = len(places)
    return found


def _write(out: Path, data: bytearray, places: list[int], mode: int) -> None:
    for place in places:
        data[place : place + len(_ANSWER)] = _ANSWER
    out.write_bytes(data)
    out.chmod(stat.S_IMODE(mode))


def _questions(path: Path, data: bytes) -> Iterator[int]:
    """Where the file asks: the bytes alone may also be part of other instructions."""
    try:
        with path.open("rb") as file:
            segments = [(s["p_offset"], s["p_filesz"]) for s in ELFFile(file).iter_segments("PT_LOAD") if _runs(s)]
    except ELFError:
        return
    for start, size in segments:
        place = data.find(_XGETBV, start, start + size)
        while place >= 0:
            if _asks(data[max(place - _NEAR, 0) : place]):
                yield place
            place = data.find(_XGETBV, place + 1, start + size)


def _runs(segment: object) -> bool:
    return bool(segment["p_flags"] & P_FLAGS.PF_X)  # type: ignore[index]


def _asks(before: bytes) -> bool:
    """Whether what stands before sets ECX, the register asked for, or has CPUID in it, which always comes first."""
    sets_zero = before.endswith((b"\x31\xc9", b"\x33\xc9", b"\xb9\0\0\0\0"))  # xor ecx, ecx; mov ecx, 0
    copies = len(before) > 1 and (before[-2], before[-1] & 0xC7) == (0x89, 0xC1)  # mov ecx, REGISTER
    copies |= len(before) > 1 and (before[-2], before[-1] & 0xF8) == (0x8B, 0xC8)  # the same in other words
    return sets_zero or copies or _CPUID in before
