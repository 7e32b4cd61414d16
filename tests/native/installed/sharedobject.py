"""What a shared object or program shows and wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile


def _dynamic(path: Path) -> tuple[list[Any], list[Any]]:
    """Entries of the dynamic section, and the symbols of the dynamic table; empty for a static program."""
    with path.open("rb") as stream:
        elf: Any = ELFFile(stream)
        section, table = elf.get_section_by_name(".dynamic"), elf.get_section_by_name(".dynsym")
        tags = list(section.iter_tags()) if section else []
        return tags, list(table.iter_symbols()) if table else []


def needed(path: Path) -> set[str]:
    """The libraries that it is linked with."""
    return {tag.needed for tag in _dynamic(path)[0] if tag.entry.d_tag == "DT_NEEDED"}


def soname(path: Path) -> str:
    """Its own name for the dynamic linker."""
    return next(str(tag.soname) for tag in _dynamic(path)[0] if tag.entry.d_tag == "DT_SONAME")


def has_text_relocations(path: Path) -> bool:
    """Whether the loader would have to write into its code: it was not compiled position independent."""
    flags = {tag.entry.d_tag: tag.entry.d_val for tag in _dynamic(path)[0]}
    return "DT_TEXTREL" in flags or bool(flags.get("DT_FLAGS", 0) & 0x4)


def exported(path: Path) -> set[str]:
    """Names of the symbols that others may use."""
    return {
        symbol.name
        for symbol in _dynamic(path)[1]
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK")
    }


def segments(path: Path) -> list[tuple[str, int, int]]:
    """Kind, flags (1 executable, 2 writable, 4 readable) and alignment of each."""
    with path.open("rb") as stream:
        return [(s["p_type"], s["p_flags"], s["p_align"]) for s in ELFFile(stream).iter_segments()]
