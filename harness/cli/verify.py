"""``harness verify``: correctness without timing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.say import result, result_json, say
from harness.cli.signals import stop_on_signal
from harness.config.policy import load_policy
from harness.config.suite import load_suite, parse_algorithms, parse_faces, select_layers
from harness.devices import discovery
from harness.errors import ExitCode
from harness.measure import runner, verify
from harness.measure.request import Request


def command(
    suite: options.Suite = None,
    device: options.Devices = None,
    dump: Annotated[
        Path | None, typer.Option("--dump", metavar="DIR", help="Bring inputs, weights and outputs to DIR/<device>/.")
    ] = None,
    toolchain: options.Toolchain = None,
    ndk: options.Ndk = None,
    abi: options.Abi = None,
    adb_server: options.Servers = None,
    layers: options.Layers = None,
    algorithms: options.Algorithms = None,
    faces: options.Faces = None,
    json_output: options.Json = False,
) -> ExitCode:
    """Compare every output of every algorithm with a double-precision reference, on each device."""
    read = load_suite(suite or "quick")
    request = Request(
        suite=read.name,
        layers=read.layers if layers is None else select_layers(read.layers, layers),
        policy=load_policy("quick"),
        algorithms=read.algorithms if algorithms is None else parse_algorithms(algorithms),
        faces=read.faces if faces is None else parse_faces(faces),
        seed=0,
        toolchain=toolchain or "auto",
        abi=abi,
        ndk=ndk,
    )
    with stop_on_signal() as stop:
        attached = discovery.find(device or [], adb_server or [])
        results = verify.verify_all(runner.usable(attached, None, say), request, dump, stop, say)
    for each in results:
        if not json_output:
            result(f"{each.name}: {each.checked} results right, {len(each.wrong)} wrong, {each.skipped} not applicable")
        for message in each.messages:
            say(f"{each.name}: {message}")
    code = verify.code_of(results, some_unusable=bool(attached.unusable), stopped=stop.is_set())
    if json_output:
        result_json({"exit_code": int(code), "devices": [each.as_json() for each in results]})
    return code
