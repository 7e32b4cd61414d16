"""``harness selfcheck``: for the owner of a phone that nobody here has: one command, one file to send back."""

from __future__ import annotations

import platform
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from harness import __version__
from harness.bundle.selfchecks import Packed, pack
from harness.cli import options
from harness.cli.calibrate import Calibrate
from harness.cli.command import Command, Examples
from harness.cli.commands import EXIT_CODES
from harness.cli.doctor import Doctor
from harness.cli.options import BuildOptions, DeviceOptions, SuiteOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.run import Run
from harness.cli.say import say
from harness.cli.signals import Interrupted, TimedOut
from harness.devices.base import Attached
from harness.errors import HarnessError, NoDeviceError
from harness.exit_codes import ExitCode, worst
from harness.export.output import check_file
from harness.model.condition import allowed
from harness.paths import shown_path
from harness.store.journal import utc_now

_SMOKE = "smoke"
_DOCTOR = "doctor"


@dataclass(frozen=True)
class Part:
    """How a part of the check ended."""

    part: str
    exit_code: int
    seconds: float
    messages: list[str]
    run: str | None = None  # the run directory

    @property
    def words(self) -> str:
        """``smoke: 3, a device or the infrastructure failed, ...``; for people."""
        return f"{self.part}: {self.exit_code}, {EXIT_CODES[self.exit_code]}"


@dataclass(frozen=True, kw_only=True)
class Selfcheck(BuildOptions, WaitOption, DeviceOptions, SuiteOptions, Command):
    """Asks the doctor, measures the suite `smoke` and calibrates; the result is one file, without serial numbers.

    What fails in one part does not stop the others, and stands in the file. SUITE is what is calibrated with.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.WRONG_RESULT: "a wrong result",
        ExitCode.INFRASTRUCTURE: "a device failed, or has a condition that stops a run",
        ExitCode.TOO_LITTLE_DATA: "an A/A failed, or too few samples were valid",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness selfcheck", "every attached phone: some minutes, one file in the current folder"),
        ("harness selfcheck --device pixel-3 --out check.zip", "one phone, that file"),
    )

    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Instead of selfcheck-<UTC time>.zip here.")
    ] = None
    allow: options.Allow = None

    def __call__(self) -> Outcome:
        began = utc_now()
        allowed(self.allow or ())  # what is no condition is told before anything is done
        self.read()
        if self.out is not None:
            check_file(self.out)  # measuring takes many minutes
        attached = self._attached()
        outcomes: dict[str, Outcome] = {}
        parts = list(self._parts(outcomes))
        about = {
            "selfcheck": 1,
            "harness": __version__,
            "python": platform.python_version(),
            "host": {"system": platform.system(), "machine": platform.machine()},
            "started": began,
            "finished": utc_now(),
            "suite": self.suite or options.DEFAULT_SUITE,
            "parts": [{key: value for key, value in asdict(part).items() if key != "run"} for part in parts],
        }
        doctor = dict(outcomes[_DOCTOR].value) if _DOCTOR in outcomes else {}
        doctor["host"] = {key: value for key, value in doctor.get("host", {}).items() if key != "adb_servers"}
        runs = {part.part: Path(part.run) for part in parts if part.run is not None}
        here = Path(f"selfcheck-{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}.zip")
        packed = pack([here] if self.out is None else [self.out, here], about, doctor, runs, attached)
        for part, why in packed.unpacked.items():
            say(f"{part}: not in {shown_path(packed.out)}: {why}")
        if packed.not_there is not None:
            say(f"{packed.not_there.message}: written to {shown_path(packed.out)} instead")
        is_whole = not packed.unpacked and packed.not_there is None
        code = worst([*(ExitCode(part.exit_code) for part in parts), *[ExitCode.INFRASTRUCTURE] * (not is_whole)])
        return Outcome(code, tuple(_lines(parts, packed)), _value(code, parts, packed))

    def _attached(self) -> Attached:
        """The devices. Raises NoDeviceError where there is none, not even one that cannot be used."""
        attached = self.find(allow=allowed(self.allow or ()))
        if not attached.devices and not attached.unusable:
            raise NoDeviceError(
                "no phone is attached", "attach one with USB debugging on, or check this machine: --device local"
            )
        return attached

    def _parts(self, outcomes: dict[str, Outcome]) -> Iterator[Part]:
        """Each part in turn; a signal, or the end of --timeout, ends them. ``outcomes`` gets those there are."""
        where: dict[str, Any] = {"device": self.device, "adb_server": self.adb_server, "quiet": self.quiet}
        where |= {"stf": self.stf, "stf_token": self.stf_token}
        how = {**where, **{name: getattr(self, name) for name in ("toolchain", "ndk", "abi", "wait", "allow")}}
        parts: dict[str, Callable[[], Outcome]] = {
            _DOCTOR: Doctor(**where),
            _SMOKE: Run(suite=_SMOKE, **how),
            "calibrate": Calibrate(suite=self.suite, layers=self.layers, **how),
        }
        for name, command in parts.items():
            say(f"selfcheck: {name}")
            part, is_over = _done(name, command, outcomes)
            yield part
            if is_over:
                return


def _done(name: str, command: Callable[[], Outcome], outcomes: dict[str, Outcome]) -> tuple[Part, bool]:
    """How a part ended, and whether the others are left out."""
    began = time.monotonic()

    def ended(code: ExitCode, messages: list[str], run: str | None = None) -> Part:
        return Part(name, int(code), round(time.monotonic() - began, 1), messages, run)

    try:
        outcome = outcomes[name] = command()
    except HarnessError as error:
        say(f"{name}: {error}")
        return ended(error.exit_code, [str(error)]), False
    except TimedOut:
        return ended(ExitCode.INFRASTRUCTURE, ["the time of --timeout was over"]), True
    except Interrupted:
        return ended(ExitCode.INTERRUPTED, ["interrupted"]), True
    except Exception as error:  # a fault of ours in one part is what the file is to tell of
        traceback.print_exc()
        return ended(ExitCode.INFRASTRUCTURE, [f"{type(error).__name__}: {error}", traceback.format_exc()]), False
    value = outcome.value
    is_over = outcome.code == ExitCode.INTERRUPTED or bool(value.get("timed_out"))
    return ended(outcome.code, list(map(str, value.get("messages", ()))), value.get("run")), is_over


def _value(code: ExitCode, parts: list[Part], packed: Packed) -> dict[str, Any]:
    return {
        "exit_code": int(code),
        "parts": [asdict(part) for part in parts],
        "out": str(packed.out.resolve()),
        "bytes": packed.size,
        "files": [{"name": name, "bytes": size, "what": what} for name, size, what in packed.inside],
    }


def _lines(parts: list[Part], packed: Packed) -> Iterator[str]:
    yield from (part.words for part in parts)
    yield f"inside, without serial numbers ({packed.size >> 10} KiB):"
    for name, size, what in packed.inside:
        yield f"  {name:<14} {size:>9} bytes  {what}"
    yield shown_path(packed.out)


COMMAND = Selfcheck
