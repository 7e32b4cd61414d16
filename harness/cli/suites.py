"""``harness suites``: the suites there are, or the layers of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from harness.cli import complete
from harness.cli.command import Command, Examples
from harness.cli.outcome import Outcome
from harness.model.layer import Layer
from harness.model.suite import list_suites, load_suite


@dataclass(frozen=True, kw_only=True)
class Suites(Command):
    """Lists suites, or the layers of one."""

    examples: ClassVar[Examples] = (
        ("harness suites", "all that are shipped"),
        ("harness suites resnet50", "the layers of one"),
        ("harness suites ./mine.yaml --json", "those of a file of your own, for a script"),
    )

    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE",
            help="Show the layers of this one: a name, or the path of a YAML file.",
            autocompletion=complete.suites,
        ),
    ] = None

    def __call__(self) -> Outcome:
        return _all() if self.suite is None else _one(self.suite)


def _all() -> Outcome:
    loaded = [load_suite(name) for name in list_suites()]
    return Outcome(
        lines=tuple(f"{s.name:<20} {len(s.layers):>3} layers  policy {s.policy or 'default'}" for s in loaded),
        value={"suites": [{"name": s.name, "policy": s.policy, "layers": len(s.layers)} for s in loaded]},
    )


def _one(name: str) -> Outcome:
    suite = load_suite(name)
    layers = [
        {**layer.model_dump(mode="json"), "category": layer.category, "macs": layer.macs} for layer in suite.layers
    ]
    value = {
        "name": suite.name,
        "policy": suite.policy,
        "algorithms": suite.algorithms,
        "faces": suite.faces,
        "workers": [worker.model_dump(mode="json") for worker in suite.workers],
        "layers": layers,
    }
    workers = (f"worker {worker.name}: {', '.join(map(str, worker.every))}" for worker in suite.workers)
    return Outcome(lines=(*map(_line, suite.layers), *workers), value=value)


def _line(layer: Layer) -> str:
    shape = f"{layer.h}x{layer.w}x{layer.cin} -> {layer.out_h}x{layer.out_w}x{layer.cout}"
    return (
        f"{layer.name:<36} {layer.category:<8} {layer.kh}x{layer.kw} stride {layer.stride[0]}  {shape:<28}"
        f" {layer.macs / 1e6:9.1f} MMAC"
    )


COMMAND = Suites
