"""Packages of the table from the registries of this machine: by pip, and by apt with a configuration of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.bootstrap import clean_environment
from harness.comparators import places
from harness.comparators.table import Library, Machine, Package
from harness.comparators.unpacking import unpack
from harness.digest import sha256_of
from harness.errors import InfrastructureError
from harness.toolchain.cache import lock

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_OWN = "or name a build of your own: harness comparators fetch NAME --from DIR"
_TIMEOUT_S = 1800
_ASKED = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"

Say = Callable[[str], None]


def is_fetched(library: Library, machine: Machine) -> bool:
    """Whether all of its packages are there."""
    return all(places.unpacked(package, machine).is_dir() for package in library.packages)


def fetch(library: Library, machine: Machine, say: Say) -> None:
    """Downloads and unpacks what is missing of a library. Raises InfrastructureError; nothing is unpacked then."""
    places.root().mkdir(parents=True, exist_ok=True)
    for package in library.packages:
        folder = places.unpacked(package, machine)
        if folder.is_dir():
            continue
        say(f"fetching {package.name} {package.version} for {machine}")
        with tempfile.TemporaryDirectory(dir=places.root(), prefix=".fetching-") as temporary:
            download, made = Path(temporary) / "download", Path(temporary) / "unpacked"
            download.mkdir()
            made.mkdir()
            file = (_of_apt if package.apt else _of_pip)(package, machine, download, say)
            check(file, package, machine)
            unpack(file, package.taken(machine), made)
            folder.parent.mkdir(parents=True, exist_ok=True)
            if not folder.is_dir():  # another process may have been faster
                made.rename(folder)


def check(file: Path, package: Package, machine: Machine) -> None:
    """Raises InfrastructureError where it is not the file that the table names."""
    found, wanted = sha256_of(file), package.sha256[machine]
    if found != wanted:
        raise InfrastructureError(
            f"{package.name} {package.version} for {machine} has SHA-256 {found}, not {wanted}: refused, nothing of it "
            "is unpacked",
            f"a registry or a cache between has another file under that name; try again, {_OWN}",
        )


def _of_pip(package: Package, machine: Machine, folder: Path, _: Say) -> Path:
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    argv += ["--no-deps", "--only-binary", ":all:", "--python-version", package.python]
    argv += ["--platform", package.platform.format(machine=machine), "--dest", str(folder)]
    _run([*argv, f"{package.pip}=={package.version}"], package)
    return _only(folder, "*.whl", package)


def _of_apt(package: Package, machine: Machine, folder: Path, say: Say) -> Path:
    """By a configuration of its own: the system's lists and architectures stay as they are."""
    with lock(places.root(), say, ".apt.lock"):
        return _downloaded(package, machine, folder)


def _downloaded(package: Package, machine: Machine, folder: Path) -> Path:
    state = places.root() / "apt" / package.suite
    config = _configured(state, package.suite)
    wanted = f"{package.apt}:{package.debian(machine)}={package.version}"
    if not any((state / "lists").glob("*_Packages*")):
        _run(["apt-get", "-c", str(config), "-q", "update"], package)
    try:
        _run(["apt-get", "-c", str(config), "-q", "download", wanted], package, folder)
    except InfrastructureError:  # what the lists name may have moved on
        _run(["apt-get", "-c", str(config), "-q", "update"], package)
        _run(["apt-get", "-c", str(config), "-q", "download", wanted], package, folder)
    return _only(folder, "*.deb", package)


def _configured(state: Path, suite: str) -> Path:
    if shutil.which("apt-get") is None:
        raise InfrastructureError("apt-get is not on this machine: these packages are Debian's", _OWN)
    if not KEYRING.is_file():
        raise InfrastructureError(
            f"{KEYRING} is not there: nothing tells Debian's packages from others",
            f"apt-get install debian-archive-keyring, {_OWN}",
        )
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    lines = ['APT::Architectures {"amd64";"arm64";};', f'Dir::State "{state}";', f'Dir::State::lists "{state}/lists";']
    lines += [f'Dir::State::status "{state}/status";', f'Dir::Cache "{state}/cache";']
    lines += [f'Dir::Etc::sourcelist "{state}/sources.list";', 'Dir::Etc::sourceparts "-";']
    lines += ['APT::Sandbox::User "root";'] * (os.geteuid() == 0)  # its own user may not read the folder
    config = state / "apt.conf"
    config.write_text("\n".join(lines) + "\n")
    return config


def _mirror() -> str:
    """Debian's archive as this machine's own sources name it."""
    argv = ["apt-get", "indextargets", "--format", _ASKED, "Created-By: Packages"]
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False)
    mirror = mirror_in(done.stdout)
    if not mirror:
        raise InfrastructureError("apt's sources on this machine name no archive of Debian", f"add one, {_OWN}")
    return mirror


def mirror_in(told: str) -> str:
    """The first archive of Debian among lines of ORIGIN|LABEL|URI; without a list the origin is not known."""
    found = [line.split("|") for line in told.splitlines() if line.count("|") == 2]
    for is_it in (
        lambda o, n, _: (o, n) == ("Debian", "Debian"),
        lambda *each: each[2].rstrip("/").endswith("/debian"),
    ):
        for each in found:
            if is_it(*each) and each[2].isprintable() and " " not in each[2]:
                return each[2]
    return ""


def _only(folder: Path, pattern: str, package: Package) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise InfrastructureError(f"{package.name} {package.version}: {len(found)} files came", _OWN)
    return found[0]


def _run(argv: Sequence[str], package: Package, folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environment(dict(os.environ)) | {"LC_ALL": "C.UTF-8"},
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
        said, code = done.stdout.strip(), done.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        said, code = str(error), 1
    if code:
        told = [line for line in said.splitlines() if line.startswith(("E:", "ERROR:"))] or said.splitlines()
        raise InfrastructureError(
            f"{package.name} {package.version} cannot be fetched: {(told or ['no reason given'])[-1][:300]}",
            f"see whether the registry is reached, or has another version by now; {_OWN}",
        )
