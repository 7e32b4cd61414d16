"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.devices.base import parse_cpus
from harness.errors import UsageError

Suite = Annotated[
    str | None, typer.Argument(metavar="[SUITE]", help="A suite's name, or the path of a YAML file. Default: quick.")
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", metavar="D", help="A serial, `local`, or `all` (every usable phone). Repeats."),
]
Servers = Annotated[list[str] | None, typer.Option("--adb-server", metavar="HOST:PORT", help="An adb server. Repeats.")]
Layers = Annotated[str | None, typer.Option("--layers", metavar="GLOB", help="Only layers whose name matches.")]
Algorithms = Annotated[
    str | None,
    typer.Option("--algorithms", metavar="A,B", help="Instead of the suite's; im2col/best is im2col's best schedule."),
]
Faces = Annotated[
    str | None,
    typer.Option("--faces", metavar="A,B", help="published, best (better kernels, and auto) or both, not the suite's."),
]
Toolchain = Annotated[str | None, typer.Option("--toolchain", help="auto (default), ndk, zig or host.")]
Ndk = Annotated[Path | None, typer.Option("--ndk", metavar="DIR", help="The Android NDK to build with.")]
Abi = Annotated[str | None, typer.Option("--abi", help="arm64-v8a (default), or host for this machine.")]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Clusters = Annotated[
    str | None, typer.Option("--clusters", metavar="4-7", help="Only clusters that lie in these CPUs.")
]


def cpus_of(clusters: str | None) -> tuple[int, ...] | None:
    """The CPUs of --clusters; raises UsageError where it is no list of CPU numbers."""
    try:
        return None if clusters is None else parse_cpus(clusters)
    except ValueError as error:
        raise UsageError(
            f"--clusters {clusters}: not a list of CPU numbers", "write it as in 4-7 or 0,2-3, see: harness devices"
        ) from error
