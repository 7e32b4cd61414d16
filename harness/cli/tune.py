"""``harness tune``: measures once what is best for each layer, and writes tables that the library loads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.say import result, result_json, say, shown_path
from harness.cli.signals import stop_on_signal
from harness.config.layer import Layer
from harness.config.policy import load_policy
from harness.config.suite import load_suite, select_layers
from harness.devices import discovery
from harness.errors import ExitCode
from harness.measure import runner, tune, verify
from harness.measure.request import Request


def command(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Tables go to DIR/<device>/<cluster>.tuned.")],
    suite: options.Suite = None,
    device: options.Devices = None,
    budget: Annotated[
        float, typer.Option("--budget", metavar="S", min=0.1, max=600.0, help="Seconds for each layer on a cluster.")
    ] = 3.0,
    toolchain: options.Toolchain = None,
    ndk: options.Ndk = None,
    abi: options.Abi = None,
    adb_server: options.Servers = None,
    layers: options.Layers = None,
    clusters: options.Clusters = None,
    json_output: options.Json = False,
) -> ExitCode:
    """Measure which algorithm, kernel and blocks are best for each layer, on each cluster of each device."""
    read = load_suite(suite or "quick")
    chosen = read.layers if layers is None else select_layers(read.layers, layers)
    request = Request(
        suite=read.name,
        layers=_each_shape_once(chosen),
        policy=load_policy("quick"),
        algorithms=("auto",),
        seed=0,
        toolchain=toolchain or "auto",
        abi=abi,
        ndk=ndk,
        cpus=options.cpus_of(clusters),
    )
    with stop_on_signal() as stop:
        attached = discovery.find(device or [], adb_server or [])
        results = tune.tune_all(runner.usable(attached, None, say), request, budget, out, stop, say)
    for each in results:
        if not json_output:
            _show(each)
        for message in each.messages:
            say(f"{each.name}: {message}")
    code = verify.code_of(results, some_unusable=bool(attached.unusable), stopped=stop.is_set())
    if json_output:
        result_json({"exit_code": int(code), "devices": [each.as_json() for each in results]})
    return code


def _each_shape_once(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """A table knows layers by their shape, whatever they clamp to."""
    return tuple({layer.shape_key[:-2]: layer for layer in reversed(layers)}.values())[::-1]


def _show(done: tune.Tuned) -> None:
    for layer in done.layers:
        ratio = "not measured" if layer.ratio is None else f"x{layer.ratio:.3f}"
        better = "stays" if layer.best == layer.model else f"-> {layer.best}"
        result(f"{done.name} {layer.cluster} {layer.layer}: {layer.model} {better} {ratio}")
    for skipped in done.skipped:
        result(f"{done.name}: left out {skipped}")
    for table in done.tables:
        result(f"{done.name}: {shown_path(table)}")
