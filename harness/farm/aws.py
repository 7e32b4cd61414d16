"""AWS Device Farm: a test package and test specs for its custom environment, whose hosts have adb, Python and a phone.

Where each fact of the service is from: docs/farms.md.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from harness.errors import InfrastructureError
from harness.farm import starting, wheels
from harness.farm.work import Work, new_folder
from harness.paths import shown_path
from harness.toolchain import cache
from harness.toolchain.builder import Built

MOST_MINUTES = 150  # of a job, a hard limit of the service
MARGIN_MINUTES = 10  # kept free of a job's time: to stop, to write the report, for the service to collect
MOST_BYTES = 4 << 30  # of an upload
PACKAGE = "harness-package.zip"
RUN = "harness-run"  # the run directory, in the folder that the service collects

_AT = '"$DEVICEFARM_TEST_PACKAGE_PATH"'
_DATE = (1980, 1, 1, 0, 0, 0)

_LAUNCHER = """\
#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The harness of this package, with the programs that were built for it, and its state beside it.
here=$(cd "$(dirname "$0")" && pwd)
export HARNESS_BUILT="$here/built" XDG_CACHE_HOME="$here/cache" XDG_STATE_HOME="$here/state"
exec "$here/venv/bin/harness" "$@"
"""

# The service refuses a package of Appium for Python without a test in tests/; the test spec does not run it.
_TEST = '''\
"""For the check of the upload: what is measured stands in the test spec."""

import subprocess
from pathlib import Path


def test_the_harness_starts() -> None:
    launcher = Path(__file__).resolve().parent.parent / "harness.sh"
    assert subprocess.run(["bash", str(launcher), "--version"], check=False).returncode == 0
'''


@dataclass(frozen=True)
class Package:
    """What was written. ``size``: of the package, in bytes; ``wheels``: names of the packages' files in it."""

    package: Path
    specs: tuple[Path, ...]
    start: Path  # the script that takes both there
    size: int
    wheels: tuple[str, ...]


def make_package(
    work: Work, out: Path, built: Built, seed: int, minutes: int, own: Path | None, say: Callable[[str], None]
) -> Package:
    """Writes the package, a test spec for each shard and the script that starts them into ``out``, absent or empty.

    ``built``: convbench for the phones; ``own``: the harness's wheel, None: made here. Raises UsageError,
    InfrastructureError.
    """
    check(work, own)
    new_folder(out)
    with TemporaryDirectory(prefix="harness-farm-") as folder:
        there = Path(folder)
        (there / "wheels").mkdir()
        say(f"gathering wheels for {wheels.PLATFORM}, Python {wheels.PYTHON}")
        lock = wheels.gather(there / "wheels", own)
        files: dict[str, bytes | Path] = {
            "requirements.txt": lock.encode(),
            "harness.sh": _LAUNCHER.encode(),
            "tests/test_harness.py": _TEST.encode(),
            **dict(_built_files(built)),
            **{f"wheels/{wheel.name}": wheel for wheel in (there / "wheels").glob("*.whl")},
            **work.files,
        }
        package = out / PACKAGE
        _write_zip(package, files)
    size = package.stat().st_size
    if size > MOST_BYTES:
        raise InfrastructureError(
            f"{package} has {size >> 20} MiB, the service takes {MOST_BYTES >> 20} MiB", "leave out large files"
        )
    specs = tuple(_write_specs(work, out, seed, minutes))
    start = out / starting.NAME
    start.write_text(starting.script(PACKAGE, minutes), "utf-8")
    return Package(package, specs, start, size, tuple(sorted(n[7:] for n in files if n.startswith("wheels/"))))


def check(work: Work, own: Path | None) -> None:
    """Raises UsageError for what no package can be made of: before anything is built."""
    work.check()
    if own is not None:
        wheels.check_own(own)


def _built_files(built: Built) -> Iterator[tuple[str, Path]]:
    for name in (cache.PROGRAM, cache.LIBRARY, cache.RECORD):
        yield f"built/{built.abi}-{built.toolchain}/{name}", built.path.parent / name


def _write_zip(out: Path, files: dict[str, bytes | Path]) -> None:
    try:
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in sorted(files.items()):
                info = zipfile.ZipInfo(name, _DATE)
                info.external_attr = 0o100644 << 16
                info.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
                archive.writestr(info, content if isinstance(content, bytes) else content.read_bytes())
    except OSError as error:
        raise InfrastructureError(
            f"{shown_path(out)} could not be written: {error.strerror or error}", "free some space"
        ) from error


def _write_specs(work: Work, out: Path, seed: int, minutes: int) -> Iterator[Path]:
    for shard in range(1, work.shards + 1):
        name = "testspec.yml" if work.shards == 1 else f"testspec-{shard}-of-{work.shards}.yml"
        text = yaml.safe_dump(test_spec(work, shard, seed, minutes), sort_keys=False, width=1000)
        (out / name).write_text(text, "utf-8")
        yield out / name


def test_spec(work: Work, shard: int, seed: int, minutes: int) -> dict[str, Any]:
    """The test spec of one shard, as data. ``minutes``: the job's timeout, as it is set when the run is scheduled.

    No command relies on what another one left in the shell, but for the choice of Python.
    """
    limit_s = (minutes - MARGIN_MINUTES) * 60
    harness = f"bash {_AT}/harness.sh"
    words = [
        *("run", *work.options(f"{_AT}/"), "--device", '"$DEVICEFARM_DEVICE_UDID"', "--seed", str(seed)),
        *(("--shard", f"{shard}/{work.shards}") if work.shards > 1 else ()),
        *("--out", f'"$DEVICEFARM_LOG_DIR"/{RUN}', "--export", "junit"),
        *("--timeout", f"$(( {limit_s} - $(date +%s) + $(cat {_AT}/began) ))"),
    ]
    install = [
        f"date +%s > {_AT}/began",
        f"devicefarm-cli use python {wheels.PYTHON}",
        f"python3 -m venv {_AT}/venv",
        f"{_AT}/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-index --no-deps "
        f"--require-hashes --find-links {_AT}/wheels --requirement {_AT}/requirements.txt",
    ]
    doctor = f'{harness} doctor --device "$DEVICEFARM_DEVICE_UDID" --json > "$DEVICEFARM_LOG_DIR"/doctor.json || true'
    return {
        "version": 0.1,
        "android_test_host": "amazon_linux_2",
        "phases": {
            "install": {"commands": install},
            "pre_test": {"commands": [doctor]},
            "test": {"commands": [f"{harness} {' '.join(words)}"]},
            "post_test": {"commands": [f'cat "$DEVICEFARM_LOG_DIR"/{RUN}/summary.md || true']},
        },
        "artifacts": ["$DEVICEFARM_LOG_DIR"],
    }
