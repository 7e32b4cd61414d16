"""This machine as the phone of these tests: what runs on it, and programs that say what they are told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def wait_for(condition: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def says(phone: Any, program: str, output: bytes) -> None:
    """That program of the phone prints this, whatever it is asked."""
    (phone.root / "bin" / f"{program}.out").write_bytes(output)
    file = phone.root / "bin" / program
    file.write_text(f'#!/bin/sh\nexec cat "{file}.out"\n')
    file.chmod(0o755)
