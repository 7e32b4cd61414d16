"""``harness comparators list|fetch``: other libraries to measure beside ours."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from harness.cli import complete, options
from harness.cli.command import Command, Examples
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.comparators import building, environment, fetching, places, ready
from harness.comparators.table import ABIS, Library, Named, every, libraries_of
from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.paths import check_build_folder
from harness.toolchain.cache import lock

_WHAT = "harness comparators"


@dataclass(frozen=True, kw_only=True)
class List(Command):
    """List the libraries that can be measured beside ours: versions, licences, and what is still to be fetched."""

    examples: ClassVar[Examples] = (
        ("harness comparators list", "all of them"),
        ("harness comparators list --abi arm64-v8a", "those for phones"),
    )

    abi: options.Abi = None

    def __call__(self) -> Outcome:
        abis = _abis(self.abi)
        found = [_value(each, abi) for each in every() for abi in each.library.abis if abi in abis]
        return Outcome(lines=tuple(_lines(found)), value={"comparators": found})


def _value(each: Named, abi: str) -> dict[str, Any]:
    state = ready.state(each, abi)
    return {
        "name": each.name,
        "library": each.library.title,
        "version": state.version,
        "abi": abi,
        "fetched": state.fetched,
        "ready": not state.command,
        "command": state.command,
        "licence": each.library.licence,
        "bytes": state.bytes or None,
        "what": each.library.names[each.name],
        "counts": each.library.counts,
    }


def _lines(found: list[dict[str, Any]]) -> Iterator[str]:
    width = max((len(each["name"]) for each in found), default=0)
    abi = max((len(each["abi"]) for each in found), default=0)
    licences: dict[str, str] = {}
    for each in found:
        size = f"{each['bytes'] / 1e6:.1f} MB" if each["bytes"] else ""
        state = "ready" if each["ready"] else each["command"]
        yield f"{each['name']:{width}}  {each['abi']:{abi}}  {each['version']:12}  {size:>7}  {state}"
        licences[each["library"]] = each["licence"]
    yield from (f"licence of {library}: {licence}" for library, licence in licences.items())


@dataclass(frozen=True, kw_only=True)
class Fetch(Command):
    """Fetch libraries by name, version and SHA-256, as this machine's pip and apt are set up, and build their workers.

    Afterwards: harness run --comparator NAME. Nothing of the system is changed.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "a package cannot be had, or is not the one that the table names; no compiler"
    }
    examples: ClassVar[Examples] = (
        ("harness comparators fetch xnnpack acl", "for phones and this machine"),
        ("harness comparators fetch ncnn --abi host", "for this machine alone"),
        ("harness comparators fetch acl --abi arm64-v8a --from ~/ComputeLibrary/build", "one that you have built"),
    )

    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Of: harness comparators list; or a library's.", autocompletion=complete.comparators
        ),
    ]
    abi: options.Abi = None
    own: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Not fetched: headers and libraries of a build of your own."),
    ] = None
    compiler: Annotated[
        str | None, typer.Option("--compiler", metavar="CMD", help="With --from: what compiles for that build.")
    ] = None

    def __call__(self) -> Outcome:
        wanted = list(self._wanted())
        check_build_folder()
        done = []
        for library, abi in wanted:
            with lock(places.root(), say, f".{library.library}.lock"):
                self._fetch(library, abi)
            done += [_value(Named(name, library), abi) for name in library.names]
        names = " ".join(dict.fromkeys(each["name"] for each in done))
        return Outcome(lines=(f"ready: {names}", *_licences(done)), value={"comparators": done})

    def _wanted(self) -> Iterator[tuple[Library, str]]:
        """What is to be fetched. Raises UsageError."""
        abis, libraries = _abis(self.abi), libraries_of(self.names, f"{_WHAT} fetch")
        if self.own is None and self.compiler is not None:
            raise UsageError("--compiler is for a build of your own", "name it: --from DIR")
        for library in libraries:
            there = [abi for abi in library.abis if abi in abis]
            if not there:
                has = ", ".join(library.abis) or "no ABI on this machine"
                raise UsageError(f"{library.library} is not to be had for {', '.join(abis)}", f"there is {has}")
            if self.own is not None and (len(libraries) > 1 or self.abi is None or len(there) > 1):
                raise UsageError("--from is one build: of one library, for one ABI", "name both: NAME --abi ABI")
            if self.own is not None and library.is_python:
                raise UsageError(f"--from: {library.library} is called from Python", "leave it out")
            if self.own is not None and not self.own.is_dir():
                raise UsageError(f"--from {self.own}: there is no such folder", "correct the path")
            yield from ((library, abi) for abi in there)

    def _fetch(self, library: Library, abi: str) -> None:
        machine = library.machine(abi)
        if library.is_python:
            environment.fetch(library, say)
        elif machine is not None:
            building.keep_own(library, abi, self._own())
            if self.own is None:
                fetching.fetch(library, machine, say)
            try:
                ready.make_ready(library, abi, say)
            except BaseException:
                if self.own is not None:
                    building.keep_own(library, abi, None)
                raise

    def _own(self) -> building.Own | None:
        if self.own is None:
            return None
        return building.Own(self.own.resolve(), shlex.join(shlex.split(self.compiler or "")))


def _licences(done: list[dict[str, Any]]) -> Iterator[str]:
    yield from dict.fromkeys(f"licence of {each['library']}: {each['licence']}" for each in done)


def _abis(given: str | None) -> list[str]:
    """Raises UsageError where there is none of that name."""
    if given is None:
        return list(ABIS)
    if given not in ABIS:
        raise UsageError(f"--abi {given}: there is none of that name", f"one of {', '.join(ABIS)}")
    return [given]


COMMAND = {"list": List, "fetch": Fetch}
