"""Checks a program before it is pushed: machine, alignment, interpreter, build id, wholeness."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InfrastructureError

PAGE_SIZE = 16384  # of 64-bit phones; those of 32 bits have pages of 4 KiB
_SMALL_PAGE_SIZE = 4096
_OWNER, _PROTOCOL_BYTES = "convbench", 4  # of a worker's note
_REMEDY = "delete the build folder and build again; if it stays, the toolchain makes programs that phones cannot load"


def android_interpreter(bits: int) -> str:
    """Android's linker for programs of so many bits."""
    return "/system/bin/linker64" if bits == 64 else "/system/bin/linker"


@dataclass(frozen=True)
class ElfInfo:
    """What was read from a program; ``alignments`` of its PT_LOAD segments in bytes."""

    machine: str
    bits: int
    build_id: str
    interpreter: str
    alignments: tuple[int, ...]
    size: int
    protocol: str = ""  # of a worker, where a note tells it


def check(path: Path, *, machine: str, android: bool) -> ElfInfo:
    """Reads an ELF program and raises InfrastructureError, naming file and fault, unless it is fit to run.

    ``machine`` is the e_machine name ("EM_AARCH64"). ``android`` asks in addition for PT_LOAD segments aligned to
    16 KiB (of a 32-bit program: to 4 KiB) and no other interpreter than Android's linker.
    """
    try:
        info, fault = _read(path, machine, android)
    except OSError as error:
        raise InfrastructureError(f"{path}: cannot be read: {error.strerror or error}", _REMEDY) from None
    except Exception as error:  # pyelftools meets a damaged file with errors of every kind
        raise InfrastructureError(f"{path}: not a whole ELF file ({error or type(error).__name__})", _REMEDY) from None
    if fault:
        raise InfrastructureError(f"{path}: {fault}", _REMEDY)
    return info


def machine_of(path: Path) -> str:
    """The e_machine name of an ELF file; empty for what is none. Raises OSError."""
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  as below

    with path.open("rb") as stream:
        try:
            header: Any = ELFFile(stream).header
            return str(header["e_machine"])
        except Exception:  # pyelftools meets a damaged file with errors of every kind
            return ""


def _read(path: Path, machine: str, android: bool) -> tuple[ElfInfo, str]:
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  a tenth of a second, for one file

    size = path.stat().st_size
    with path.open("rb") as stream:
        elf: Any = ELFFile(stream)
        header = elf.header
        end = max(
            header["e_phoff"] + header["e_phnum"] * header["e_phentsize"],
            header["e_shoff"] + header["e_shnum"] * header["e_shentsize"],
        )
        if end > size:
            return _nothing(size), f"truncated: its headers end at byte {end}, the file at {size}"
        segments = list(elf.iter_segments())
        for segment in segments:
            last = segment["p_offset"] + segment["p_filesz"]
            if last > size:
                return _nothing(size), f"truncated: a segment ends at byte {last}, the file at {size}"
        loads = [segment for segment in segments if segment["p_type"] == "PT_LOAD"]
        info = ElfInfo(
            machine=str(header["e_machine"]),
            bits=int(elf.elfclass),
            build_id=_build_id(segments),
            interpreter=next((s.get_interp_name() for s in segments if s["p_type"] == "PT_INTERP"), ""),
            alignments=tuple(segment["p_align"] for segment in loads),
            size=size,
            protocol=noted_protocol(elf, segments),
        )
        skewed = any(s["p_align"] > 1 and (s["p_vaddr"] - s["p_offset"]) % s["p_align"] for s in loads)
        kind = str(header["e_type"])
    return info, _fault(info, kind, skewed, machine, android)


def _fault(info: ElfInfo, kind: str, skewed: bool, machine: str, android: bool) -> str:
    """The first fault found; empty for a program that is fit."""
    smallest = min(info.alignments, default=0)
    page_size = PAGE_SIZE if info.bits == 64 else _SMALL_PAGE_SIZE
    linker = android_interpreter(info.bits)
    faults = (
        (info.machine != machine, f"wrong machine: {info.machine} where {machine} is needed"),
        (
            kind not in ("ET_EXEC", "ET_DYN") or not info.alignments,
            f"not a program ({kind}, {len(info.alignments)} loadable segments)",
        ),
        (not info.build_id, "no build id (link with -Wl,--build-id=sha1)"),
        (skewed, "a loadable segment is not aligned as its header says"),
        (
            android and smallest < page_size,
            f"loadable segments aligned to {smallest} bytes: phones with {page_size >> 10} KiB pages need {page_size} "
            f"(link with -Wl,-z,max-page-size={page_size})",
        ),
        (
            android and info.interpreter not in ("", linker),
            f"interpreter {info.interpreter}: phones have {linker} only (or link statically)",
        ),
    )
    return next((text for wrong, text in faults if wrong), "")


def _build_id(segments: list[Any]) -> str:
    for segment in segments:
        if segment["p_type"] == "PT_NOTE":
            for note in segment.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return ""


def noted_protocol(elf: Any, segments: list[Any]) -> str:
    """The worker protocol that a program's note tells (native/bench/wire/protocol_note.c); empty where none does."""
    for segment in segments:
        if segment["p_type"] == "PT_NOTE":
            for note in segment.iter_notes():
                if note["n_name"] == _OWNER and note["n_descsz"] == _PROTOCOL_BYTES:
                    return str(int.from_bytes(note["n_descdata"], "little" if elf.little_endian else "big"))
    return ""


def _nothing(size: int) -> ElfInfo:
    return ElfInfo("", 0, "", "", (), size)
