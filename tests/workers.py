"""Workers of somebody else, compiled for this machine and for phones, and what a run says of them."""

from __future__ import annotations

import csv
import platform
from collections.abc import Callable
from pathlib import Path

from benchmarks.aarch64.plugins import ARM64_PROGRAM, compile_with_zig

WORKERS = Path(__file__).parents[1] / "native" / "workers"
MACHINE = platform.machine()
# As the tool's own programs: zig keeps a C library for each way of compiling, and would make others for a minute.
HERE = ("-target", f"{MACHINE}-linux-gnu.2.28", f"-mcpu={'x86_64' if MACHINE == 'x86_64' else 'generic'}", "-s")
PHONE = ARM64_PROGRAM
# What is wrong with each; the object of a layer is where its output goes.
FAULTY = {
    "liar": "(void)object;",
    "dying": "abort();",
    "hanging": "for (;;) pause();",
}
SOURCE = """
#define _GNU_SOURCE
#include "shim.h"
#include <stdlib.h>
#include <unistd.h>
static const char *create(const shim_layer *layer, const shim_tensors *tensors, void **object) {
    *object = tensors->output;
    return layer->groups > 1 ? "groups are not covered" : NULL;
}
static const char *run(void *object) { %s (void)object; return NULL; }
static void destroy(void *object) { (void)object; }
int main(int argc, char **argv) {
    const shim_functions functions = {.create = create, .run = run, .destroy = destroy};
    return shim_main(argc, argv, &functions);
}
"""

Worker = Callable[[str, tuple[str, ...]], str]


def compiled(folder: Path, name: str, target: tuple[str, ...]) -> str:
    """The path of a worker for HERE or PHONE, made once in ``folder``: the example, or one of FAULTY."""
    program = folder / f"{name}-{'phone' if target == PHONE else 'here'}"
    if not program.exists():
        source = WORKERS / f"{name}.c"
        if name in FAULTY:
            source = folder / f"{name}.c"
            source.write_text(SOURCE % FAULTY[name])
        compile_with_zig([*target, f"-I{WORKERS}", "-o", str(program), str(source), str(WORKERS / "shim.c"), "-lm"])
    return str(program)


def named(worker: Worker, target: tuple[str, ...], *names: str) -> list[str]:
    """Options of ``harness run``."""
    return [word for name in names for word in ("--worker", f"{name}={worker(name, target)}")]


def rows(run: Path) -> dict[str, set[tuple[str, bool]]]:
    """Of results.csv: by algorithm, status and whether there is a time."""
    found: dict[str, set[tuple[str, bool]]] = {}
    with (run / "results.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] != "skip":
                found.setdefault(row["algorithm"], set()).add((row["status"], row["median_ns"] != ""))
    return found
