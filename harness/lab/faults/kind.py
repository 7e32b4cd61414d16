"""What a kind of fault is: its help, its values, what it does to a phone and how that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from harness.devices.base import parse_cpus
from harness.lab.seccomp import CpuSupervisor

T = TypeVar("T")
End = Callable[[], None]


class Site(Protocol):
    """What a fault may do to the phone; its supervisor gives it."""

    root: Path  # the phone's root folder as the supervisor sees it
    spec: dict[str, Any]
    cpus: CpuSupervisor

    @property
    def folder(self) -> Path:
        """The state folder."""

    @property
    def init(self) -> int:
        """The phone's process 1 as the host counts; 0 while it is away."""

    def after(self, seconds: float, action: End) -> None:
        """Does something later, also when the phone has rebooted meanwhile."""

    def tell(self, order: Mapping[str, Any], descriptors: list[int] | None = None) -> None:
        """Orders something of the phone's adbd."""

    def drop(self) -> None:
        """Breaks every connection of an adb server."""

    def refuse(self, refused: bool) -> None:
        """Whether connections are refused."""

    def greet(self, greeting: str) -> None:
        """What adb servers hear: ``device``, ``unauthorized``, ``authorizing``, ``connecting``; empty: as the model."""

    def reboot(self, seconds: float | None = None) -> None:
        """Reboots; ``seconds`` is how long it is away."""

    def move(self, port: int) -> int:
        """Answers at another port of this host (0: the next free one) instead; returns the one it had."""

    def answer_also(self, port: int) -> End:
        """Answers at a second port (0: the next free one) until the end."""


@dataclass(frozen=True)
class Value(Generic[T]):
    """What may stand behind ``=``. ``form`` shows it; ``default`` is what no value means, None where one is needed."""

    form: str
    read: Callable[[str], T]  # raises ValueError
    default: str | None = None


@dataclass(frozen=True)
class Kind(Generic[T]):
    """``begin`` puts it on and returns what ends it; None: it is over at once."""

    help: str
    value: Value[T]
    begin: Callable[[Site, T], End | None]
    of_commands: bool = False  # adbd does it to each command: ``on`` and ``times`` are for these
    at_once: bool = False  # over when it has begun; ``times`` lets it happen again
    reconnects: bool = False  # an adb server knows of it from its next connection on, which is made at once
    loses: bool = False  # an adb server takes the phone for lost, and looks at it again when it is told to
    many: bool = False  # several may be on beside each other; of others a new one ends the earlier


def in_turn(*ends: End) -> End:
    """Ends what began in this order, the last first."""

    def end() -> None:
        for each in reversed(ends):
            each()

    return end


def in_adbd(site: Site, _: object) -> End:
    """The phone's adbd does it (traffic.py): it is told of every fault that is on."""
    return lambda: None


def nothing() -> Value[None]:
    """No value."""

    def read(text: str) -> None:
        if text:
            raise ValueError("it takes no value")

    return Value("", read, "")


def choice(*names: str, default: str | None = None) -> Value[str]:
    """One of some words."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"there is {', '.join(names)}")
        return text

    return Value("|".join(names), read, default)


def number(form: str, low: int, high: int, default: int | None = None) -> Value[int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 15 and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return Value(form, read, None if default is None else str(default))


def words(form: str, default: str | None = None) -> Value[str]:
    """Any text on one line."""

    def read(text: str) -> str:
        if not text or any(ord(c) < 32 for c in text) or len(text) > 1000:
            raise ValueError("a text on one line")
        return text

    return Value(form, read, default)


def cpus(form: str) -> Value[tuple[int, ...]]:
    """A list of CPUs, such as 0-3,7."""

    def read(text: str) -> tuple[int, ...]:
        found = parse_cpus(text)
        if not found:
            raise ValueError("a list of CPUs such as 0-3,7")
        return tuple(found)

    return Value(form, read)
