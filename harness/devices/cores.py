"""Names of CPU cores by MIDR (implementer and part); sources: the kernel's and pytorch/cpuinfo's tables."""

from __future__ import annotations

_NAMES = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD0E): "Cortex-A76AE",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4C): "Cortex-X1C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x41, 0xD8A): "C1-Nano",
    (0x41, 0xD8B): "C1-Pro",
    (0x41, 0xD8C): "C1-Ultra",
    (0x41, 0xD8E): "Neoverse-N3",
    (0x41, 0xD8F): "Cortex-A320",
    (0x41, 0xD90): "C1-Premium",
    (0x48, 0xD40): "Cortex-A76 (Kirin 980)",
    (0x51, 0x001): "Oryon",
    (0x51, 0x002): "Oryon V3",
    (0x51, 0x201): "Kryo Silver (SD821)",
    (0x51, 0x205): "Kryo Gold (SD820/821)",
    (0x51, 0x211): "Kryo Silver (SD820)",
    (0x51, 0x800): "Kryo 260/280 Gold (Cortex-A73)",
    (0x51, 0x801): "Kryo 260/280 Silver (Cortex-A53)",
    (0x51, 0x802): "Kryo 385 Gold (Cortex-A75)",
    (0x51, 0x803): "Kryo 385 Silver (Cortex-A55)",
    (0x51, 0x804): "Kryo 485 Gold (Cortex-A76)",
    (0x51, 0x805): "Kryo 485 Silver (Cortex-A55)",
    (0x53, 0x002): "Exynos M3",
    (0x53, 0x003): "Exynos M4",
    (0x53, 0x004): "Exynos M5",
    (0x61, 0x022): "Icestorm (M1)",
    (0x61, 0x023): "Firestorm (M1)",
    (0x61, 0x032): "Blizzard (M2)",
    (0x61, 0x033): "Avalanche (M2)",
    (0x6D, 0xD49): "Azure Cobalt 100 (Neoverse-N2)",
    (0xC0, 0xAC3): "AmpereOne",
    (0xC0, 0xAC4): "AmpereOne A",
}


def make_midr(implementer: int, variant: int, part: int, revision: int) -> int:
    """MIDR_EL1 (32 bit) of the fields that /proc/cpuinfo prints."""
    return implementer << 24 | variant << 20 | 0xF << 16 | part << 4 | revision


def core_name(midr: int) -> str:
    """The core's name; an unknown one as ``core 0x41/0xfff``; empty for 0 (MIDR not known)."""
    if not midr:
        return ""
    implementer, variant, part = midr >> 24 & 0xFF, midr >> 20 & 0xF, midr >> 4 & 0xFFF
    if (implementer, part) == (0x53, 0x001):  # one part for two cores
        return "Exynos M2" if variant == 4 else "Exynos M1"
    return _NAMES.get((implementer, part), f"core {implementer:#04x}/{part:#05x}")
