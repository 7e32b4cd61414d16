"""The work folder of a device: whether programs can be written to it and run there, its space."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.control.conditions import says
from harness.control.conditions.known import NotKnown
from harness.control.conditions.says import Mount
from harness.devices.base import Device
from harness.devices.scripts import new_token, script

_DEADLINE_S = 8.0
_ANSWER = "42"  # exit code of the program that is tried

# $1 token, $2 folder. Parts begin with a line of the token and a name, so that
# what else is printed is told from them. The shell's messages are what tells why a file cannot be written or run. What
# a killed one left is removed first.
_SCRIPT = """
t=$1; d=$2; f="$d/.harness-doctor-$t"
find "$d" -maxdepth 1 -name '.harness-doctor-*' -mmin +1 -exec rm -f {} \\; 2>/dev/null
s=/system/bin/sh; [ -e $s ] || s=/bin/sh
part() { echo; echo "$t $1"; }
part folder; ls -ld "$d" 2>&1
part write; ( echo "#!$s" >"$f" && echo "exit %s" >>"$f" && chmod 700 "$f" && echo "$t" ) 2>&1
part run; if [ -e "$f" ]; then "$f" 2>&1; echo "$?"; rm -f "$f"; fi
part mounts; cat /proc/mounts 2>/dev/null
part space; df -k "$d" 2>/dev/null
part end
""".replace("%s", _ANSWER)


@dataclass(frozen=True)
class Folder:
    """What was tried and seen. ``trouble``: why nothing can be run there, and what to do; empty where it can."""

    trouble: str
    remedy: str
    free_bytes: int | NotKnown


def read(device: Device) -> Folder:
    """Tries the folder in one round trip. Raises HarnessError, NotKnown."""
    root, token = device.work_root(), new_token()
    done = device.run(script(_SCRIPT, token, root), deadline_s=_DEADLINE_S)
    return parse(done.text, token, root)


def parse(text: str, token: str, root: str) -> Folder:
    """What the script's output tells. Raises NotKnown where it is cut."""
    pieces = (part.partition("\n") for part in text.split(f"\n{token} ")[1:])
    parts = {name: content for name, _, content in pieces}
    if "end" not in parts:
        raise NotKnown("the phone's shell ended in the middle of the questions")
    trouble, remedy = _trouble(parts, token, root)
    try:
        free: int | NotKnown = says.free_bytes(parts.get("space", ""))
    except NotKnown as why:
        free = why
    return Folder(trouble, remedy, free)


def _trouble(parts: Mapping[str, str], token: str, root: str) -> tuple[str, str]:
    """Why nothing can be run in the folder, and the remedy; both empty where it can."""
    mount = says.mount_of(root, parts.get("mounts", ""))
    if token not in parts.get("write", "").split():
        return _unwritable(parts, root, mount)
    said = parts.get("run", "")
    if said.split()[-1:] == [_ANSWER]:
        return "", ""
    if mount is not None and "noexec" in mount.options:
        return (
            f"{root} lets no program run: {mount.point} is mounted noexec",
            f"as root: mount -o remount,exec {mount.point}; or reboot the phone",
        )
    return (
        f"{root} lets no program run: {_words(said)}",
        "a policy of the phone's owner may forbid it: use another phone",
    )


def _unwritable(parts: Mapping[str, str], root: str, mount: Mount | None) -> tuple[str, str]:
    """The first cause that fits, and its remedy."""
    said, listing = parts.get("write", ""), parts.get("folder", "")
    owner = says.owner_of(listing)
    make, own = f"mkdir -m 771 {root} && chown shell:shell {root}", f"chown shell:shell {root} && chmod 771 {root}"
    is_read_only = (mount is not None and "ro" in mount.options) or "Read-only file system" in said
    causes = (
        (
            owner is None and "No such file" in listing,
            f"{root} is not there",
            f"as root: {make}; or reboot the phone",
        ),
        (owner is not None and owner.mode[0] != "d", f"{root} is no folder", f"as root: remove it, and {make}"),
        (
            is_read_only,
            f"{root} is read-only",
            f"as root: mount -o remount,rw {root if mount is None else mount.point}; or reboot the phone",
        ),
        ("No space left" in said, f"{root} is full", "free some space on the phone"),
        (
            owner is not None and owner.user == "root",
            f"{root} belongs to root, and the shell may not write there",
            f"as root: {own}",
        ),
    )
    other = (f"{root} cannot be written: {_words(said)}", f"as root: {own}")
    return next(((trouble, remedy) for is_it, trouble, remedy in causes if is_it), other)


def _words(text: str) -> str:
    """The end of what the shell said, on one line, without the name of our file."""
    line = " ".join(text.split())
    return re.sub(r"\S*\.harness-doctor-\S*", "the file", line)[-200:] or "it said nothing"
