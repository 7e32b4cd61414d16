"""Stubs for the CUDA libraries that torch's wheel is linked against, so that gigabytes stay away.

Each library that is missing becomes an empty one of its name. One more holds every function that torch's libraries want
from them: those of C give 100 (CUDA's "no device"), those of C++ the address of zeros. libtorch_cuda.so is replaced as
well: it would register its kernels with CUDA. Nothing of this is called by a convolution on the CPU.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

_KEPT = (
    "libc10.so",
    "libc10_cuda.so",
    "libtorch_cpu.so",
    "libtorch.so",
    "libtorch_python.so",
    "libshm.so",
    "libtorch_global_deps.so",
)
_SYSTEM = re.compile(r"(lib(c|m|dl|pthread|rt|gcc_s|stdc\+\+)|ld-linux-x86-64)\.so")


def make(torch_lib: Path, out: Path) -> bool:
    """Writes the stubs for the libraries in ``torch_lib`` to ``out``; False where torch needs none (CPU build).

    Raises subprocess.CalledProcessError where the compiler fails.
    """
    kept = [torch_lib / name for name in _KEPT if (torch_lib / name).exists()]
    needed, wanted, there = _tables(kept)
    missing = sorted(name for name in needed - {p.name for p in kept} if not _SYSTEM.match(name))
    missing = [name for name in missing if not name.startswith("libgomp")]
    if "libtorch_cuda.so" not in missing:
        return False
    system = [ctypes.CDLL(name) for name in needed if _SYSTEM.match(name) and not name.startswith("ld-")]
    gomp = next(torch_lib.glob("libgomp*"), None)
    system += [ctypes.CDLL(str(gomp))] if gomp else []
    symbols = sorted(name for name in wanted - there if not any(_has(library, name) for library in system))
    out.mkdir(parents=True)
    empty, source = out.parent / "empty.S", out.parent / "stubs.S"
    empty.write_text(_END)
    source.write_text(assembly(symbols))
    _link(source, out / "0-stubs.so", "0-stubs.so")  # first: the others' users look for the symbols in it
    for name in missing:
        _link(empty, out / name, name)
    return True


_END = '.section .note.GNU-stack,"",@progbits\n'


def assembly(symbols: Iterable[str]) -> str:
    """x86-64 source that defines every symbol: functions, and for C++ type information objects with a name."""
    plain: list[str] = []
    mangled: list[str] = []
    data: list[str] = []
    for name in symbols:
        if name.startswith("_ZT"):
            data.append(f'.globl {name}\n.type {name},@object\n{name}:\n.quad 0, 9f\n.skip 1008\n9: .asciz "{name}"\n')
            data.append(".balign 64\n")
        else:
            (mangled if name.startswith("_Z") else plain).append(
                f".globl {name}\n.type {name},@function\n{name}:\n",
            )
    parts = [".text\n", *plain, "mov $100, %eax\nret\n", *mangled, "lea zeros(%rip), %rax\nret\n"]
    return "".join([*parts, ".data\n.balign 64\nzeros: .skip 4096\n", *data, _END])


def _tables(files: Iterable[Path]) -> tuple[set[str], set[str], set[str]]:
    """Names of needed libraries, of symbols that are asked for, and of those that are there."""
    needed: set[str] = set()
    wanted: set[str] = set()
    there: set[str] = set()
    for path in files:
        with path.open("rb") as file:
            elf = ELFFile(file)
            dynamic: Any = elf.get_section_by_name(".dynamic")
            names: Any = elf.get_section_by_name(".dynsym")
            needed |= {tag.needed for tag in dynamic.iter_tags("DT_NEEDED")}
            for symbol in names.iter_symbols():
                if symbol["st_shndx"] != "SHN_UNDEF":
                    there.add(symbol.name)
                elif symbol["st_info"]["bind"] != "STB_WEAK":
                    wanted.add(symbol.name)
    return needed, wanted - {""}, there


def _has(library: ctypes.CDLL, name: str) -> bool:
    try:
        getattr(library, name)
    except AttributeError:
        return False
    return True


def _link(source: Path, out: Path, name: str) -> None:
    target = ["-target", "x86_64-linux-gnu", "-shared", "-nostdlib", f"-Wl,-soname,{name}"]
    subprocess.run([sys.executable, "-m", "ziglang", "cc", *target, "-o", str(out), str(source)], check=True)
