"""Runs the recipes of farms as their services would: the steps of a YAML file, in order, in bash.

The network may be forbidden: the steps then see a loopback of their own and nothing else, and the virtual phones with
their adb server are started in there, before them.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from harness.lab import namespaces

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_SIOCSIFFLAGS, _UP, _RUNNING = 0x8914, 0x1, 0x40
_ROOT = Path(__file__).resolve().parents[1]
_TOOL = f"{quote(sys.executable)} -m harness.cli"


def offline() -> None:
    """The process has a loopback of its own from now on, and no other network."""
    namespaces.unshare(_NEW_NETWORK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP | _RUNNING))


@dataclass(frozen=True)
class Step:
    """A step, and the exit code that it ended with."""

    name: str
    command: str
    code: int


@dataclass(frozen=True)
class Done:
    """``log``: what all steps printed."""

    steps: tuple[Step, ...]
    log: str

    def code(self, name: str) -> int:
        """The exit code of the last step of that name."""
        return next(step.code for step in reversed(self.steps) if step.name == name)


def run(
    bash: str,
    steps: Sequence[tuple[str, str]],
    environment: Mapping[str, str],
    cwd: Path,
    *,
    phones: Sequence[str] = (),
    network: bool = True,
    timeout: float = 280,
) -> Done:
    """Runs commands one after the other in one shell, whatever the one before ended with.

    ``phones``: models of virtual phones that are there meanwhile; $SERIAL is the first one's. Nothing of this
    process's environment is left but what ``environment`` has.
    """
    codes = cwd / "codes"
    lines = ["set +e", f": > {quote(str(codes))}"]
    if phones:
        lines += [f"SERIAL=$({_lab(cwd)} up {' '.join(phones)} | head -1 | cut -d' ' -f1)", "export SERIAL"]
    for _, command in steps:
        lines += [command, f"echo $? >> {quote(str(codes))}"]
    if phones:
        lines += [f"{_lab(cwd)} down > /dev/null", f"{quote(environment.get('ADBUTILS_ADB_PATH', 'adb'))} kill-server"]
    done = subprocess.run(
        [bash, "-c", "\n".join(lines)],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        preexec_fn=None if network else offline,
    )
    found = [int(code) for code in codes.read_text().split()]
    assert len(found) == len(steps), done.stdout
    return Done(tuple(Step(*step, code) for step, code in zip(steps, found, strict=True)), done.stdout)


def other_phone(cwd: Path, model: str) -> tuple[str, str]:
    """A step: another phone is there in the first one's place, as on another host. ``cwd``: as of run."""
    return "another host", f'{_lab(cwd)} up {model} > /dev/null && {_lab(cwd)} down "$SERIAL" > /dev/null'


def _lab(cwd: Path) -> str:
    return f"env XDG_STATE_HOME={quote(str(cwd / 'lab'))} PYTHONPATH={quote(str(_ROOT))} {_TOOL} lab"


def program(folder: Path, name: str, script: str) -> Path:
    """A program on PATH that stands for one of the service's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)
    return folder / name


def phases(spec: Path) -> list[tuple[str, str]]:
    """The commands of an AWS test spec, each under its phase's name."""
    value = yaml.safe_load(spec.read_text())
    return [
        (name, command)
        for name in ("install", "pre_test", "test", "post_test")
        for command in value["phases"][name]["commands"]
    ]


Action = Callable[[Mapping[str, Any]], str]  # what stands for an action: a command, made of its ``with``


def job_steps(
    workflow: Path, job: str, values: Mapping[str, str], actions: Mapping[str, Action]
) -> list[tuple[str, str]]:
    """The steps of a job of a GitHub workflow as commands, with their environment; a job of a matrix once.

    ``values``: of the expressions in ${{ }}; ``actions``: by name without version. One that is missing is an error.
    """
    whole = yaml.safe_load(workflow.read_text())
    assert set(whole["jobs"][job]) <= {
        "if", "needs", "runs-on", "timeout-minutes", "strategy", "env", "steps",
    }  # fmt: skip
    found = []
    for step in whole["jobs"][job]["steps"]:
        environment = {**whole.get("env", {}), **whole["jobs"][job].get("env", {}), **step.get("env", {})}
        exports = "".join(f"export {key}={quote(_filled(str(v), values))}\n" for key, v in environment.items())
        if "run" in step:
            command = f"bash -e -c {quote(_filled(step['run'], values))}"  # as the service starts it
        else:
            given = {key: _filled(str(value), values) for key, value in step.get("with", {}).items()}
            command = actions[step["uses"].partition("@")[0]](given)
        found.append((step.get("name") or step["uses"].partition("@")[0], f"{exports}{command}"))
    return found


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], text)


def gitlab_steps(file: Path, job: str) -> list[tuple[str, str]]:
    """The commands of a GitLab job, those of the jobs that it extends before them; variables are exported."""
    whole = yaml.safe_load(file.read_text())
    mine = whole[job]
    base = whole[mine["extends"]]
    exports = "".join(
        f"export {key}={value if value.startswith('$') else quote(value)}\n"
        for key, value in {**base["variables"], **mine.get("variables", {})}.items()
    )
    script = [exports, *base["before_script"]]
    lines = [*script, *mine["script"]]
    return [(job, f"( set -e\n{os.linesep.join(lines)}\n)")]  # one shell, ended by the first command that fails
