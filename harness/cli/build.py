"""``harness build``: builds convbench and the library."""

from __future__ import annotations

from harness.cli import options
from harness.cli.say import result, result_json, say, shown_path
from harness.errors import ExitCode
from harness.toolchain.builder import build
from harness.toolchain.toolchain import DEFAULT_ABI


def command(
    abi: options.Abi = None,
    toolchain: options.Toolchain = None,
    ndk: options.Ndk = None,
    json_output: options.Json = False,
) -> ExitCode:
    """Build for a phone (or --abi host: this machine); prints the program's path."""
    built = build(abi or DEFAULT_ABI, toolchain or "auto", ndk, say)
    if json_output:
        result_json(
            {
                "path": str(built.path),
                "library": str(built.library),
                "build_id": built.build_id,
                "abi": built.abi,
                "toolchain": built.toolchain,
                "cached": built.cached,
                "seconds": round(built.seconds, 2),
                "info": built.info,
            }
        )
    else:
        result(shown_path(built.path))
    return ExitCode.DONE
