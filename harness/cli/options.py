"""Options that several commands share, each declared once, and the groups that they come in."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import complete
from harness.devices.base import Attached, parse_cpus
from harness.errors import HarnessError, UsageError
from harness.model.variant import ALGORITHMS

DEFAULT_SUITE = "quick"
# Those of harness.export.formats, which is slow to load.
EXPORTS = ("bmf", "csv", "gbench", "github-action", "junit", "markdown", "parquet")
MOST_THREADS = 256  # of the library: IC_MAX_THREADS

if TYPE_CHECKING:
    from harness.hosts.front import LabRun
    from harness.measure.context import Newcomers
    from harness.model.comparator import Comparator
    from harness.model.layer import Layer
    from harness.model.suite import Suite
    from harness.model.worker import Worker
    from harness.stf.farm import Farm

Algorithms = Annotated[
    str | None,
    typer.Option(
        "--algorithms",
        metavar="A,B",
        help="Instead of the suite's; with a schedule: im2col/best, im2col/default+pixels (QNNPACK's order of loops).",
        autocompletion=complete.listed(*ALGORITHMS),
    ),
]
Faces = Annotated[
    str | None,
    typer.Option(
        "--faces",
        metavar="A,B",
        help="published, best (better kernels, and auto) or both, not the suite's.",
        autocompletion=complete.listed("published", "best"),
    ),
]
Workers = Annotated[
    list[str] | None,
    typer.Option(
        "--worker",
        metavar="NAME=PROGRAM[,FILE...]",
        help="A program of your own beside ours, with the files it needs (docs/workers.md). Repeats.",
    ),
]
Comparators = Annotated[
    list[str] | None,
    typer.Option(
        "--comparator",
        metavar="NAME",
        help="Another library beside ours: see harness comparators list. One that is not fetched is skipped. Repeats.",
        autocompletion=complete.comparators,
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="NAME",
        help="Measure in spite of that condition; results are stamped with it. Repeats.",
        autocompletion=complete.conditions,
    ),
]
Exports = Annotated[
    list[str] | None,
    typer.Option(
        "--export",
        metavar="F",
        help=f"Write the results into the run's exports/ in that format too: {', '.join(EXPORTS)}. Repeats.",
        autocompletion=complete.one_of(*EXPORTS),
    ),
]
Threads = Annotated[
    str | None,
    typer.Option(
        "--threads",
        metavar="N[,M]",
        help="How many threads share a call, all on one cluster; each number is measured. Default: 1.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="What the order of layers and variants is drawn from. Default: a new one for each run.",
    ),
]
Cache = Annotated[
    str | None,
    typer.Option(
        "--cache",
        metavar="MODE[,MODE]",
        help="hot, rotate or both, instead of the policy's.",
        autocompletion=complete.listed("hot", "rotate"),
    ),
]
Abi = Annotated[
    str | None,
    typer.Option(
        "--abi",
        metavar="ABI",
        help="arm64-v8a, armeabi-v7a or x86_64, or host for this machine; default: the first that the phone lists, of "
        "comparators all.",
        autocompletion=complete.one_of("arm64-v8a", "armeabi-v7a", "x86_64", "host"),
    ),
]
RunDirectory = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run directory, or a bundle.", autocompletion=complete.runs)
]
JudgedBy = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="NAME|FILE",
        help="Judge the samples by this one, not the run's.",
        autocompletion=complete.policies,
    ),
]
Policy = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="NAME|FILE",
        help="Instead of the suite's policy.",
        autocompletion=complete.policies,
    ),
]
Clusters = Annotated[
    str | None, typer.Option("--clusters", metavar="4-7", help="Only clusters that lie in these CPUs.")
]


@dataclass(frozen=True, kw_only=True)
class SuiteOptions:
    """Which layers."""

    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE",
            help="A suite's name, or the path of a YAML file. Default: quick.",
            autocompletion=complete.suites,
        ),
    ] = None
    layers: Annotated[str | None, typer.Option("--layers", metavar="GLOB", help="Only layers whose name matches.")] = (
        None
    )

    def read(self) -> tuple[Suite, tuple[Layer, ...]]:
        """The suite, and those of its layers that were asked for. Raises UsageError."""
        from harness.model.suite import load_suite, select_layers  # noqa: PLC0415  not for other commands' options

        suite = load_suite(self.suite or DEFAULT_SUITE)
        return suite, suite.layers if self.layers is None else select_layers(suite.layers, self.layers)


@dataclass(frozen=True, kw_only=True)
class DeviceOptions:
    """Where."""

    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="D",
            help="A serial, a name as in a report (pixel-3), `local`, or `all` (every usable phone). Repeats.",
            autocompletion=complete.one_of("local", "all"),
        ),
    ] = None
    adb_server: Annotated[
        list[str] | None, typer.Option("--adb-server", metavar="HOST:PORT", help="An adb server. Repeats.")
    ] = None
    stf: Annotated[
        str | None,
        typer.Option(
            "--stf",
            metavar="URL",
            help="Devices of that OpenSTF or DeviceFarmer, reserved for this command; --device: its serials. The "
            "token: STF_TOKEN of the environment.",
        ),
    ] = None
    stf_token: Annotated[
        Path | None, typer.Option("--stf-token", metavar="FILE", help="The farm's token, not that of STF_TOKEN.")
    ] = None

    def find(self, otherwise: list[str] | None = None, allow: Collection[str] = ()) -> Attached:
        """The devices; ``otherwise``: those to take where none is named; ``allow``: see discovery.find.

        Those of a farm are reserved until the command's end. Raises NoDeviceError, InfrastructureError, UsageError.
        """
        if (farm := self.farm()) is not None:
            from harness.cli.say import say  # noqa: PLC0415
            from harness.measure import farmed  # noqa: PLC0415  not without a farm

            wait_s, require = getattr(self, "wait", 0.0), getattr(self, "require", None) or 1
            wanted, adb_servers = tuple(self.device or otherwise or ()), tuple(self.adb_server or ())
            return farmed.find(farm, farmed.Asked(wanted, adb_servers, require, wait_s, allow), say)
        return self.attached(otherwise, allow)

    def farm(self) -> Farm | None:
        """The farm of --stf. Raises UsageError."""
        if self.stf is None:
            if self.stf_token is not None:
                raise UsageError("--stf-token is for a farm that --stf names", "name it: --stf URL")
            return None
        from harness.stf.address import parse_url, read_token  # noqa: PLC0415  not without a farm
        from harness.stf.client import Client  # noqa: PLC0415
        from harness.stf.farm import Farm  # noqa: PLC0415

        return Farm(Client(parse_url(self.stf), read_token(self.stf_token)))

    def end(self) -> None:
        """The farm gets its devices back."""
        if self.stf is None:
            return
        from harness.cli.say import say  # noqa: PLC0415
        from harness.measure.farm_release import give_back_ours, ours  # noqa: PLC0415

        try:
            if ours(say) and (farm := self.farm()) is not None:
                give_back_ours(farm, say)
        except HarnessError as error:
            say(str(error))

    def attached(self, otherwise: list[str] | None = None, allow: Collection[str] = ()) -> Attached:
        """As find, without a farm."""
        from harness.measure import naming  # noqa: PLC0415

        return naming.find(self.device or otherwise or [], self.adb_server or [], allow)

    def newcomers(
        self, attached: Attached, otherwise: list[str] | None = None, allow: Collection[str] = ()
    ) -> Newcomers | None:
        """With --device all (or ``otherwise``): looks for phones that are attached later; else None. Not at a farm."""
        if self.stf is not None:
            return None
        from harness.devices import discovery  # noqa: PLC0415

        servers = [server.address for server in attached.servers]
        return discovery.Newcomers(servers, allow) if discovery.ALL in (self.device or otherwise or ()) else None


@dataclass(frozen=True, kw_only=True)
class WaitOption:
    """For how long."""

    wait: Annotated[
        float,
        typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for a device that another run is using."),
    ] = 0.0


Certificates = Annotated[
    Path | None,
    typer.Option("--certificates", metavar="DIR", help="This machine's, for a scheduler with tls:// (docs/hosts.md)."),
]


@dataclass(frozen=True, kw_only=True)
class LabOptions:
    """On whose phones: those of a lab's hosts."""

    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Measure on the phones of the hosts at a Dask scheduler: tcp://127.0.0.1:8786, or tls://HOST:PORT. "
            "--device pixel-3 is any phone of that model then.",
        ),
    ] = None
    certificates: Certificates = None

    @contextmanager
    def lab(self) -> Iterator[LabRun | None]:
        """The lab at that scheduler within the block; None without one. Raises UsageError, InfrastructureError."""
        if self.scheduler is None:
            if self.certificates is not None:
                raise UsageError("--certificates is for a scheduler", "name it with --scheduler tls://HOST:PORT")
            yield None
            return
        if getattr(self, "adb_server", None):
            raise UsageError("--adb-server: hosts of a lab have adb servers of their own", "leave it out")
        if getattr(self, "stf", None):
            raise UsageError("--stf: hosts of a lab reserve no devices of a farm", "leave out --stf or --scheduler")
        from harness.cli.say import say  # noqa: PLC0415
        from harness.hosts.front import lab_run  # noqa: PLC0415  slow to load, and seldom asked for

        with lab_run(self.scheduler, self.certificates, say) as found:
            yield found


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """With which program."""

    toolchain: Annotated[
        str | None,
        typer.Option(
            "--toolchain",
            metavar="T",
            help="auto (default), ndk, zig or host.",
            autocompletion=complete.one_of("auto", "ndk", "zig", "host"),
        ),
    ] = None
    ndk: Annotated[Path | None, typer.Option("--ndk", metavar="DIR", help="The Android NDK to build with.")] = None
    abi: Abi = None


@dataclass(frozen=True, kw_only=True)
class BundleOption:
    """Whom a bundle is believed."""

    allowed_signers: Annotated[
        Path | None,
        typer.Option(
            "--allowed-signers",
            metavar="FILE",
            help="Only a bundle that somebody of that file of ssh-keygen signed.",
        ),
    ] = None


def threads_of(threads: str | None) -> tuple[int, ...]:
    """The numbers of --threads, in rising order; raises UsageError where one is none, or there twice."""
    words = ["1"] if threads is None else [word.strip() for word in threads.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= MOST_THREADS for word in words):
        raise UsageError(
            f"--threads {threads}: not numbers from 1 to {MOST_THREADS}", "write one, or several as in 1,2,4"
        )
    counts = sorted(map(int, words))
    if len(set(counts)) < len(counts):
        raise UsageError(f"--threads {threads}: a number is given twice", "remove one of the two")
    return tuple(counts)


def cpus_of(clusters: str | None) -> tuple[int, ...] | None:
    """The CPUs of --clusters; raises UsageError where it is no list of CPU numbers."""
    try:
        return None if clusters is None else parse_cpus(clusters)
    except ValueError as error:
        raise UsageError(
            f"--clusters {clusters}: not a list of CPU numbers", "write it as in 4-7 or 0,2-3, see: harness devices"
        ) from error


def threshold_of(text: str | None) -> float | None:
    """``2%`` as 0.02. Raises UsageError."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?) ?%", text)
    share = float(found[1]) / 100 if found else 0.0
    if not 0 < share <= 1:
        raise UsageError(f"--threshold {text}: not a percentage from 0 to 100", "write it as in 2% or 0.5%")
    return share


def comparators_of(names: list[str] | None, workers: Sequence[Worker] = ()) -> tuple[Comparator, ...]:
    """The values of --comparator; those that need it are built anew. Raises UsageError."""
    if not names:
        return ()
    from harness.cli.say import say  # noqa: PLC0415
    from harness.comparators import ready  # noqa: PLC0415  not without one

    return ready.asked(names, [worker.name for worker in workers], say)
