# SPDX-License-Identifier: Apache-2.0
"""A convbench worker out of three functions, for libraries that Python can call (docs/workers.md).

Write them, call ``serve``, and keep this file beside yours; it needs the standard library alone. It speaks the
protocol, places the tensors, settles, times and tells the evidence.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import mmap
import os
import platform
import random
import resource
import signal
import socket
import statistics
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

PROTOCOL = 2  # of convbench workers: the host reads this line before it brings the file to a device
CONDUCTOR = 3  # the descriptor
PAGE = 4096
ALIGNMENT = 64
MARGIN = 1.2  # a later window may be so much faster before it is too short
TICKS = 1000  # of the timer that a window lasts at least, and a call in rotate
MOST_CALLS = 65536  # of a sample in rotate
QUIET_NS = 500_000_000  # longer silences are announced
RANDOM = random.Random()  # noqa: S311 (of places in memory)


View = Any  # a memoryview, whose kinds few libraries' types know


@dataclass(frozen=True)
class Layer:
    """A convolution of f32, input and output NHWC. Channels are totals over the groups."""

    name: str
    batch: int
    height: int
    width: int
    in_channels: int
    out_height: int
    out_width: int
    out_channels: int
    kernel: tuple[int, int]  # height, width
    pad: tuple[int, int, int, int]  # top, right, bottom, left
    stride: tuple[int, int]  # vertical, horizontal
    dilation: tuple[int, int]
    groups: int
    output_min: float  # -inf, inf: no clamp
    output_max: float
    threads: int = 1  # that are to share a run, the caller's among them


@dataclass(frozen=True)
class Tensors:
    """Where they lie: flat views of format "f". They stay there until the object is destroyed.

    ``numpy.frombuffer(tensors.input, numpy.float32).reshape(...)`` is an array at that place, without a copy.
    """

    input: View  # [batch][height][width][in_channels]
    weights: View  # [out_channels][kernel height][kernel width][in_channels / groups]
    bias: View  # [out_channels]
    output: View  # [batch][out_height][out_width][out_channels]


class Skip(Exception):
    """For ``create`` to raise: the reason why the layer is not covered."""


Create = Callable[[Layer, Tensors], Any]
Run = Callable[[Any], object]
Destroy = Callable[[Any], object]
Read = Callable[[Any], Any]
Tell = Callable[[Any], str]


def serve(create: Create, run: Run, destroy: Destroy, *, read: Read | None = None, kernel: Tell | None = None) -> None:
    """Answers convbench until it hangs up.

    ``create`` does whatever may be done once and returns an object; it is called for each sample anew. ``run(object)``
    is what is timed: it computes the whole output and allocates nothing that it can help. ``destroy(object)`` ends it.
    What ``create`` or ``run`` raise is told as the reason of an error.
    ``read(object)``: for a library that leaves its output in a layout, or at a place, of its own: what the last run
    left, as bytes of f32 in the order of ``Tensors.output``. It is called when the output is judged, never timed.
    ``kernel(object)``: how the object computes, for the records: up to 63 characters without a space.
    Raises SystemExit where convbench did not start the program.
    """
    if sys.argv[1:] != ["worker"]:
        sys.exit(f"{sys.argv[0]}: a worker of convbench, which starts it: harness run --worker NAME={sys.argv[0]}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the conductor decides
    worker = _Worker(create, run, destroy, read, kernel, socket.socket(fileno=CONDUCTOR))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for line in worker.conductor.makefile("r", encoding="utf-8"):
            worker.say(worker.answer(line))


Fields = dict[str, str]


@dataclass
class _Window:
    """Timed calls: how many, nanoseconds a call and together, when the first began."""

    calls: int
    ns: float
    window_ns: int
    t_ns: int


class _Refused(Exception):
    """The answer is another one than was asked for."""


class _Worker:
    def __init__(
        self,
        create: Create,
        run: Run,
        destroy: Destroy,
        read: Read | None,
        kernel: Tell | None,
        conductor: socket.socket,
    ) -> None:
        self.create, self.run, self.destroy, self.conductor = create, run, destroy, conductor
        self.read, self.kernel = read, kernel
        self.arena = mmap.mmap(-1, PAGE)
        self.layer: Layer | None = None
        self.data: dict[str, bytes] = {}
        self.copies: list[tuple[Tensors, Any]] = []
        self.latest: tuple[Tensors, Any] | None = None  # of the latest call: its output is read from there
        self.latest_of = ""  # the object whose it is
        self.turn = 0
        self.said_ns = 0
        self.setting: dict[str, int] = {}
        self.cpus: set[int] = set()  # for objects of several threads
        self.threads: dict[str, int] = {}  # by object
        self.tick_ns = min(_step() for _ in range(1000))
        self.clock = _Clock()
        self.getcpu = getattr(ctypes.CDLL(None), "sched_getcpu", None)

    def say(self, line: str) -> None:
        self.conductor.sendall(f"{line}\n".encode())
        self.said_ns = time.monotonic_ns()

    def announce(self, ns: float = 0) -> None:
        """Alive, and for so long nothing more will be heard."""
        if ns > QUIET_NS:
            self.say(f"busy ns={5 * ns:.0f}")
        elif time.monotonic_ns() - self.said_ns > QUIET_NS:
            self.say("busy")

    def answer(self, line: str) -> str:
        word, *parts = line.split()
        fields = {key: unquote(value) for key, _, value in (part.partition("=") for part in parts)}
        self.said_ns = time.monotonic_ns()
        requests: dict[str, Callable[[Fields], str]] = {
            **{"hello": self._hello, "layer": self._layer, "create": self._create},
            **{"check": self._check, "sample": self._sample},
        }
        try:
            return requests[word](fields)
        except _Refused as answer:
            return str(answer)
        except Skip as reason:
            return f"skip reason={_encoded(reason)}"
        except Exception as error:
            traceback.print_exc()
            return f"failed reason={_encoded(f'{type(error).__name__}: {error}')}"

    def _hello(self, f: Fields) -> str:
        self.setting = {key: int(f[key]) for key in ("cpu", "memory", "llc", "min_ns", "max_khz")}
        self.cpus = {self.setting["cpu"], *_numbers(f.get("cpus", ""))}
        self._pin(1)
        probed = f.get("probe") == "1" and self.clock.works
        mhz = self._mhz() if probed else -1  # of the CPU to measure, not of any
        self._pin(len(self.cpus))
        if not probed:
            return f"hello protocol={PROTOCOL}"
        reason = "" if mhz > 0 else "over%20what%20the%20system%20names"
        return f"hello protocol={PROTOCOL} clock_available={int(mhz > 0)} clock_reason={reason} clock_mhz={mhz!r}"

    def _mhz(self) -> float:
        """The clock now; -1 where it is not known, or over what the system names."""
        mhz, most = self.clock.mhz(), 1.1e-3 * self.setting["max_khz"]
        return -1 if most and mhz > most else mhz

    def _pin(self, threads: int) -> None:
        """An object's threads may go where all of them may, unless the library pins them."""
        try:
            os.sched_setaffinity(0, self.cpus if threads > 1 else {self.setting["cpu"]})
        except OSError as error:
            raise _Refused(
                f"failed reason={_encoded(f'cannot run on the CPU to measure: {error}')} external=1"
            ) from None

    def _layer(self, f: Fields) -> str:
        self._drop()
        self.layer = None
        self.threads.clear()
        if (f["type"], f["layout"]) != ("f32", "nhwc"):
            raise Skip("type or layout is not covered")
        self.data = {name: Path(f[name]).read_bytes() for name in ("input", "weights", "bias")}

        n = {key: int(value) for key, value in f.items() if value.isdigit() and key != "name"}
        self.layer = Layer(
            name=f["name"],
            batch=n["batch"],
            height=n["h"],
            width=n["w"],
            in_channels=n["cin"],
            out_height=n["out_h"],
            out_width=n["out_w"],
            out_channels=n["cout"],
            kernel=(n["kh"], n["kw"]),
            pad=(n["pt"], n["pr"], n["pb"], n["pl"]),
            stride=(n["sh"], n["sw"]),
            dilation=(n["dh"], n["dw"]),
            groups=n["groups"],
            output_min=float(f["min"]),
            output_max=float(f["max"]),
        )
        return "ok"

    def _known(self, f: Fields) -> Layer:
        """The layer, with the threads of the object that is asked about."""
        if not self.layer:
            raise _Refused("failed reason=no%20layer%20yet")
        if f["object"] not in self.threads:
            raise _Refused("failed reason=the%20object%20was%20not%20created")
        return replace(self.layer, threads=self.threads[f["object"]])

    def _drop(self) -> None:
        self.latest = None
        while self.copies:
            self.destroy(self.copies.pop()[1])

    def _place(self, f: Fields, copies: int) -> float:
        """Places the tensors anew, at other pages and lines, and makes objects for them; nanoseconds of the last."""
        layer = self._known(f)
        self._drop()
        self.latest_of = f["object"]
        output = 4 * layer.batch * layer.out_height * layer.out_width * layer.out_channels
        sizes = [len(self.data["input"])] + copies * [len(self.data["weights"]), len(self.data["bias"]), output]
        need = sum(size // PAGE + 2 for size in sizes)
        want = min(2 * need + (32 << 20) // PAGE, self.setting["memory"] // PAGE)
        if want < need:
            raise _Refused(f"skip reason=too%20little%20memory bytes={need * PAGE}")
        if len(self.arena) < want * PAGE:
            self.arena = mmap.mmap(-1, want * PAGE)
            with contextlib.suppress(AttributeError, OSError):
                self.arena.madvise(mmap.MADV_NOHUGEPAGE)
            self.arena[::PAGE] = bytes(want)  # its pages are there before anything is timed
        cuts = sorted(RANDOM.choices(range(want - need + 1), k=len(sizes)))
        views, page = [], 0
        for size, cut in zip(sizes, cuts, strict=True):
            at = (page + cut) * PAGE + RANDOM.randrange(PAGE // ALIGNMENT) * ALIGNMENT
            views.append(memoryview(self.arena)[at : at + size])
            page += size // PAGE + 2
        views[0][:] = self.data["input"]
        created_ns = 0
        for n in range(copies):
            weights, bias, out = views[1 + 3 * n : 4 + 3 * n]
            weights[:], bias[:], out[:] = self.data["weights"], self.data["bias"], b"\xff" * output  # NaN
            tensors = Tensors(views[0].cast("f"), weights.cast("f"), bias.cast("f"), out.cast("f"))
            start = time.monotonic_ns()
            made = self.create(layer, tensors)
            created_ns = time.monotonic_ns() - start
            self.copies.append((tensors, made))
            self.announce()
        return created_ns

    def _create(self, f: Fields) -> str:
        threads = self.threads[f["object"]] = int(f.get("threads", "1"))
        if threads > len(self.cpus):
            return f"failed reason=threads={threads},%20but%20there%20are%20{len(self.cpus)}%20CPUs"
        self._pin(threads)
        told = f"created threads={threads} create_ns={self._place(f, 1)}"
        return told if self.kernel is None else f"{told} kernel={_encoded(self.kernel(self.copies[0][1]))}"

    def _check(self, f: Fields) -> str:
        layer = self._known(f)
        if f["compute"] == "1":
            self._pin(layer.threads)
            self._place(f, 1)
            self._untimed(False)
        if self.latest is None or self.latest_of != f["object"]:
            return "failed reason=there%20is%20no%20sample%20of%20it%20to%20write"
        tensors, made = self.latest
        Path(f["output"]).write_bytes(tensors.output if self.read is None else self.read(made))
        return "checked"

    def _untimed(self, rotate: bool) -> int:
        """One call as the window makes it; its nanoseconds."""
        self.turn = (self.turn + 1) % len(self.copies) if rotate else 0
        tensors, made = self.copies[self.turn]
        if rotate:  # the input into the cache, as the layer before would have left it
            tensors.input.cast("B")[::ALIGNMENT].tobytes()
        start = time.monotonic_ns()
        self.run(made)
        ns = time.monotonic_ns() - start
        self.latest = self.copies[self.turn]
        return ns

    def _settle(self, rotate: bool, cap_ns: int) -> tuple[int, int, bool]:
        """Untimed calls until two clock probes, or where there are none two calls, agree within 1 %.

        Nanoseconds of the last call and of all, and whether capped.
        """
        start, before, call, calls = time.monotonic_ns(), 0.0, 0, 0
        while True:
            self.announce(call)
            call, calls = self._untimed(rotate), calls + 1
            seen = self.clock.mhz() if self.clock.works else float(call)
            steady, over = abs(before / max(seen, 1) - 1) <= 0.01, time.monotonic_ns() - start >= cap_ns
            if calls > 1 and (steady or over):
                return call, time.monotonic_ns() - start, not steady
            before = seen

    def _choose(self, call_ns: float, least_ns: float) -> int:
        """Calls that last so long even if they become a fifth faster; the fastest batch counts."""
        batch, good, enough = 1, 0, 8
        while good < enough:
            w = self._hot(batch)
            self.announce()
            if w.window_ns < min(least_ns / 16, 1e6):
                batch *= 2
                continue
            call_ns = min(call_ns, w.ns)
            good += 4 if w.window_ns >= least_ns else 1
        return max(1, math.ceil(MARGIN * least_ns / call_ns))

    def _hot(self, calls: int) -> _Window:
        (_, made), run = self.copies[0], self.run
        run(made)
        start = time.monotonic_ns()
        for _ in repeat(None, calls):
            run(made)
        ns = time.monotonic_ns() - start
        self.latest = self.copies[0]
        return _Window(calls, ns / calls, ns, start)

    def _rotate(self, calls: int, least_ns: float) -> _Window:
        times: list[int] = []
        start, total, fastest = time.monotonic_ns(), 0, math.inf
        while len(times) < (calls or MOST_CALLS):
            times.append(self._untimed(True))
            total += times[-1]
            fastest = min(fastest, times[-1])
            few = 5 if total < 2e9 else 3
            if not calls and len(times) >= few and fastest * len(times) >= MARGIN * least_ns:
                break
        return _Window(len(times), statistics.median(times), total, start)

    def _sample(self, f: Fields) -> str:
        rotate, calls = f["cache"] == "rotate", int(f["calls"])
        layer, chosen = self._known(f), not calls
        output = layer.batch * layer.out_height * layer.out_width * layer.out_channels
        copies = 1 + math.ceil(self.setting["llc"] / (len(self.data["weights"]) + 4 * output)) if rotate else 1
        least_ns = max(self.setting["min_ns"], TICKS * self.tick_ns)
        self._pin(layer.threads)
        self._place(f, copies)
        gc.collect()
        gc.disable()
        try:
            call_ns, settle_ns, capped = self._settle(rotate, int(f["settle_ns"]))
            if chosen and not rotate:
                calls = self._choose(call_ns, least_ns)
            self.announce(MARGIN * least_ns + 5 * call_ns if rotate else call_ns * (calls + 1))
            before, mhz_before = self._state(layer.threads), self._mhz()
            begin, cpu_begin = time.monotonic_ns(), time.thread_time_ns()
            w = self._rotate(calls, least_ns) if rotate else self._hot(calls)
            cpu_ns, span_ns = time.thread_time_ns() - cpu_begin, time.monotonic_ns() - begin
            mhz_after, after = self._mhz(), self._state(layer.threads)
        finally:
            gc.enable()
        if rotate and chosen and w.ns < TICKS * self.tick_ns:
            raise Skip("a call is shorter than 1000 ticks of the timer")
        told: dict[str, float] = {
            **{"calls": w.calls, "ns": w.ns, "window_ns": w.window_ns, "window_short": w.window_ns < least_ns},
            **{"copies": copies, "settle_ns": settle_ns, "settle_capped": capped, "t_ns": w.t_ns},
            **{"mhz_before": mhz_before, "mhz_after": mhz_after},
            **{"nivcsw": after[0] - before[0], "faults": after[1] - before[1], "cpu_ns": cpu_ns, "span_ns": span_ns},
        }
        if self.getcpu:
            told |= {"cpu_before": before[2], "cpu_after": after[2]}
        return " ".join(["sampled", *(f"{key}={value + 0!r}" for key, value in told.items())])

    def _state(self, threads: int) -> tuple[int, int, int]:
        """Involuntary context switches and page faults so far, of this thread or of all; this thread's CPU."""
        usage = resource.getrusage(resource.RUSAGE_SELF if threads > 1 else resource.RUSAGE_THREAD)
        return usage.ru_nivcsw, usage.ru_minflt + usage.ru_majflt, self.getcpu() if self.getcpu else -1


class _Clock:
    """MHz, from dependent additions of one cycle each, as machine code: where there is some for this machine."""

    ADDITIONS, LOOPS = 256, 1600

    def __init__(self) -> None:
        self.works = False
        if platform.machine() != "x86_64":
            return
        body = b"\x48\x01\xd0" * self.ADDITIONS + b"\x48\xff\xcf"  # add rax, rdx ... dec rdi
        again = b"\x0f\x85" + struct.pack("<i", -len(body) - 6)  # jnz to the first addition
        with contextlib.suppress(OSError):  # the system may forbid it
            self._code = mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            self._code.write(b"\x31\xc0\x31\xd2" + body + again + b"\xc3")  # both from zero; ret
            address = ctypes.addressof(ctypes.c_char.from_buffer(self._code))
            self._run = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(address)
            self.works = True

    def mhz(self) -> float:
        """The fastest of three, since an interruption only slows down; -1: there is none."""
        return max(self._once() for _ in range(3)) if self.works else -1

    def _once(self) -> float:
        start = time.monotonic_ns()
        self._run(self.LOOPS)
        return 1e3 * self.ADDITIONS * self.LOOPS / (time.monotonic_ns() - start)


def _numbers(cpus: str) -> set[int]:
    """Of a list like ``0-3,7``."""
    found: set[int] = set()
    for part in filter(None, cpus.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _step() -> int:
    """The timer's next step, in nanoseconds."""
    start = now = time.monotonic_ns()
    while now == start:
        now = time.monotonic_ns()
    return now - start


def _encoded(text: object) -> str:
    return quote(str(text)[:250], safe="!#$&'()*+,-./:;<=>?@[]^_`{|}~") or "no%20reason%20given"
