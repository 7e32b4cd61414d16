"""Command lines that the workflows of GitHub and GitLab have in common. They run in bash, from the checkout's folder.

The jobs have SHARD (a shard's number), PART (what no other job has: the shard, behind its host where there are
several), SEED (the same in all of them) and BASE in their environment: the revision to measure against; zeros, or
nothing, where there is none; after a force push one that no checkout has.
"""

from __future__ import annotations

from harness.farm.work import Work

HARNESS = ".venv/bin/harness"
PARTS, WHOLE = "parts", "runs/all"  # what the jobs left, and the one run that is made of it
# Package indices and download servers turn away who asks too often. Also for an sh: it has no RANDOM, and waits less.
RETRY = """\
retry() {
  tries=1 pause=5
  until "$@"; do
    code=$?
    [ $tries -lt 4 ] || return $code
    echo "$*: exit code $code, again after a pause" >&2
    sleep $((pause + RANDOM % pause))
    tries=$((tries + 1)) pause=$((pause * 2))
  done
}"""
SETUP = f"{RETRY}\nretry make setup"
VERIFIED = "verify.txt"
EMULATED = "x86_64"  # ABI of emulators on hosted runners
CACHED = (".cache/pip", "build/cache", "build/zig-cache")
MOST_WAIT_S = 3600  # for phones that another job has

_APART_S, _MOST_APART_S = 5, 300  # for each job that begins with this one; for all of them
_PART = f'{PARTS}/"$PART"'
_RUN = f"{_PART}/run"
_NO_BASE = """\
case "$BASE" in *[!0]*) ;; *) BASE= ;; esac
if [ -n "$BASE" ] && ! git cat-file -e "$BASE^{commit}"; then
  echo "this checkout has no commit $BASE: measured without a base" >&2
  BASE=
fi"""


def start_apart(jobs: int) -> str:
    """A random pause, so that jobs that begin together do not ask the service and the package index together."""
    return f"sleep $((RANDOM % {min(_APART_S * jobs, _MOST_APART_S)}))"


def measure(work: Work) -> str:
    """One shard on every phone of the host, beside the base in the same rounds; alone where the base is the same
    program, which `harness run` does not measure: a job leaves a run in any case, and a file where it cannot begin one.
    """
    words = [
        *(HARNESS, "run", *work.options(), "--device", "all", "--wait", str(MOST_WAIT_S), "--seed", '"$SEED"'),
        *(("--shard", f'"$SHARD/{work.shards}"') if work.shards > 1 else ()),
        *("--out", _RUN, "--export", "junit", '"$@"'),
    ]
    return "\n".join(
        (
            f'mkdir -p {_PART}\necho "$PART" > {_PART}/job.txt',
            _NO_BASE,
            f"measure() {{ {' '.join(words)}; }}",
            'measure ${BASE:+--against "$BASE" --confirm}',
            f"[ -e {_RUN} ] || measure",
        )
    )


def collect(jobs: int) -> str:
    """Puts the runs of all jobs together; exit code 3 where one is missing, also where none came at all."""
    return f"mkdir -p {PARTS}\n{HARNESS} farm collect {PARTS} --jobs {jobs} --out {WHOLE}"


def gate() -> str:
    """Exit code 1 where something is slower than the base; nothing to do where none was measured."""
    told = 'echo "measured without a base: nothing to compare"'
    return f"if grep -q '^  \"against\": \\[\\]' {WHOLE}/manifest.json; then {told}; else {HARNESS} compare {WHOLE}; fi"


def verify(work: Work) -> str:
    """Correctness without timing, on the emulator."""
    return f"{HARNESS} verify {work.options()[0]} --device all --abi {EMULATED} > {VERIFIED}"
