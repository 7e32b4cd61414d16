"""A lab host with replayed phones: ``python -m benchmarks.hosts.host ADDRESS NAME FIRST COUNT FILE SECONDS [DIR]``.

DIR: its certificates.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from benchmarks.hosts.replay import Recording, ReplayPhone, Replays
from harness.hosts.address import parse
from harness.hosts.bench import Bench
from harness.hosts.security import security
from harness.hosts.serving import serve


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Serves until SIGTERM."""
    address, name, first, count, file, seconds, *folders = sys.argv[1:]
    at = parse(address)
    trusted = security(at, Path(folders[0]) if folders else None)
    recording = Recording.read(Path(file), float(seconds))
    phones = [ReplayPhone(int(first) + index, recording) for index in range(int(count))]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serve(Bench(name, Replays(phones), _say), at, trusted, stop, _say)


if __name__ == "__main__":
    main()
