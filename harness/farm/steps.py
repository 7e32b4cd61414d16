"""Command lines that the workflows of GitHub and GitLab have in common. They run in bash, from the checkout's folder.

The jobs have SHARD (a shard's number), SEED (the same in all of them) and BASE in their environment: the revision to
measure against; zeros, or nothing, where there is none.
"""

from __future__ import annotations

from harness.farm.work import Work

HARNESS = ".venv/bin/harness"
PARTS, WHOLE = "parts", "runs/all"  # what the jobs left, and the one run that is made of it
SETUP = "make setup"
VERIFIED = "verify.txt"
EMULATED = "x86_64"  # ABI of emulators on hosted runners
CACHED = (".cache/pip", "build/cache", "build/zig-cache")
MOST_WAIT_S = 3600  # for phones that another job has

_NO_BASE = 'case "$BASE" in *[!0]*) ;; *) BASE= ;; esac'


def measure(work: Work) -> str:
    """One shard on every phone of the host, beside the base in the same rounds."""
    words = [
        *(HARNESS, "run", *work.options(), "--device", "all", "--wait", str(MOST_WAIT_S), "--seed", '"$SEED"'),
        *(("--shard", f'"$SHARD/{work.shards}"') if work.shards > 1 else ()),
        *("--out", f'{PARTS}/"$SHARD"/run', "--export", "junit", '${BASE:+--against "$BASE" --confirm}'),
    ]
    return f"{_NO_BASE}\n{' '.join(words)}"


def collect() -> str:
    """Puts the runs of all jobs together; exit code 3 where one is missing."""
    return f"{HARNESS} farm collect {PARTS} --out {WHOLE}"


def gate() -> str:
    """Exit code 1 where something is slower than the base; nothing to do without one."""
    return f'{_NO_BASE}\nif [ -n "$BASE" ]; then {HARNESS} compare {WHOLE}; fi'


def verify(work: Work) -> str:
    """Correctness without timing, on the emulator."""
    return f"{HARNESS} verify {work.options()[0]} --device all --abi {EMULATED} > {VERIFIED}"
