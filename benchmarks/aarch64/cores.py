"""Cores whose caches are simulated, each value with its source."""

from __future__ import annotations

from dataclasses import dataclass

_KIB = 1024


@dataclass(frozen=True)
class Cache:
    """Bytes and ways."""

    size: int
    ways: int


@dataclass(frozen=True)
class Core:
    """``cpu`` is the emulator's name, by which the library knows what the core is best at; ``line`` is in bytes."""

    name: str
    cpu: str
    l1: Cache
    l2: Cache
    source: str
    line: int = 64

    @property
    def argument(self) -> str:
        """What the plugin wants."""
        numbers = (self.l1.size, self.l1.ways, self.l2.size, self.l2.ways, self.line)
        return "core=" + ":".join(str(number) for number in numbers)


_A76 = "Arm 100798 (Cortex-A76 TRM), A6.1: L1D of 64 KB, 4 ways, lines of 64 bytes; L2 of 128, 256 or 512 KB, 8 ways"
CORES = (
    Core(
        "A53",
        "cortex-a53",
        Cache(32 * _KIB, 4),
        Cache(512 * _KIB, 16),
        "Arm DDI 0500 (Cortex-A53 TRM), chapters 6 and 7: L1D of 8 to 64 KB, 4 ways, lines of 64 bytes, L2 of 128 KB "
        "to 2 MB, 16 ways; 512 KB lies between a Galaxy S8's 256 KB and a Pixel 2 XL's 1 MB",
    ),
    Core("A76, L2 256 KB", "cortex-a76", Cache(64 * _KIB, 4), Cache(256 * _KIB, 8), _A76),
    Core("A76, L2 512 KB", "cortex-a76", Cache(64 * _KIB, 4), Cache(512 * _KIB, 8), _A76),
)
