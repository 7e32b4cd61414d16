"""``harness suites``: the suites there are, or the layers of one."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options
from harness.cli.say import result, result_json
from harness.errors import ExitCode
from harness.model.suite import list_suites, load_suite


def command(
    suite: Annotated[str | None, typer.Argument(metavar="[SUITE]", help="Show the layers of this one.")] = None,
    json_output: options.Json = False,
) -> ExitCode:
    """List the suites, or the layers of one."""
    if suite is None:
        loaded = [load_suite(name) for name in list_suites()]
        if json_output:
            rows = [{"name": s.name, "policy": s.policy, "layers": len(s.layers)} for s in loaded]
            result_json({"suites": rows})
            return ExitCode.DONE
        for each in loaded:
            result(f"{each.name:<20} {len(each.layers):>3} layers  policy {each.policy or 'default'}")
        return ExitCode.DONE
    one = load_suite(suite)
    if json_output:
        layers = [
            {**layer.model_dump(mode="json"), "category": layer.category, "macs": layer.macs} for layer in one.layers
        ]
        result_json(
            {"name": one.name, "policy": one.policy, "algorithms": one.algorithms, "faces": one.faces, "layers": layers}
        )
        return ExitCode.DONE
    for layer in one.layers:
        shape = f"{layer.h}x{layer.w}x{layer.cin} -> {layer.out_h}x{layer.out_w}x{layer.cout}"
        result(
            f"{layer.name:<36} {layer.category:<8} {layer.kh}x{layer.kw} stride {layer.stride[0]}  {shape:<28}"
            f" {layer.macs / 1e6:9.1f} MMAC"
        )
    return ExitCode.DONE
