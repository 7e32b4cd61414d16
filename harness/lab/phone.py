"""A phone's supervisor, a daemon of its own: boots it, takes connections, answers for its CPUs, obeys test controls.

``python -m harness.lab.phone STATE_FOLDER LISTENING_DESCRIPTOR``; everything else stands in STATE_FOLDER/phone.json.
A further descriptor, inherited and left open, reserves the port.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.lab import init, namespaces, ports, root
from harness.lab.faults.active import Active
from harness.lab.seccomp import CpuSupervisor
from harness.lab.state import State

Action = Callable[[], None]
_LOOK_S = 5.0


class Phone:
    """One phone from its first boot to its end, in one thread: it forks, and pdeath signals are per thread."""

    def __init__(self, state: State, listener: socket.socket) -> None:
        self._state = state
        self.spec: dict[str, Any] = state.read_spec()
        self._listener = listener
        self._listener.setblocking(False)
        self.root = root.choose_mountpoint(state.folder, Path(sys.prefix), Path(sys.base_prefix), Path(__file__))
        pins = root.is_native(self.spec["abi"])
        self.cpus = CpuSupervisor(tuple(self.spec["cpus"]), self.spec["id_base"], pins=pins)
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, Action]] = []  # of the present boot
        self._lasting: list[tuple[float, Action]] = []
        self._init = 0
        self._booted: list[tuple[Any, Action]] = []  # what is watched of the present boot
        self._adbd: socket.socket | None = None
        self._reachable = False
        self._greeting = ""
        self._is_refusing = False
        self._first_port = int(self.spec["port"])
        self._seconds: list[int] = []  # ports it answers at besides
        self._reservations: dict[int, socket.socket] = {}
        self._faults = Active(self)

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._state.folder

    @property
    def init(self) -> int:
        """The phone's process 1; 0 while it is away."""
        return self._init

    def run(self) -> None:
        """Until SIGTERM. Raises OSError where the phone cannot be made."""
        self._state.write_pids(os.getpid(), 0)
        namespaces.unshare(namespaces.CLONE_NEWNS)
        namespaces.mount(None, "/", None, namespaces.MS_REC | namespaces.MS_PRIVATE)
        spec = self.spec
        root.mount_root(self.root, self._state.folder, spec["tools"], spec["id_base"], spec["disk_bytes"])
        power = os.open(self._state.power, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._watch(power, lambda: self._on_power(power))
        orders = self._state.listen()
        self._watch(orders, lambda: self._on_order(orders))
        self._boot()
        while True:
            times = [when for when, _ in (*self._timers, *self._lasting)]
            wait = max(0.0, min(times) - time.monotonic()) if times else None
            for key, _ in self._selector.select(wait):
                if key.fileobj in self._selector.get_map():  # an earlier action may have ended the boot
                    key.data()
            now = time.monotonic()
            due = [action for when, action in (*self._timers, *self._lasting) if when <= now]
            self._timers = [(when, action) for when, action in self._timers if when > now]
            self._lasting = [(when, action) for when, action in self._lasting if when > now]
            for action in due:
                action()

    def stop(self) -> None:
        """Ends every process of the phone; its mounts go with them."""
        for watched, _ in self._booted:
            self._selector.unregister(watched)
            with contextlib.suppress(OSError):
                watched.close() if isinstance(watched, socket.socket) else os.close(watched)
        self._booted.clear()
        self._adbd = None
        if self._init:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._init, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._init, 0)
            self._init = 0

    def _watch(self, watched: Any, action: Action) -> None:
        self._selector.register(watched, selectors.EVENT_READ, action)

    def _watch_boot(self, watched: Any, action: Action) -> None:
        self._watch(watched, action)
        self._booted.append((watched, action))

    def _after(self, seconds: float, action: Action) -> None:
        self._timers.append((time.monotonic() + seconds, action))

    def after(self, seconds: float, action: Action) -> None:
        """Does something later, also when the phone has rebooted meanwhile."""
        self._lasting.append((time.monotonic() + seconds, action))

    def _boot(self) -> None:
        self._state.set_property("sys.boot_completed", None)
        self._state.write_boot_id(str(uuid.uuid4()))
        namespaces.restart_boot_clock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        orders, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = namespaces.clone_process(namespaces.PHONE_NAMESPACES)
        if pid == 0:
            for end in (ours, orders, self._listener):
                end.close()
            init.run(self.root, self.spec, theirs, control)
        theirs.close()
        control.close()
        self._init = pid
        namespaces.map_ids(pid, self.spec["id_base"])
        self.cpus.pin(pid)
        ours.send(b"m")
        message, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
        ours.close()
        if message != b"ok":
            raise OSError(0, message.decode(errors="replace") or "init ended", "phone")
        self._adbd = orders
        self._state.write_pids(os.getpid(), pid)
        self._booted.append((orders, lambda: None))
        self._selector.register(orders, selectors.EVENT_READ, lambda: self._on_adbd(orders))
        self._watch_boot(descriptors[0], lambda: self._on_cpu_question(descriptors[0]))
        self._faults.tell_adbd()
        self._open_door()
        self._after(_LOOK_S, self._look_after_folder)
        self._after(self.spec["boot_s"], self._complete_boot)

    def _complete_boot(self) -> None:
        if not self._faults.has("boot"):
            self._state.set_property("sys.boot_completed", "1")

    def _open_door(self) -> None:
        if not self._reachable and not self._is_refusing:
            self._listener.listen(64)
            listener = self._listener
            self._watch(listener, lambda: self._on_connection(listener))
            self._reachable = True

    def _close_door(self) -> None:
        """Connections are refused, but the port stays ours."""
        if self._reachable:
            self._selector.unregister(self._listener)
            self._listener.shutdown(socket.SHUT_RDWR)
            self._reachable = False

    def _on_connection(self, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except BlockingIOError:
            return
        with peer:
            order = {"order": "connection", "greeting": self.greeting, "shell_v2": self.spec["shell_v2"]}
            self.tell(order, [peer.fileno()])

    @property
    def greeting(self) -> str:
        """What adb servers hear: ``device``, ``unauthorized``, ``authorizing``, ``connecting``."""
        return self._greeting or ("device" if self.spec["authorized"] else "unauthorized")

    def greet(self, greeting: str) -> None:
        """Lets adb servers hear that from now on; empty: what the phone's options say."""
        self._greeting = greeting
        self.tell({"order": "greeting", "greeting": self.greeting})

    def tell(self, order: Mapping[str, Any], descriptors: list[int] | None = None) -> None:
        """Orders something of the phone's adbd."""
        if self._adbd:
            with contextlib.suppress(OSError):
                socket.send_fds(self._adbd, [json.dumps(order).encode()], descriptors or [])

    def drop(self) -> None:
        """Breaks every connection of an adb server."""
        self.tell({"order": "drop"})

    def refuse(self, refused: bool) -> None:
        """Whether connections are refused, also after a reboot."""
        self._is_refusing = refused
        if refused:
            self._close_door()
        elif self._init:
            self._open_door()

    def move(self, port: int) -> int:
        """Answers at another port (0: the next free one) and is called by it; returns the one before."""
        before = self.spec["port"]
        fresh = self._reserve(port)
        was_reachable = self._reachable
        self._close_door()
        self._listener.close()
        self._listener = fresh
        self.spec["port"] = fresh.getsockname()[1]
        self._state.write_spec(self.spec)
        self._state.rename(f"{ports.HOST}:{self.spec['port']}")
        self.drop()
        if was_reachable:
            self._open_door()
        return int(before)

    def answer_also(self, port: int) -> Action:
        """Answers at a second port (0: the next free one) until what is returned is called."""
        second = self._reserve(port)
        self._watch(second, lambda: self._on_connection(second))
        self._seconds.append(second.getsockname()[1])

        def end() -> None:
            self._seconds.remove(second.getsockname()[1])
            self._selector.unregister(second)
            second.close()
            self.drop()

        return end

    def _reserve(self, port: int) -> socket.socket:
        """A listening socket; the port's reservation is kept for as long as the phone lives."""
        if port in self._reservations or port == self._first_port:
            listener = ports.listen(port)
        else:
            listener, reservation = ports.reserve_free(self.folder.parent, port)
            self._reservations[listener.getsockname()[1]] = reservation
        listener.setblocking(False)
        return listener

    def _on_adbd(self, orders: socket.socket) -> None:
        """A message of adbd, or its end and with it the phone's."""
        message = orders.recv(65536)
        if not message:
            self.reboot()
            return
        with contextlib.suppress(ValueError, KeyError, TypeError):  # its users may be nobody's friends
            said = json.loads(message)
            if "happened" in said:
                self._faults.happened(int(said["happened"]))
            else:
                self._faults.triggered(int(said["trigger"]))

    def reboot(self, seconds: float | None = None) -> None:
        """Everything in it ends; /data, settings and the model's files stay; boot id and uptime are new."""
        self._close_door()
        self._timers.clear()
        self._state.set_property("sys.boot_completed", None)
        self.stop()
        self._after(self.spec["reboot_s"] if seconds is None else seconds, self._boot)

    def _on_cpu_question(self, questions: int) -> None:
        poll = select.poll()
        poll.register(questions, select.POLLIN)
        # At the end of a boot there is a hang-up and no question: reading would wait for ever on some kernels.
        if any(events & select.POLLIN for _, events in poll.poll(0)):
            self.cpus.serve(questions)

    def _look_after_folder(self) -> None:
        """A phone whose state folder was removed (a test run killed, its files swept) has nobody left to end it."""
        if not self._state.folder.is_dir():
            sys.exit(0)
        self._after(_LOOK_S, self._look_after_folder)

    def _on_power(self, power: int) -> None:
        with contextlib.suppress(BlockingIOError):
            if b"reboot" in os.read(power, 4096):
                self.reboot()

    def _on_order(self, orders: socket.socket) -> None:
        message, sender = orders.recvfrom(65536)
        try:
            order = json.loads(message)
            self._obey(order)
            answer = {"ok": True, "error": "", "faults": self._faults.listing(), "ports": self._ports()}
        except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
            answer = {"ok": False, "error": str(error), "usage": isinstance(error, UsageError)}
        if sender:
            with contextlib.suppress(OSError):
                self._state.answer(orders, sender, answer)

    def _ports(self) -> list[int]:
        return [int(self.spec["port"]), *self._seconds]

    def _obey(self, order: dict[str, Any]) -> None:
        kind = order["order"]
        if kind == "configure":
            self.spec |= {key: bool(order[key]) for key in ("authorized", "shell_v2") if key in order}
            self.drop()
        elif kind == "faults":
            self._faults.add([str(text) for text in order["faults"]])
        elif kind == "clear faults":
            self._faults.clear()
        else:
            raise ValueError(f"unknown order {kind!r}")


def _ended(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: a second one would end stop() before init is reaped
    sys.exit(0)


def main(argv: list[str]) -> int:
    """The daemon's whole life. What went wrong stands in STATE_FOLDER/log."""
    if os.fork():  # detached: whoever started this is not its parent any more
        os._exit(0)
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    state = State(Path(argv[1]))
    phone = Phone(state, socket.socket(fileno=int(argv[2])))
    try:
        phone.run()
    except OSError as error:
        state.fail(f"{error.filename or ''} {error.strerror or error}".strip())
        return 1
    finally:
        phone.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
