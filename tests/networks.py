"""Machines on a network of their own: a network namespace for each, and a switch that they are plugged into.

The namespaces live as long as a process in each; nothing of this machine's own network is touched.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HUB = "10.77.0.1"  # the machine that the switch is in


@dataclass
class Network:
    """A hub and machines around it, by name. ``holders``: the process that holds each namespace open."""

    nsenter: str
    ip: str
    holders: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, machine: str, argv: Sequence[str], log: Path, environment: Mapping[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        """A program on a machine; what it says goes to a file."""
        with log.open("ab") as out:
            return subprocess.Popen(
                [*self._on(machine), *argv], cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def unplug(self, machine: str) -> None:
        """Its cable: nothing arrives any more, on either side, and nobody is told."""
        self._ip("hub", f"link set port-{machine} down")

    def plug_in(self, machine: str) -> None:
        self._ip("hub", f"link set port-{machine} up")

    def add(self, machine: str, address: str, holder: Sequence[str]) -> None:
        """A machine of that name, with a loopback of its own. Raises OSError where that is not allowed."""
        self.holders[machine] = subprocess.Popen(holder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out = self.holders[machine].stdout
        assert out is not None
        if out.readline() != b"here\n":
            _, said = self.holders[machine].communicate()
            raise OSError(said.decode(errors="replace").strip() or "no network namespace")
        self._ip(machine, "link set lo up")
        if machine == "hub":
            self._ip("hub", "link add switch type bridge")
            self._ip("hub", f"address add {address}/24 dev switch")
            self._ip("hub", "link set switch up")
            return
        to = self.holders[machine].pid
        self._ip("hub", f"link add port-{machine} type veth peer name cable netns {to}")
        self._ip("hub", f"link set port-{machine} master switch up")
        self._ip(machine, f"address add {address}/24 dev cable")
        self._ip(machine, "link set cable up")

    def _on(self, machine: str) -> list[str]:
        return [self.nsenter, f"--net=/proc/{self.holders[machine].pid}/ns/net"]

    def _ip(self, machine: str, words: str) -> None:
        done = subprocess.run(
            [*self._on(machine), self.ip, *words.split()], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"ip {words}: {done.stderr.strip()}")


@contextmanager
def network(machines: Sequence[str], tool: Callable[[str], str]) -> Iterator[Network]:
    """A hub and those machines within the block. ``tool``: finds programs. Raises OSError where it is not allowed."""
    made = Network(tool("nsenter"), tool("ip"))
    holder = [tool("unshare"), "--net", tool("sh"), "-c", f"echo here; exec {tool('sleep')} 600"]
    try:
        for number, machine in enumerate(("hub", *machines), 1):
            made.add(machine, f"10.77.0.{number}", holder)
        yield made
    finally:
        for process in made.holders.values():
            process.kill()
            process.communicate()
