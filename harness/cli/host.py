"""``harness host``: a host of a lab, and a lab's certificates."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from harness.cli.command import OWN, Command, Examples
from harness.cli.options import Certificates, DeviceOptions
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.cli.signals import stop_on_signal
from harness.errors import UsageError
from harness.exit_codes import ExitCode

_MACHINES = ("scheduler", "hosts", "users")


@dataclass(frozen=True, kw_only=True)
class Host(DeviceOptions, Command):
    """Offers the phones of this machine to a lab's scheduler until it is stopped; what is at work ends in order."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "no scheduler answers there, or it does not accept this host's certificate",
        ExitCode.INTERRUPTED: "",
    }
    examples: ClassVar[Examples] = (
        ("harness host --scheduler tcp://127.0.0.1:8786", "at a scheduler on this machine"),
        ("harness host --scheduler tls://lab:8786 --certificates ./hosts", "one elsewhere (docs/hosts.md)"),
    )

    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="tcp://127.0.0.1:8786, or tls://HOST:PORT.")
    ] = None
    certificates: Certificates = None
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What users call this host. Default: its own name.")
    ] = None

    def __call__(self) -> Outcome:
        from harness.hosts.address import parse  # noqa: PLC0415  slow to load, and not for other commands
        from harness.hosts.bench import Bench  # noqa: PLC0415
        from harness.hosts.engine import check_installed  # noqa: PLC0415
        from harness.hosts.security import security  # noqa: PLC0415
        from harness.hosts.serving import serve  # noqa: PLC0415
        from harness.hosts.source import AdbSource  # noqa: PLC0415

        if self.scheduler is None:
            raise UsageError("--scheduler is missing", "name the lab's: harness host --scheduler tcp://127.0.0.1:8786")
        if self.stf is not None or self.stf_token is not None:
            raise UsageError(
                "--stf: hosts of a lab reserve no devices of a farm",
                "measure those without a scheduler: harness run --stf URL",
            )
        check_installed("harness host")
        address = parse(self.scheduler)
        found = security(address, self.certificates)
        name = (self.name or socket.gethostname())[:60]
        bench = Bench(name, AdbSource(self.device or (), self.adb_server or ()), say)
        with stop_on_signal() as stop:
            serve(bench, address, found, stop, say)
        code = ExitCode.INFRASTRUCTURE if stop.timed_out else ExitCode.INTERRUPTED
        return Outcome(code, (f"{name}: ended",), {"host": name})


@dataclass(frozen=True, kw_only=True)
class MakeCertificates(Command):
    """Makes the certificates of a lab: one authority, and a folder to copy to each of these machines."""

    examples: ClassVar[Examples] = (
        ("harness host certificates --out lab", "lab/scheduler, lab/hosts, lab/users"),
        ("harness host certificates bench-4 --out lab", "one more, of the same authority"),
    )

    machines: Annotated[list[str] | None, typer.Argument(metavar="NAME", help=f"Default: {' '.join(_MACHINES)}.")] = (
        None
    )
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the authority is, or is to be.")]

    def __call__(self) -> Outcome:
        from harness.hosts.certificates import make  # noqa: PLC0415  slow to load

        made = make(self.out, self.machines or _MACHINES)
        say(f"keep {self.out}/ca-key.pem to yourself: whoever has it can join the lab; copy each folder to its machine")
        return Outcome(lines=tuple(map(str, made)), value={"folders": list(map(str, made))})


COMMAND = {OWN: Host, "certificates": MakeCertificates}
