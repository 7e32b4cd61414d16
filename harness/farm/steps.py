"""Command lines that the workflows of GitHub and GitLab have in common. They run in bash, from the checkout's folder.

The jobs have SHARD (a shard's number), SEED (the same in all of them) and BASE in their environment: the revision to
measure against; zeros, or nothing, where there is none; after a force push one that no checkout has.
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

_RUN = f'{PARTS}/"$SHARD"/run'
_NO_BASE = """\
case "$BASE" in *[!0]*) ;; *) BASE= ;; esac
if [ -n "$BASE" ] && ! git cat-file -e "$BASE^{commit}"; then
  echo "this checkout has no commit $BASE: measured without a base" >&2
  BASE=
fi"""


def measure(work: Work) -> str:
    """One shard on every phone of the host, beside the base in the same rounds; alone where the base is the same
    program, which `harness run` does not measure: a job leaves a run in any case.
    """
    words = [
        *(HARNESS, "run", *work.options(), "--device", "all", "--wait", str(MOST_WAIT_S), "--seed", '"$SEED"'),
        *(("--shard", f'"$SHARD/{work.shards}"') if work.shards > 1 else ()),
        *("--out", _RUN, "--export", "junit", '"$@"'),
    ]
    return "\n".join(
        (
            _NO_BASE,
            f"measure() {{ {' '.join(words)}; }}",
            'measure ${BASE:+--against "$BASE" --confirm}',
            f"[ -e {_RUN} ] || measure",
        )
    )


def collect() -> str:
    """Puts the runs of all jobs together; exit code 3 where one is missing, also where none came at all."""
    return f"mkdir -p {PARTS}\n{HARNESS} farm collect {PARTS} --out {WHOLE}"


def gate() -> str:
    """Exit code 1 where something is slower than the base; nothing to do where none was measured."""
    told = 'echo "measured without a base: nothing to compare"'
    return f"if grep -q '^  \"against\": \\[\\]' {WHOLE}/manifest.json; then {told}; else {HARNESS} compare {WHOLE}; fi"


def verify(work: Work) -> str:
    """Correctness without timing, on the emulator."""
    return f"{HARNESS} verify {work.options()[0]} --device all --abi {EMULATED} > {VERIFIED}"
