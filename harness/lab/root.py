"""A phone's root folder: Debian's mksh, toybox and busybox laid out as on Android, and the state shown inside it.

Runs as real root in the supervisor's own mount namespace: no mount is ever seen by the rest of the host.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import InfrastructureError
from harness.lab.namespaces import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_REMOUNT, bind, mount

SHELL_UID = 2000
SYSTEM_UID = 1000
SHELL_GROUPS = (1004, 1007, 1011, 1015, 1028, 3001, 3002, 3003, 3006, 3009, 3011)
PROGRAMS = Path(__file__).with_name("programs")

# What runs programs of an ABI, where the host does not by itself.
EMULATORS = {"arm64-v8a": "qemu-aarch64-static", "armeabi-v7a": "qemu-arm-static", "x86_64": "qemu-x86_64-static"}
_OWN_ABI = {"x86_64": "x86_64", "aarch64": "arm64-v8a"}  # by the host's machine
TOOLS = ("mksh", "toybox", "busybox")
APT_LINE = "apt-get install -y qemu-user-static mksh toybox busybox-static"
_SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"

# What Android's toybox has and Debian's lacks.
_FROM_BUSYBOX = (
    "awk",
    "dd",
    "diff",
    "expr",
    "more",
    "ps",
    "stty",
    "sysctl",
    "tr",
    "unzip",
    "vi",
    "gzip",
    "pgrep",
    "pkill",
)
# Not on a phone.
_NOT_FROM_TOYBOX = {"su", "login", "httpd", "wget", "oneit", "poweroff", "halt"}
_FOLDERS = (
    *("data", "mnt", "proc", "sys", "system/bin", "system/etc", "system/lab", "vendor/bin"),
    *("dev/pts", "dev/__properties__", "dev/__kernel__", "dev/__services__", "dev/__binfmt__"),
)
_LINKS = {
    "bin": "/system/bin",
    "etc": "/system/etc",
    "dev/ptmx": "pts/ptmx",
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "/proc/self/fd/0",
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
}
_DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}
_USERS = "root:x:0:0::/:/system/bin/sh\nsystem:x:1000:1000::/:/system/bin/sh\nshell:x:2000:2000::/:/system/bin/sh\n"
_GROUP = (
    "root:x:0:\nsystem:x:1000:\ninput:x:1004:\nlog:x:1007:\nadb:x:1011:\nsdcard_rw:x:1015:\nsdcard_r:x:1028:\n"
    "shell:x:2000:\nnet_bt_admin:x:3001:\nnet_bt:x:3002:\ninet:x:3003:\nnet_bw_stats:x:3006:\nreadproc:x:3009:\nuhid:x:3011:\n"
)


def is_native(abi: str) -> bool:
    """Whether the host runs programs of an ABI without an emulator."""
    return abi == _OWN_ABI.get(os.uname().machine)


def host_tools(abis: Iterable[str] = ("arm64-v8a",)) -> dict[str, str]:
    """Paths of the programs that phones of these ABIs are made of.

    Raises InfrastructureError naming what is missing.
    """
    path = os.environ.get("PATH", "") + ":" + _SEARCH
    found = {name: shutil.which(name, path=path) for name in TOOLS}
    for qemu in {EMULATORS[abi] for abi in abis if abi in EMULATORS and not is_native(abi)}:
        found[qemu] = shutil.which(qemu, path=path)
        if not found[qemu]:
            plain = shutil.which(qemu.removesuffix("-static"), path=path)  # newer packages: static under this name
            found[qemu] = plain if plain and not libraries(plain) else None
    missing = sorted(name for name, where in found.items() if not where)
    if missing:
        raise InfrastructureError(f"virtual phones need {', '.join(missing)} on this host", f"Run: {APT_LINE}")
    return {name: where for name, where in found.items() if where}


def libraries(program: str) -> list[str]:
    """The shared libraries and the loader of a host program, as absolute paths."""
    output = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    words = (word for line in output.splitlines() for word in line.split())
    return sorted({word for word in words if word.startswith("/")})


def choose_mountpoint(*used: Path) -> Path:
    """A folder every host has that may be mounted over, privately, because nothing in ``used`` lies below it."""
    for name in ("/mnt", "/media", "/srv", "/opt", "/home"):
        place = Path(name)
        if place.is_dir() and not any(path.is_relative_to(place) for path in used):
            return place
    raise InfrastructureError("no folder to mount a phone's root on", "Create an empty folder /mnt on this host.")


def build_root(root: Path, tools: dict[str, str]) -> None:
    """Fills ``root`` (an empty tmpfs) with programs, devices and empty folders."""
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    _install_programs(root, tools)
    (root / "system" / "etc" / "passwd").write_text(_USERS)
    (root / "system" / "etc" / "group").write_text(_GROUP)
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    for name, minor in _DEVICES.items():
        _make_device(root / "dev" / name, 1, minor)
    _make_device(root / "dev" / "tty", 5, 0)


def _install_programs(root: Path, tools: dict[str, str]) -> None:
    binaries = root / "system" / "bin"
    for name in ("mksh", "toybox", "busybox"):
        shutil.copy(tools[name], binaries / name)
        for library in libraries(tools[name]):
            target = root / library.lstrip("/")
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(library, target)
    (binaries / "sh").symlink_to("mksh")
    for program in PROGRAMS.iterdir():
        shutil.copyfile(program, binaries / program.name)
        (binaries / program.name).chmod(0o755)
    applets = subprocess.run([tools["toybox"]], capture_output=True, text=True, check=False).stdout.split()
    for binary, names in (("toybox", applets), ("busybox", _FROM_BUSYBOX)):
        for name in names:
            link = binaries / name
            if name not in _NOT_FROM_TOYBOX and not link.exists():
                link.symlink_to(binary)


def _make_device(path: Path, major: int, minor: int) -> None:
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
    path.chmod(0o666)


def own_tree(root: Path, uid: int) -> None:
    """Gives a tree to ``uid`` (and the group of the same number)."""
    os.chown(root, uid, uid, follow_symlinks=False)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, uid, uid, follow_symlinks=False)


def mount_root(root: Path, state: Path, tools: dict[str, str], base: int, disk_bytes: int) -> None:
    """Mounts the phone's root at ``root``: read-only system, /sys and properties of ``state``, its own writable /data.

    ``base`` is the host's number of the phone's user 0.
    """
    mount("phone", root, "tmpfs", MS_NOSUID, "mode=0755,size=64m")
    build_root(root, tools)
    own_tree(root, base)
    for name, inside in (("sys", "sys"), ("properties", "dev/__properties__"), ("kernel", "dev/__kernel__")):
        own_tree(state / name, base)
        bind(state / name, root / inside, read_only=True, flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("data", root / "data", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=0771,size={disk_bytes}")
    os.chown(root / "data", base + SYSTEM_UID, base + SYSTEM_UID)
    for folder, mode, owner in (
        ("local", 0o751, 0),
        ("local/tmp", 0o771, SHELL_UID),
        ("property", 0o771, SHELL_UID),
        ("system", 0o775, SYSTEM_UID),
        ("system/settings", 0o771, SHELL_UID),
    ):
        path = root / "data" / folder
        path.mkdir()
        path.chmod(mode)
        os.chown(path, base + owner, base + owner)
    for name, inside in (("settings", "data/system/settings"), ("services", "dev/__services__")):
        own_tree(state / name, base + SHELL_UID)
        bind(state / name, root / inside, flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount(None, root, None, MS_REMOUNT | MS_RDONLY | MS_NOSUID, "")


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """The supervisor may change the system; the phone's own mount of it stays read-only."""
    mount(None, root, None, MS_REMOUNT | MS_NOSUID, "")
    try:
        yield
    finally:
        mount(None, root, None, MS_REMOUNT | MS_RDONLY | MS_NOSUID, "")


def substitute_program(root: Path, name: str, text: str | None) -> None:
    """Puts a script in the place of a program, or takes it away (None); the real one is /system/lab/NAME meanwhile."""
    program, kept = root / "system" / "bin" / name, root / "system" / "lab" / name
    with _writable(root):
        if not kept.is_symlink() and not kept.exists():
            if program.is_symlink():
                kept.symlink_to(Path("/system/bin") / program.readlink())
                program.unlink()
            else:
                program.rename(kept)
        if text is None:
            program.unlink(missing_ok=True)
            return
        fresh = program.with_name(f".{name}.new")
        fresh.write_text(text)
        fresh.chmod(0o755)
        fresh.replace(program)


def restore_program(root: Path, name: str) -> None:
    """Puts the real program back; none is missed where it is there."""
    program, kept = root / "system" / "bin" / name, root / "system" / "lab" / name
    with _writable(root):
        if kept.is_symlink() or kept.exists():
            kept.replace(program)


def resize_disk(root: Path, disk_bytes: int) -> None:
    """Changes the size of /data; below what is used, nothing more can be written."""
    mount("data", root / "data", "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, f"size={disk_bytes}")
