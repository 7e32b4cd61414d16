"""A worker in a few lines, as any program may be one. The environment's BEHAVIOUR names what it does wrong.

Started by convbench as `PROGRAM worker` with a socket as descriptor 3 (native/bench/wire/protocol.h).
"""

import os
import signal
import socket
import sys
import time

BEHAVIOUR = os.environ.get("BEHAVIOUR", "")
SAMPLE_S = float(os.environ.get("SAMPLE_S", "0"))
HELLO = (
    "hello protocol=2 build=0123456789abcdef pid={pid} cpus=0 clock_available=0 clock_reason=fake clock_mhz=0 "
    "peak_isa=none peak_ok=0 peak_flop_per_cycle=0 peak_fmas_per_cycle=0 peak_gflops=0 peak_reason=fake"
)
CREATED = "created algorithm={algorithm} method=fake kernel=fake schedule=fake " + " ".join(
    f"{kind}_bytes=64" for kind in ("input", "output", "weights", "pointer", "matrix", "padding", "object")
)
SAMPLED = (
    "sampled calls={calls} ns=1000 window_ns=1000 window_short=0 copy_ns=-1 copies=1 settle_ns=1 settle_capped=0 "
    "mhz_before=-1 mhz_after=-1 cpu_before=0 cpu_after=0 repinned=0 nivcsw=0 faults=0 t_ns=1 checksum={sum} input=64 "
    "weights=64 output=64 pointers=0 matrix=0"
)


def answer(word: str, fields: dict[str, str], say: socket.socket) -> str:
    if BEHAVIOUR == "knows no threads" and ("threads" in fields or "cpus" in fields):
        return "failed reason=unknown%20key"
    if word == "hello":
        if BEHAVIOUR == "never starts":
            time.sleep(600)
        if BEHAVIOUR.endswith("at hello"):
            os.kill(os.getpid(), signal.SIGKILL if BEHAVIOUR == "is killed at hello" else signal.SIGSEGV)
        return HELLO.format(pid=os.getpid())
    if word == "layer":
        return "ok"
    if word == "create":
        created = CREATED.format(algorithm=fields["algorithm"].replace("auto", "indirect"))
        if BEHAVIOUR == "changes its mind":
            created = created.replace("schedule=fake", f"schedule=fake{os.getpid()}")
        if BEHAVIOUR == "does not say what runs":
            created = created.replace(" schedule=fake", "")
        return f"{created} create_ns=1 reshape_ns=1"
    if word == "check" and BEHAVIOUR == "fails its check":
        return "failed reason=no%20luck"
    if word == "check":
        return "checked outputs=1 ok=1 error_over_bound=0 checksum=7"
    if BEHAVIOUR == "hangs over object 0" and fields["object"] == "0":
        time.sleep(600)
    if BEHAVIOUR == "fails over object 0" and fields["object"] == "0":
        return "failed reason=no%20luck"
    if BEHAVIOUR == "is hindered over object 0" and fields["object"] == "0":
        return "failed reason=no%20luck external=1"
    if BEHAVIOUR == "is killed in its second round" and fields["calls"] != "0":
        os.kill(os.getpid(), signal.SIGKILL)
    if BEHAVIOUR == "announces":
        say.sendall(b"busy ns=20000000000\n")
    time.sleep(SAMPLE_S)
    wrong = BEHAVIOUR == "turns wrong" and fields["calls"] != "0"
    return SAMPLED.format(calls=max(1, int(fields["calls"])), sum=8 if wrong else 7)


def main() -> None:
    conductor = socket.socket(fileno=3)
    for line in conductor.makefile("r"):
        word, *rest = line.split()
        reply = answer(word, dict(part.split("=", 1) for part in rest), conductor)
        conductor.sendall(f"{reply}\n".encode())


if sys.argv[1:] == ["worker"]:
    main()
