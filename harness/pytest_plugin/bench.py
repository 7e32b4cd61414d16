"""convbench on one device, for tests: correctness without timing, and whole measurements."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from harness.devices.base import Device
from harness.errors import DeviceError, HarnessError
from harness.exit_codes import ExitCode
from harness.measure.clusters import Target, targets
from harness.measure.context import Context
from harness.measure.device_folder import DeviceFolder
from harness.measure.once.convbench import NO_EVENTS, Convbench, held
from harness.measure.once.plan import once_plan, verify_deadline_s
from harness.measure.once.verify import Verified
from harness.measure.request import Request
from harness.measure.run import runner
from harness.measure.stop import Stop
from harness.model.layer import Layer
from harness.model.policy import load_policy
from harness.model.sustained import BURST
from harness.pytest_plugin.selection import Selection
from harness.results.results import make_results
from harness.results.rows import Row


@dataclass(frozen=True)
class Measured:
    """A run of one layer. ``rows`` are those of results.csv, ``directory`` the run directory."""

    rows: Sequence[Row]
    code: ExitCode
    messages: Sequence[str]
    directory: Path


@dataclass(frozen=True)
class _Installed:
    """convbench in a folder on the device, which is held."""

    folder: DeviceFolder
    target: Target
    run_id: str
    done: Verified  # what goes wrong beside the tests


class Bench:
    """Of one device. What the device does wrong fails the test in a few words; what the library does is its result."""

    def __init__(self, name: str, device: Device, selection: Selection, folder: Callable[[], Path]) -> None:
        """``folder``: where a run directory may be made."""
        self._name = name
        self._device = device
        self._selection = selection
        self._folder = folder
        self._held = ExitStack()
        self._installed: _Installed | None = None
        self._numbers = itertools.count(1)

    def verify(self, layer: Layer, algorithms: Sequence[str] = ()) -> Verified:
        """Compares every output with a double-precision reference, as ``harness verify`` does; nothing is timed.

        ``algorithms``: by default im2col, indirect, direct. The result's ``wrong`` names what is.
        """
        done = Verified(self._name)
        request = self._request(layer, algorithms)
        with self._telling():
            here = self._install()
            deadline_s = verify_deadline_s(request, here.folder.device.identity)
            plan = once_plan(request, here.target, here.run_id, here.folder.program, deadline_s)
            program = Convbench(here.folder, done, Stop())
            program.run("verify", plan, deadline_s, done.take_all, of=f"-{next(self._numbers)}")
        if ExitCode.INFRASTRUCTURE in done.codes:
            self._fail("\n".join(done.messages))
        return done

    def measure(self, layer: Layer, algorithms: Sequence[str] = (), policy: str = "quick") -> Measured:
        """Measures the layer on all clusters, as ``harness run`` does: settings, heat, launches, verdicts.

        A run of its own, of a minute or so. ``policy``: a name or a path.
        """
        with self._telling():
            self.close()
            rules = load_policy(policy).of_mode(BURST)
            request = replace(
                self._request(layer, algorithms), policy=rules, policy_given=policy, seed=secrets.randbits(48)
            )
            out = self._folder() / f"{layer.name}-{next(self._numbers)}"
            done = runner.start(self._context(request), out)
            rows = make_results(done.directory).rows
        if done.code == ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if done.code == ExitCode.INFRASTRUCTURE:
            self._fail("\n".join(done.messages))
        return Measured(rows, done.code, tuple(done.messages), done.directory)

    def close(self) -> None:
        """Lets go of the device, which has nothing of ours then."""
        installed, self._installed = self._installed, None
        self._held.close()
        if installed is not None and installed.done.codes:
            self._fail("\n".join(installed.done.messages))

    def _install(self) -> _Installed:
        """convbench on the device; the first call puts it there. Raises HarnessError."""
        if self._installed is None:
            done, run_id = Verified(self._name), f"pytest-{secrets.token_hex(6)}"
            programs = self._selection.programs
            with ExitStack() as stack:
                admission, pairs = self._selection.admission, [(self._name, self._device)]
                work = admission.work(self._selection.context, pairs, programs, Stop())
                how = stack.enter_context(held(self._device, done, work, run_id))
                stamp = partial(done.stamp, events=NO_EVENTS)
                how.check_mended(work, stamp)
                topology = how.device.topology()
                usable = targets(topology, topology.clusters)
                if not usable:
                    raise DeviceError("no CPU of the device is to be had", "wait until it lets the shell use one")
                folder = DeviceFolder(how.device, run_id, NO_EVENTS, stamp)
                stack.callback(Convbench(folder, done, work.stop).clean_up)
                folder.install(programs.of(self._device))
                self._held = stack.pop_all()
            self._installed = _Installed(folder, usable[-1], run_id, done)
        return self._installed

    def _request(self, layer: Layer, algorithms: Sequence[str]) -> Request:
        asked = self._selection.context.request
        return replace(asked, layers=(layer,), algorithms=tuple(algorithms) or asked.algorithms)

    def _context(self, request: Request) -> Context:
        context = self._selection.context
        attached = replace(context.attached, devices=(self._device,), unusable=())
        return replace(context, request=request, attached=attached)

    def _fail(self, words: str) -> NoReturn:
        pytest.fail(f"{self._name}: {words}", pytrace=False)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """HarnessErrors within the block fail the test without a traceback."""
        try:
            yield
        except HarnessError as error:
            self._fail(str(error))
