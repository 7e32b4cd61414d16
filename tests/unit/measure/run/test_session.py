"""A session whose phone goes away says what that cost."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control import calibrations, quarantine
from harness.control.conditions.modes import BATTERY_SAVER
from harness.control.heat import Heat, HeatSource
from harness.control.lease import Lease
from harness.devices.base import Cluster, Completed, Device, Identity, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, InfrastructureError, Unkillable, WrongDevice
from harness.exit_codes import ExitCode
from harness.measure import holding
from harness.measure.clusters import Target
from harness.measure.context import Work
from harness.measure.device_folder import DeviceFolder
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import session
from harness.measure.run.again import ENDED
from harness.measure.run.progress import DeviceProgress
from harness.measure.run.tries import Tries
from harness.model.calibration import Calibration, digest, now, parsed
from harness.model.condition import Condition
from harness.model.policy import PhoneSettings, load_policy
from harness.model.suite import load_suite
from harness.model.sustained import SUSTAINED
from harness.store.ledger import Ledger
from harness.store.progress import Done
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit


class Phone:
    serial = "S1"
    identity = Identity("S1", "adb", model="Pixel 3")

    def confirm(self) -> None:
        pass

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        pass

    def list_dir(self, path: str) -> tuple[str, ...]:
        return ()

    def run(self, argv: Sequence[str], *, deadline_s: float) -> Completed:
        return Completed(tuple(argv), 127, b"", b"not found")

    def topology(self) -> Topology:
        return Topology((Cluster((0, 1)), Cluster((2, 3)), Cluster((4, 5))), (0, 1, 2, 3, 4, 5))


@contextmanager
def unable_to_restore(*_: Any) -> Any:
    try:
        yield
    finally:
        raise DeviceError("a setting of the phone is not put back yet: gone", "attach the phone, then: harness restore")


@contextmanager
def nothing(*_: Any, **__: Any) -> Any:
    yield Lease()


@contextmanager
def cpus(*_: Any, **__: Any) -> Any:
    yield ()


def session_of(
    run: RunDir, request: Request, phone: Phone | None = None, conditions: tuple[Condition, ...] = ()
) -> session.Session:
    """On a phone that is not there, without a program."""
    built = SimpleNamespace(build_id="0123456789ab" * 3)
    programs = cast(
        Programs,
        SimpleNamespace(of=lambda device: built, others_of=lambda device: [], abi_of=lambda device: "host"),
    )
    stamps = {"pixel-3": conditions}
    work = Work(request, programs, threading.Event(), lambda text: None, conditions=stamps)
    return session.Session(cast(Device, phone or Phone()), "pixel-3", run, work, DeviceProgress("pixel-3"))


@pytest.mark.parametrize("awake", [nothing, unable_to_restore])
def test_a_lost_phone_is_named_with_what_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, awake: Any
) -> None:
    installed = SimpleNamespace(install=lambda built, workers, others: None, remove=lambda: None, folder="/f")
    monkeypatch.setattr(holding, "leased", nothing)
    monkeypatch.setattr(holding, "host_cpus", cpus)
    monkeypatch.setattr(session, "applied", awake)
    monkeypatch.setattr(session, "DeviceFolder", lambda *_: installed)
    monkeypatch.setattr(session, "take_over", lambda *_: None)
    monkeypatch.setattr(session, "swept", lambda *_, **__: None)
    monkeypatch.setattr(session.Session, "_find_heat", lambda *_: (HeatSource("", "none"), {}))
    run = SimpleNamespace(
        path=tmp_path,
        run_id="r",
        device=RunDir(tmp_path).device,
        add_jobs=RunDir(tmp_path).add_jobs,
        ledger=RunDir(tmp_path).ledger,
    )
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    begun: list[str] = []

    def measured(self: Any, target: Any) -> None:
        begun.append(target.cluster.label)
        if len(begun) == 2:
            raise DeviceLost("S1: device offline")

    monkeypatch.setattr(Tries, "measure", measured)
    made = session_of(cast(RunDir, run), request)
    done = made.measure()
    assert set(done.codes) == {ExitCode.INFRASTRUCTURE}
    assert done.unfinished
    assert f"connection lost while cluster {begun[1]} was measured" in done.messages[0]
    for label, message in zip(["0-1", "2-3", "4-5"], done.messages[-3:], strict=True):
        assert message == f"not measured of cluster {label}: launches 1 to 4: all 6 layers"
    assert f"harness run --resume {tmp_path}" in done.messages[0]
    assert len(done.messages) == (4 if awake is nothing else 5)


def test_what_fails_at_the_very_end_is_in_the_outcome_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not take the other devices with it."""
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)

    def damaged(*_: Any) -> Any:
        raise InfrastructureError("plan.jsonl cannot be read")

    def away(self: session.Session) -> None:
        raise DeviceError("it failed")

    monkeypatch.setattr(session, "unmeasured", damaged)
    monkeypatch.setattr(session.Session, "_measure", away)
    done = session_of(RunDir(tmp_path), request).measure()
    assert done.messages == ["it failed", "plan.jsonl cannot be read"]
    assert RunDir(tmp_path).device("pixel-3").events.named("not begun")


def test_the_time_left_is_of_the_clusters_that_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three has all on record already: its jobs are no more to wait for."""
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    made = session_of(RunDir(tmp_path), request)
    whole = Done()
    whole.whole = {(launch, layer.name) for launch in range(request.policy.launches) for layer in suite.layers}
    monkeypatch.setattr(Ledger, "done", lambda *_: {"2-3": whole})
    monkeypatch.setattr(Tries, "measure", lambda *_: None)
    monkeypatch.setattr(session.Session, "_find_heat", lambda *_: (HeatSource("", "none"), {}))
    told: dict[str, Any] = {}
    monkeypatch.setattr(DeviceProgress, "expect", lambda _, **what: told.update(what))
    targets = [Target(cluster, cluster.cpus[0], cluster.cpus) for cluster in Phone().topology().clusters]
    made._clusters(cast(DeviceFolder, SimpleNamespace()), targets)
    jobs = request.policy.launches * len(suite.layers)
    assert told["jobs"] == 2 * jobs
    assert set(told["most"]) == {"0-1", "4-5"} and all(count >= jobs for count in told["most"].values())
    assert told["seconds"] > 0


def test_a_cluster_of_which_tainted_rounds_are_left_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was planned is measured; measuring again had not come to its end."""
    suite, run = load_suite("smoke"), RunDir(tmp_path)
    policy = load_policy("smoke").model_copy(update={"verdicts": True})
    layer = suite.layers[0].name
    run.add_jobs([{"device": "pixel-3", "cluster": "4-5", "launch": 0, "layer": layer}])
    target = Target(Cluster((4, 5)), 5, (4,))
    begun: list[str] = []
    monkeypatch.setattr(session.Session, "_plan", lambda *_: SimpleNamespace(jobs=(), planned=1, target=target))
    monkeypatch.setattr(session.Session, "_find_heat", lambda *_: Heat())
    monkeypatch.setattr(Tries, "measure", lambda self, target: begun.append(target.cluster.label))
    request = Request("smoke", suite.layers, policy, suite.algorithms, 1)
    for ended, found in (({}, 1), ({layer: 1}, 1)):
        run.device("pixel-3").events.add(ENDED, cluster="4-5", launches=ended)
        session_of(run, request)._clusters(cast(Any, SimpleNamespace(folder="/f")), [target])
        assert begun == ["4-5"] * found


def test_a_phone_that_took_the_address_meanwhile_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Another(Phone):
        def confirm(self) -> None:
            raise WrongDevice("another phone answers at S1")

    monkeypatch.setattr(holding, "leased", nothing)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    done = session_of(RunDir(tmp_path), request, Another()).measure()
    assert (done.codes, done.messages) == ([ExitCode.INFRASTRUCTURE], ["another phone answers at S1"])
    assert list(tmp_path.iterdir()) == []


def test_a_phone_whose_programs_cannot_be_killed_is_put_in_quarantine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stubborn(Phone):
        def topology(self) -> Topology:
            raise Unkillable("S1: 2 processes of session 77 cannot be killed")

    monkeypatch.setattr(holding, "leased", nothing)
    monkeypatch.setattr(holding, "host_cpus", cpus)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    done = session_of(RunDir(tmp_path), request, Stubborn()).measure()
    assert "cannot be killed" in done.messages[0]
    assert any("in quarantine until" in message for message in done.messages)
    held = quarantine.of(PhoneId.of(Phone.identity))
    assert held is not None and held.reason == quarantine.UNKILLABLE


def test_a_phone_that_was_in_use_is_asked_for_its_conditions_once_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done_so_far: list[str] = []

    @contextmanager
    def leased(*_: Any, **__: Any) -> Any:
        done_so_far.append("leased")
        yield ()

    def ask_held(*_: Any) -> Any:
        done_so_far.append("asked")
        raise DeviceError("not measured, HOT", "let it cool")

    monkeypatch.setattr(holding, "leased", leased)
    monkeypatch.setattr(holding, "host_cpus", cpus)
    monkeypatch.setattr(holding, "ask_held", ask_held)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    programs = cast(Programs, SimpleNamespace(of=lambda device: None))
    work = Work(request, programs, threading.Event(), lambda text: None, to_ask={"pixel-3"})
    made = session.Session(cast(Device, Phone()), "pixel-3", RunDir(tmp_path), work, DeviceProgress("pixel-3"))
    assert made.measure().messages[0] == "not measured, HOT\n  let it cool"
    assert done_so_far == ["leased", "asked"]


@pytest.mark.parametrize("stays_on", [False, True])
def test_battery_saver_is_looked_at_again_once_it_is_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays_on: bool
) -> None:
    class Saving(Phone):
        def get_setting(self, namespace: str, key: str, **_: Any) -> str:
            assert (namespace, key) == ("global", "low_power")
            return "1" if stays_on else "0"

        def work_root(self) -> str:
            raise DeviceError("it got so far")

    monkeypatch.setattr(RunDir, "run_id", "r")
    monkeypatch.setattr(holding, "host_cpus", cpus)
    monkeypatch.setattr(holding, "leased", nothing)
    monkeypatch.setattr(session, "applied", nothing)
    suite = load_suite("smoke")
    policy = load_policy("smoke").model_copy(update={"settings": PhoneSettings(battery_saver_off=True)})
    request = Request("smoke", suite.layers, policy, suite.algorithms, 1)
    done = session_of(RunDir(tmp_path), request, Saving(), (BATTERY_SAVER,)).measure()
    assert done.conditions == [] and done.codes[0] == ExitCode.INFRASTRUCTURE
    expected = "LOW_POWER_MODE (battery saver is on, and the phone does not let it be" if stays_on else "it got so far"
    assert expected in done.messages[0]


def test_a_phone_lost_for_good_in_three_runs_is_put_in_quarantine(tmp_path: Path) -> None:
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    told = []
    for _ in range(3):
        made = session_of(RunDir(tmp_path), request)
        made._lost(DeviceLost("S1: device offline"), "0-1")
        told.append(any("in quarantine until" in message for message in made.outcome.messages))
    assert told == [False, False, True]
    assert quarantine.of(PhoneId.of(Phone.identity)) is not None


def test_a_session_that_did_not_get_the_device_has_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def in_use(*_: Any, **__: Any) -> Any:
        raise DeviceError("another harness run is using the device")
        yield

    monkeypatch.setattr(holding, "leased", in_use)
    suite = load_suite("smoke")
    request = Request("smoke", suite.layers, load_policy("smoke"), suite.algorithms, 1)
    run = RunDir(tmp_path)
    done = session_of(run, request).measure()
    assert done.codes == [ExitCode.INFRASTRUCTURE]
    (event,) = run.device("pixel-3").events.named("finished", "not begun")
    assert (event["event"], event["messages"]) == ("not begun", ["another harness run is using the device"])


@pytest.mark.parametrize(
    ("build", "stale"),
    [("0123456789ab", []), ("ba9876543210", ["convbench is another build since"])],
    ids=["relied on", "stale"],
)
def test_what_is_known_of_the_phone_s_noise_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], build: str, stale: list[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    policy, run = load_policy("smoke"), RunDir(tmp_path / "run")
    request = Request("smoke", load_suite("smoke").layers, policy, ("indirect",), 1)
    made = session_of(run, request)
    made._note_calibration("0123456789ab" * 3)
    assert run.device("pixel-3").events.named("calibration") == []
    identity = Phone().identity
    system = calibrations.system_of(identity.fingerprint, identity.kernel)
    told = {"policy": "smoke", "policy_digest": digest(policy), "utc": now(), "build_id": build, "suite": "s"}
    found = Calibration.model_validate({**told, "system": system, "places": ()})
    calibrations.store(PhoneId.of(identity), found, pytest.fail)
    made._note_calibration("0123456789ab" * 3)
    (event,) = run.device("pixel-3").events.named("calibration")
    assert (parsed(event["found"]), event["stale"]) == (found, stale)
    assert ("its calibration is not to be relied on" in capsys.readouterr().err) == bool(stale)
    sustained = replace(request, mode=SUSTAINED, policy=policy.of_mode(SUSTAINED))
    session_of(run, sustained)._note_calibration("0123456789ab" * 3)
    assert len(run.device("pixel-3").events.named("calibration")) == 1
    assert capsys.readouterr().err == ""
