"""Somebody else's program, in a few lines of the protocol as it is (native/bench/wire/protocol.h), without a library.

It convolves in plain Python. The name of its file says what it does wrong: ``honest``, ``liar``, ...
"""

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from urllib.parse import unquote

BEHAVIOUR = Path(sys.argv[0]).name
Fields = dict[str, str]


def read(path: str) -> list[float]:
    data = Path(path).read_bytes()
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def convolve(f: Fields) -> list[float]:
    n = {key: int(value) for key, value in f.items() if value.isdigit()}
    x, w, out = read(f["input"]), read(f["weights"]), read(f["bias"]) * (n["batch"] * n["out_h"] * n["out_w"])
    cin, cout = n["cin"] // n["groups"], n["cout"] // n["groups"]
    at = 0
    for b in range(n["batch"]):
        for oy in range(n["out_h"]):
            for ox in range(n["out_w"]):
                for c in range(n["cout"]):
                    for ky in range(n["kh"]):
                        for kx in range(n["kw"]):
                            y = oy * n["sh"] + ky * n["dh"] - n["pt"]
                            z = ox * n["sw"] + kx * n["dw"] - n["pl"]
                            if 0 <= y < n["h"] and 0 <= z < n["w"]:
                                i = ((b * n["h"] + y) * n["w"] + z) * n["cin"] + c // cout * cin
                                k = ((c * n["kh"] + ky) * n["kw"] + kx) * cin
                                out[at] += sum(x[i + j] * w[k + j] for j in range(cin))
                    out[at] = min(max(out[at], float(f["min"])), float(f["max"]))
                    at += 1
    return out


def kill_checker() -> None:
    parent = os.getppid()
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0check\0"):
            os.kill(int(pid), signal.SIGKILL)


class Worker:
    def __init__(self) -> None:
        self.layer: Fields = {}
        self.output: list[float] = []
        self.threads: dict[str, str] = {}  # by object
        self.sampled = ""  # the object of the latest sample, which `check` does not look at

    def hello(self, f: Fields) -> str:
        if BEHAVIOUR == "another-version":
            return "hello protocol=1"
        if BEHAVIOUR == "no-version":
            return "hello build=12"
        return "hello protocol=2"

    def take_layer(self, f: Fields) -> str:
        self.layer = f
        if BEHAVIOUR == "picky":
            return "skip reason=no%20such%20layers"
        self.output = convolve(f)
        if BEHAVIOUR == "liar":
            self.output = [0.0] * len(self.output)
        return "ok"

    def create(self, f: Fields) -> str:
        if BEHAVIOUR == "bad-name":
            return "created schedule=a/b"
        if BEHAVIOUR == "telling":
            return "created method=plain kernel=loops schedule=loops+slow weights_bytes=64 create_ns=5 reshape_ns=6"
        if BEHAVIOUR.startswith("wrong-on-"):
            self.threads[f["object"]] = f["threads"]
            return f"created threads={f['threads']}"
        return "created"

    def check(self, f: Fields) -> str:
        values = self.output
        if BEHAVIOUR == "size-liar":
            values = values[:-1]
        if BEHAVIOUR == "writes-nothing":
            return "checked outputs=256 ok=1 error_over_bound=0 checksum=7"
        if BEHAVIOUR == "right-once" and f["compute"] == "0":
            values = [value + 0.5 for value in values]
        if f["compute"] == "0" and f"wrong-on-{self.threads.get(self.sampled)}" == BEHAVIOUR:
            values = [value + 0.5 for value in values]
        if BEHAVIOUR == "killer" and f["compute"] == "0" and self.layer["name"] == "small":
            kill_checker()
        Path(f["output"]).write_bytes(struct.pack(f"<{len(values)}f", *values))
        if BEHAVIOUR in ("liar", "turns"):
            return "checked outputs=256 ok=1 error_over_bound=0 checksum=7"
        return "checked"

    def sample(self, f: Fields) -> str:
        if BEHAVIOUR == "dying":
            os.kill(os.getpid(), signal.SIGSEGV)
        if BEHAVIOUR == "hanging":
            time.sleep(600)
        if BEHAVIOUR == "babbling-protocol":
            return "ready%20steady go\x07 " + "x" * 300
        if BEHAVIOUR == "endless":
            return "sampled " + "x" * 20000
        self.sampled = f["object"]
        calls, start = max(1, int(f["calls"])), time.monotonic_ns()
        time.sleep(0.001)
        ns = time.monotonic_ns() - start
        told = {"calls": calls, "ns": ns / calls, "window_ns": ns}
        if f["cache"] == "rotate" and BEHAVIOUR != "no-copies":
            told["copies"] = 3
        if BEHAVIOUR == "telling":
            told |= {"cpu_before": 0, "cpu_after": 0, "nivcsw": 1, "faults": 2, "repinned": 0, "input": 4096}
        if BEHAVIOUR == "turns":
            told["checksum"] = 8
        if BEHAVIOUR == "slow-clock":
            told |= {"ns": 3600e9 / calls, "window_ns": 3600e9}
        if BEHAVIOUR == "wrong-unit":
            told["ns"] /= 1000
        if BEHAVIOUR == "no-time":
            del told["ns"]
        return "sampled " + " ".join(f"{key}={value:.17g}" for key, value in told.items())


def main() -> None:
    conductor = socket.socket(fileno=3)
    worker = Worker()
    answers = {**{name: getattr(worker, name) for name in ("hello", "create", "check", "sample")}}
    answers["layer"] = worker.take_layer
    if BEHAVIOUR == "babbling":
        print('welcome to my library\n{"type":"sample"}', flush=True)
    for line in conductor.makefile("r"):
        word, *rest = line.split()
        fields = {key: unquote(value) for key, value in (part.split("=", 1) for part in rest)}
        conductor.sendall(f"{answers[word](fields)}\n".encode())


if sys.argv[1:] == ["worker"]:
    main()
