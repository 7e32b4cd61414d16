"""A C library as a worker: three functions and the shim, under convbench, here and for arm64."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.aarch64.plugins import ARM64_PROGRAM
from harness.store.records import Check, Error, Layer, Sample, Skip, Worker
from harness.toolchain.cmake import environment, zig_program

ROOT = Path(__file__).resolve().parents[3]
WORKERS = ROOT / "native" / "workers"
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wshadow", "-Wconversion", "-Wmissing-prototypes")
COMPILERS = {
    "gcc": ("gcc", "-O2"),
    "sanitized": ("clang", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}

pytestmark = pytest.mark.native

Compile = Callable[..., Path]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """`compiled("cc", "-O2")`: the example, called `example`; as docs/workers.md says, and with strict warnings."""

    def compiled(*compiler: str, source: Path = WORKERS / "example.c", folder: Path = tmp_path) -> Path:
        program = folder / source.stem
        sources = [source, WORKERS / "shim.c"]
        command: list[str | Path] = [*compiler, *STRICT, f"-I{WORKERS}", "-o", program, *sources, "-lm"]
        subprocess.run(command, check=True, cwd=folder, env=environment())
        return program

    return compiled


def prepared(plan: Any, make_layer: Callable[..., str], program: Path) -> Any:
    plan.foreign, plan.algorithms, plan.caches = [program], ("indirect",), ("hot", "rotate")
    plan.layers = (
        make_layer("clamped", 19, 18, 8, 16, min=-0.5, max=0.5),
        make_layer("grouped", 28, 29, 16, 16, groups=2, stride=2, dilation=2, pad=2),
        make_layer("batches", 25, 25, 13, 15, batch=3, kh=1, kw=1, pad=0),
    )
    return plan


def judge(result: Any, plan: Any) -> None:
    assert result.code == 0, [*result.of(Error), result.stderr]
    samples = [s for s in result.of(Sample) if s.variant == "example"]
    assert len(samples) == 3 * 2 * plan.rounds
    checks = [c for c in result.of(Check) if c.variant == "example"]
    assert len(checks) == 3 * 3
    assert all(c.ok and c.error_over_bound < 0.2 for c in checks)
    (worker,) = (w for w in result.of(Worker) if w.build == "example")
    assert worker.cpus == "0"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_example(
    plan: Any, run: Callable[..., Any], make_layer: Any, need_tool: Any, compiled: Compile, compiler: str
) -> None:
    tool, *options = COMPILERS[compiler]
    prepared(plan, make_layer, compiled(need_tool(tool), *options))
    plan.measure["llc_bytes"] = 1 << 16
    result = run(plan)
    judge(result, plan)
    samples = [s for s in result.of(Sample) if s.variant == "example"]
    assert {(s.cpu_before, s.cpu_after) for s in samples} == {(0, 0)}
    assert all(s.copies > 1 for s in samples if s.cache == "rotate")
    assert all(s.settle_ns > 0 and s.nivcsw is not None and s.faults is not None for s in samples)
    places = [(s.addresses.input, s.addresses.weights, s.addresses.output) for s in samples]
    assert len(set(places)) == len(places)  # anew for each sample
    assert all(int(address, 16) % 64 == 0 for place in places for address in place)
    assert all(la.create_ns > 0 for la in result.of(Layer) if la.variant == "example")


def test_the_example_for_arm64(
    plan: Any,
    run: Callable[..., Any],
    make_layer: Any,
    need_tool: Any,
    arm64_convbench: Path,
    compiled: Compile,
    tmp_path: Path,
) -> None:
    qemu = need_tool("qemu-aarch64-static")
    (tmp_path / "arm64").mkdir()
    zig = (str(zig_program()), "cc", *ARM64_PROGRAM, "-O2", "-g0", "-fno-sanitize=undefined")
    program = compiled(*zig, folder=tmp_path / "arm64")
    script = tmp_path / "example"
    script.write_text(f'#!/bin/sh\nexec {qemu} {program} "$@"\n')
    script.chmod(0o755)
    plan.exe = arm64_convbench
    prepared(plan, make_layer, script)
    plan.measure["llc_bytes"] = 1 << 16
    judge(run(plan, arm64_convbench), plan)


FAULTS = {
    "refuses": ('"no such layers"', "NULL", Skip, "no such layers"),
    "throws": ('shim_failed("it threw: 100%")', "NULL", Error, "it threw: 100%"),
    "fails": ("NULL", 'i++ > 3 ? "no luck" : NULL', Error, "no luck"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_functions_tell_is_told(
    plan: Any, run: Callable[..., Any], make_layer: Any, need_tool: Any, compiled: Compile, tmp_path: Path, name: str
) -> None:
    create, ran, kind, reason = FAULTS[name]
    (tmp_path / f"{name}.c").write_text(
        f"""
        #include "example.c"
        static const char *wrong_create(const shim_layer *l, const shim_tensors *t, void **o) {{
            const char *why = {create};
            return why ? why : create(l, t, o);
        }}
        static const char *wrong_run(void *o) {{
            static int i;
            run(o);
            i += 0;
            return {ran};
        }}
        int wrong(int argc, char **argv) {{
            const shim_functions f = {{.create = wrong_create, .run = wrong_run, .destroy = destroy}};
            return shim_main(argc, argv, &f);
        }}
        """.replace("int wrong(", "int main(").replace(
            '#include "example.c"', '#define main unused\nint unused(int, char **);\n#include "example.c"\n#undef main'
        )
    )
    prepared(plan, make_layer, compiled(need_tool("gcc"), "-O2", source=tmp_path / f"{name}.c"))
    told = [r for r in run(plan).of(kind) if r.algorithm == name]
    assert {r.layer for r in told} == {"clamped", "grouped", "batches"}
    assert {r.reason for r in told} == {reason}


def test_what_is_not_computed_is_wrong(
    plan: Any, run: Callable[..., Any], make_layer: Any, need_tool: Any, compiled: Compile, tmp_path: Path
) -> None:
    """Outputs are NaN before each sample: one that computes but once cannot pass with what it left."""
    text = (WORKERS / "example.c").read_text()
    assert "    convolve(&o->layer" in text
    lazy = text.replace("    convolve(&o->layer", "    static int runs;\n    if (runs++ < 2)\n    convolve(&o->layer")
    (tmp_path / "lazy.c").write_text(lazy)
    prepared(plan, make_layer, compiled(need_tool("gcc"), "-O2", source=tmp_path / "lazy.c"))
    plan.layers = plan.layers[:1]
    result = run(plan)
    assert result.code == 1
    assert [c.ok for c in result.of(Check) if c.variant == "lazy"] == [True, True, False]


def test_by_hand_it_says_what_it_is(need_tool: Any, compiled: Compile) -> None:
    done = subprocess.run([compiled(need_tool("gcc"), "-O2")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "harness run --worker" in done.stderr


def test_the_order_of_requests(need_tool: Any, compiled: Compile) -> None:
    ours, theirs = socket.socketpair()
    code = 'exec 3<&"$0"; exec "$1" worker'
    arguments = [need_tool("bash"), "-c", code, str(theirs.fileno()), str(compiled(need_tool("gcc"), "-O2"))]
    process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()])
    theirs.close()
    answers = ours.makefile("r")

    def ask(request: str) -> str:
        ours.sendall(f"{request}\n".encode())
        return answers.readline().strip()

    assert ask("create object=0 algorithm=x schedule=default") == "failed reason=no%20layer%20yet"
    assert ask("layer name=a type=f16 layout=nhwc groups=1").startswith("skip reason=type%20or%20layout")
    assert ask("hello protocol=2 cpu=4000 memory=1 llc=1 min_ns=1 max_khz=0 probe=0").endswith(" external=1")
    ours.close()
    answers.close()
    assert process.wait(20) == 0


def test_bytes_kernel_name_and_an_output_in_a_layout_of_its_own(
    plan: Any, run: Callable[..., Any], make_layer: Any, need_tool: Any, compiled: Compile, tmp_path: Path
) -> None:
    (tmp_path / "turned.c").write_text(
        """
        #define main unused
        int unused(int, char **);
        #include "example.c"
        #undef main
        #include <string.h>
        static const char *turned_run(void *made) { /* the last value first, as no tensor has it */
            const object *o = made;
            const size_t n = o->layer.batch * o->layer.out_height * o->layer.out_width * o->layer.out_channels;
            run(made);
            for (size_t i = 0; i < n / 2; i++) {
                float value = o->tensors.output[i];
                o->tensors.output[i] = o->tensors.output[n - 1 - i];
                o->tensors.output[n - 1 - i] = value;
            }
            return NULL;
        }
        static void read_back(void *made, float *output) {
            const object *o = made;
            const size_t n = o->layer.batch * o->layer.out_height * o->layer.out_width * o->layer.out_channels;
            for (size_t i = 0; i < n; i++) {
                output[i] = o->tensors.output[n - 1 - i];
            }
        }
        static void tell(void *made, shim_told *told) {
            const object *o = made;
            *told = (shim_told){1, 2, 3, 4, strcmp(o->layer.algorithm, "turned") ? "another" : "backwards"};
        }
        int main(int argc, char **argv) {
            const shim_functions f = {create, turned_run, destroy, tell, read_back};
            return shim_main(argc, argv, &f);
        }
        """
    )
    program = compiled(need_tool("gcc"), "-O2", source=tmp_path / "turned.c")
    plan.foreign, plan.algorithms, plan.rounds = [program], ("indirect",), 1
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    (told,) = (each for each in result.of(Layer) if each.variant == "turned")
    assert (told.weights_bytes, told.pointer_bytes, told.matrix_bytes, told.object_bytes) == (1, 2, 3, 4)
    assert told.kernel == "backwards"
    assert all(check.ok for check in result.of(Check))
