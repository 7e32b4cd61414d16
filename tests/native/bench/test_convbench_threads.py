"""Variants of several threads: of ours, of the shim's and of worker.py's, each told its CPUs and held to them."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.devices.base import format_cpus
from harness.store.records import Check, Error, Layer, Sample, Worker

WORKERS = Path(__file__).resolve().parents[3] / "native" / "workers"
SEE = """
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#define main example_main
int example_main(int, char **);
#include "example.c"
#undef main
static const char *see(const shim_layer *layer, const shim_tensors *tensors, void **object) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return (size_t)CPU_COUNT(&set) == layer->threads ? create(layer, tensors, object) : "other CPUs than threads";
}
static void *touch(void *bytes) {
    for (size_t i = 0; i < 64; i++) {
        ((volatile char *)bytes)[4096 * i] = 1;
    }
    return NULL;
}
static const char *share(void *made) {
    const size_t bytes = 64 * 4096;
    if (((object *)made)->layer.threads > 1) {
        void *fresh = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_t helper;
        pthread_create(&helper, NULL, touch, fresh);
        pthread_join(helper, NULL);
        munmap(fresh, bytes);
    }
    return run(made);
}
int main(int argc, char **argv) {
    const shim_functions functions = {see, share, destroy};
    return shim_main(argc, argv, &functions);
}
"""
LOOK = """
    import os
    if len(os.sched_getaffinity(0)) != layer.threads:
        raise Skip("other CPUs than threads")
"""
SHARE = """
    import mmap, threading
    if made.layer.threads > 1:
        fresh = mmap.mmap(-1, 64 * 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        helper = threading.Thread(target=lambda: [fresh.__setitem__(4096 * i, 1) for i in range(64)])
        helper.start()
        helper.join()
        fresh.close()
"""

pytestmark = pytest.mark.native


@pytest.fixture
def threaded(plan: Any) -> Callable[..., Any]:
    """`threaded(program)`: the plan on two CPUs; of each variant one on one thread and one on two."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")

    def threaded(*programs: Path) -> Any:
        plan.run |= {"cpu": allowed[1], "cpus": format_cpus(allowed[:2])}
        plan.foreign, plan.algorithms = programs, () if programs else ("im2col", "auto")
        lines = plan.variants()
        double = [line.replace("threads=1", "threads=2") for line in lines]
        every = [" ".join([f"variant index={i}", *line.split()[2:]]) for i, line in enumerate(lines + double)]
        plan.variants = lambda: every
        return plan

    return threaded


def places(result: Any) -> set[tuple[int, int, int]]:
    return {(s.threads, s.cpu_before, s.cpu_after) for s in result.of(Sample)}


def test_ours(threaded: Callable[..., Any], run: Callable[..., Any]) -> None:
    plan = threaded()
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    samples = result.of(Sample)
    assert len(samples) == 4 * plan.rounds
    cpu = plan.run["cpu"]
    assert places(result) == {(1, cpu, cpu), (2, cpu, cpu)}  # the worker's own thread
    names = {threads: {s.variant for s in samples if s.threads == threads} for threads in (1, 2)}
    assert len(names[1]) == len(names[2]) == 2
    assert all(check.ok for check in result.of(Check))
    held = {(layer.threads, layer.cpus) for layer in result.of(Layer)}
    assert held == {(1, str(cpu)), (2, plan.run["cpus"])}  # as read back


@pytest.fixture(params=["shim", "worker.py"])
def see(request: pytest.FixtureRequest, tmp_path: Path, need_tool: Callable[[str], str]) -> Path:
    """The example, which looks at its CPUs and on several threads has another one fault 64 pages in, in every call."""
    program = tmp_path / "see"
    if request.param == "shim":
        source = tmp_path / "see.c"
        source.write_text(SEE)
        sources = [str(source), str(WORKERS / "shim.c")]
        command = [need_tool("gcc"), "-O2", f"-I{WORKERS}", "-o", str(program), *sources, "-lm", "-pthread"]
        subprocess.run(command, check=True)
        return program
    shutil.copy(WORKERS / "worker.py", tmp_path)
    text = (WORKERS / "example.py").read_text().partition("\n")[2]
    for before, more in (("    made = Convolution(layer, tensors)\n", LOOK), ("    (_products if", SHARE)):
        assert text.count(before) == 1
        text = text.replace(before, more + before)
    program.write_text(f"#!{sys.executable} -S\n{text}")
    program.chmod(0o755)
    return program


ELSEWHERE = """
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
int sched_getcpu(void) {
    unsigned cpu = 0;
    syscall(SYS_getcpu, &cpu, NULL, NULL);
    return (int)cpu + (syscall(SYS_gettid) != getpid());
}
"""


def test_a_helper_that_runs_elsewhere_than_its_mask_says(
    threaded: Callable[..., Any], run: Callable[..., Any], tmp_path: Path, need_tool: Callable[[str], str]
) -> None:
    """The system shows the mask that was asked for and does not keep to it: for other threads than the first."""
    source, library = tmp_path / "elsewhere.c", tmp_path / "elsewhere.so"
    source.write_text(ELSEWHERE)
    subprocess.run([need_tool("gcc"), "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    result = run(threaded(), env={**os.environ, "LD_PRELOAD": str(library)})
    assert {s.threads for s in result.of(Sample)} == {1}
    errors = result.of(Error)
    assert {(e.threads, e.external, e.reason) for e in errors} == {
        (2, True, "threads do not stay on the CPUs that they were given")
    }
    assert result.code == 3


def test_others(threaded: Callable[..., Any], run: Callable[..., Any], see: Path) -> None:
    plan = threaded(see)
    result = run(plan)
    assert result.code == 0, [*result.of(Error), result.stderr]
    samples = result.of(Sample)
    assert len(samples) == 2 * plan.rounds
    for sample in samples:  # those of all threads count where several share a call
        assert (sample.faults >= 64 * sample.calls) == (sample.threads > 1)
    cpu, cpus = plan.run["cpu"], plan.run["cpus"]
    assert (1, cpu, cpu) in places(result)
    assert {threads for threads, *_ in places(result)} == {1, 2}
    assert {worker.cpus for worker in result.of(Worker) if worker.build == "see"} == {cpus}


def test_one_that_does_not_say_that_it_has_them(
    threaded: Callable[..., Any], run: Callable[..., Any], tmp_path: Path
) -> None:
    program = tmp_path / "honest"
    program.write_text(f"#!{sys.executable} -S\n{Path(__file__).with_name('foreign_worker.py').read_text()}")
    program.chmod(0o755)
    result = run(threaded(program))
    assert {s.threads for s in result.of(Sample)} == {1}
    assert {e.reason.partition(": '")[0] for e in result.of(Error)} == {
        "created for 1 thread(s), but threads=2 was asked for"
    }
    assert result.code == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_each_of_a_program_s_objects_is_judged_by_what_it_left_itself(
    threaded: Callable[..., Any], run: Callable[..., Any], tmp_path: Path, threads: int
) -> None:
    program = tmp_path / f"wrong-on-{threads}"
    program.write_text(f"#!{sys.executable} -S\n{Path(__file__).with_name('foreign_worker.py').read_text()}")
    program.chmod(0o755)
    plan = threaded(program)
    plan.rounds = 3
    result = run(plan)
    assert (result.code, result.of(Error)) == (1, [])
    verdicts = {(check.threads, check.ok) for check in result.of(Check)}
    assert verdicts == {(threads, True), (threads, False), (3 - threads, True)}  # right when it is asked to compute
    counts = {n: sum(s.threads == n for s in result.of(Sample)) for n in (1, 2)}
    assert counts[3 - threads] == plan.rounds
    assert counts[threads] < plan.rounds  # it is out


class Spoken:
    """A worker that is spoken to without convbench."""

    def __init__(self, program: Path) -> None:
        self.socket, other = socket.socketpair()
        to = [(os.POSIX_SPAWN_DUP2, other.fileno(), 3)]
        self.pid = os.posix_spawn(program, [str(program), "worker"], os.environ, file_actions=to)
        other.close()
        self.lines = self.socket.makefile("r")

    def ask(self, request: str) -> str:
        self.socket.sendall(f"{request}\n".encode())
        return self.lines.readline().strip()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()
        os.waitpid(self.pid, 0)


@pytest.fixture
def spoken(see: Path) -> Iterator[Spoken]:
    worker = Spoken(see)
    yield worker
    worker.close()


HELLO = "hello protocol=2 cpu={} cpus={} memory=67108864 llc=1048576 min_ns=100000 max_khz=0 probe=1"


def test_another_object_s_output_is_not_given_away(spoken: Spoken, tmp_path: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    assert spoken.ask(HELLO.format(cpu, cpu)).startswith("hello protocol=2")
    for name in ("input", "weights", "bias"):
        (tmp_path / name).write_bytes(struct.pack("<f", 2))
    files = " ".join(f"{name}={tmp_path / name}" for name in ("input", "weights", "bias"))
    sizes = "h=1 w=1 kh=1 kw=1 pt=0 pr=0 pb=0 pl=0 sh=1 sw=1 dh=1 dw=1 groups=1 batch=1 cin=1 cout=1 out_h=1 out_w=1"
    assert spoken.ask(f"layer name=one type=f32 layout=nhwc {sizes} min=-inf max=inf {files}") == "ok"
    for number in (0, 1):
        assert spoken.ask(f"create object={number} algorithm=see schedule=default threads=1").startswith("created")
    assert spoken.ask("sample object=0 cache=hot calls=3 settle_ns=1000").startswith("sampled calls=3 ")
    check = f"check object={{}} by=file compute=0 output={tmp_path / 'out'}"
    assert spoken.ask(check.format(1)) == "failed reason=there%20is%20no%20sample%20of%20it%20to%20write"
    assert spoken.ask(check.format(0)) == "checked"
    assert struct.unpack("<f", (tmp_path / "out").read_bytes()) == (6.0,)


def test_the_clock_is_probed_on_the_cpu_to_measure(spoken: Spoken) -> None:
    allowed = sorted(os.sched_getaffinity(0))[:2]
    if len(allowed) < 2:
        pytest.skip("needs two CPUs")
    seen: set[frozenset[int]] = set()
    for _ in range(200):  # a probe lasts a millisecond or so
        spoken.socket.sendall(f"{HELLO.format(allowed[1], format_cpus(allowed))}\n".encode())
        while not select.select([spoken.socket], [], [], 0)[0]:
            seen.add(frozenset(os.sched_getaffinity(spoken.pid)))
        assert spoken.lines.readline().startswith("hello")
        if frozenset(allowed[1:]) in seen:
            break
    assert frozenset(allowed[1:]) in seen
    assert os.sched_getaffinity(spoken.pid) == set(allowed)  # where its threads may go


def test_helpers_of_ours_are_seen_to(threaded: Callable[..., Any], start: Callable[..., Any]) -> None:
    """Somebody keeps freeing the helpers, and works on their CPU."""
    plan = threaded()
    cpu = plan.run["cpu"]
    (other,) = set(sorted(os.sched_getaffinity(0))[:2]) - {cpu}
    plan.rounds = 12
    plan.measure["min_ns"] = 10_000_000
    busy = subprocess.Popen(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{other}}})\nwhile True: pass"]
    )
    started, ended = start(plan), threading.Event()

    def meddle() -> None:
        while not ended.wait(0.5):
            for pid in started.workers():
                with contextlib.suppress(OSError):
                    for helper in {int(each.name) for each in Path(f"/proc/{pid}/task").iterdir()} - {pid}:
                        os.sched_setaffinity(helper, {cpu, other})

    meddler = threading.Thread(target=meddle)
    meddler.start()
    result = started.finish()
    ended.set()
    meddler.join()
    busy.kill()
    busy.wait()
    shared = [s for s in result.of(Sample) if s.threads == 2]
    assert shared
    assert sum(s.repinned for s in shared) > 0
    assert sum(s.nivcsw for s in shared) > 0
    assert {s.repinned for s in result.of(Sample) if s.threads == 1} == {0}
    for error in result.of(Error):  # freed again each time it was pinned
        assert "CPU" in error.reason
