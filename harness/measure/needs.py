"""What a program needs of the device that is to run it, read off its file: machine, interpreter, libraries."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.model.wording import printable
from harness.model.worker import Worker
from harness.toolchain.elf import noted_protocol

_ELF, _SCRIPT = b"\x7fELF", b"#!"
_LONGEST_LINE = 256  # of a script's first one, as in Linux
_LONGEST_SCRIPT = 1 << 20
# As native/workers/worker.py has it.
_TOLD = re.compile(rb"^PROTOCOL = (\d{1,9})  # of convbench workers\b", re.MULTILINE)
# Of an ELF header's e_machine, as people call it.
_MACHINES = {"EM_AARCH64": "arm64", "EM_ARM": "arm", "EM_X86_64": "x86-64", "EM_386": "x86", "EM_RISCV": "RISC-V"}


@dataclass(frozen=True)
class Needs:
    """Of one file. A script has a ``command``; an ELF file has the rest; what is neither needs nothing."""

    command: tuple[str, ...] = ()  # the interpreter of a script and its words: /usr/bin/env, python3
    machine: str = ""  # EM_AARCH64
    bits: int = 0
    interpreter: str = ""  # of a dynamically linked program: its loader
    libraries: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()  # where it looks for them itself (RUNPATH), absolute ones
    looks_beside: bool = False  # $ORIGIN is among them
    protocol: str = ""  # of workers, where the file tells it: by a note, or a script's line

    @property
    def machine_name(self) -> str:
        """``64-bit arm64``."""
        return f"{self.bits}-bit {_MACHINES.get(self.machine, self.machine)}"


def needs_of(worker: Worker) -> list[tuple[Path, Needs]]:
    """The needs of a worker's program, then of its files.

    Raises UsageError where the program is nothing that runs, or a file cannot be read.
    """
    runs = os.access(worker.program, os.X_OK)
    found = []
    for path in worker.every:
        what = f"worker {worker.name}: {printable(path)}"
        try:
            with path.open("rb") as stream:
                text = stream.read(_LONGEST_SCRIPT)
            needs = _elf(path) if text.startswith(_ELF) else _script(text)
        except OSError as error:
            raise UsageError(f"{what}: cannot be read: {error.strerror or error}", "mend its permissions") from error
        except Exception as error:  # pyelftools meets a damaged file with errors of every kind
            raise UsageError(
                f"{what}: not a whole ELF file ({error or type(error).__name__})", "build it again"
            ) from None
        if path is worker.program:
            if not runs and not needs.command:
                raise UsageError(f"{what}: is not executable: it has no x bit, and no #! line", f"chmod +x {path}")
            if not needs.command and not needs.machine:
                raise UsageError(
                    f"{what}: is neither an ELF program nor a script with a #! line",
                    "name a program that Linux can start",
                )
        found.append((path, needs))
    return found


def _script(text: bytes) -> Needs:
    told = _TOLD.search(text)
    protocol = told[1].decode() if told else ""
    if not text.startswith(_SCRIPT):
        return Needs(protocol=protocol)
    line = text[len(_SCRIPT) : _LONGEST_LINE].partition(b"\n")[0].decode("utf-8", "replace")
    interpreter, _, words = line.strip(" \t").partition(" ")
    return Needs(command=(interpreter, *words.split()) if interpreter else (), protocol=protocol)


def _elf(path: Path) -> Needs:
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  a tenth of a second, for runs with workers alone

    with path.open("rb") as stream:
        elf: Any = ELFFile(stream)
        segments = list(elf.iter_segments())
        tags = [tag for segment in segments if segment["p_type"] == "PT_DYNAMIC" for tag in segment.iter_tags()]
        return Needs(
            machine=str(elf.header["e_machine"]),
            bits=int(elf.elfclass),
            interpreter=next((s.get_interp_name() for s in segments if s["p_type"] == "PT_INTERP"), ""),
            libraries=tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            folders=tuple(folder for folder in _folders(tags) if folder.startswith("/")),
            protocol=noted_protocol(elf, segments),
            looks_beside=any(folder.rstrip("/.") in ("$ORIGIN", "${ORIGIN}") for folder in _folders(tags)),
        )


def _folders(tags: list[Any]) -> Iterator[str]:
    for tag in tags:
        if tag.entry.d_tag in ("DT_RUNPATH", "DT_RPATH"):
            text = tag.runpath if tag.entry.d_tag == "DT_RUNPATH" else tag.rpath
            yield from text.split(":")
