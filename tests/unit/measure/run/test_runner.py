"""A resumed run is judged as a whole: what an earlier attempt found wrong or saw crash counts."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli import run as cli_run
from harness.control import settings_journal
from harness.devices import discovery
from harness.devices.base import Attached, Device, Identity, Unusable, as_json
from harness.devices.local import LocalDevice
from harness.errors import NoDeviceError, UsageError, WrongDevice
from harness.exit_codes import ExitCode
from harness.measure.called import named
from harness.measure.context import Context
from harness.measure.programs import Programs
from harness.measure.run import manifest, runner
from harness.measure.run.joining import Joining
from harness.measure.run.outcome import SessionOutcome
from harness.model.condition import Condition
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.report import writer
from harness.store.manifest import Manifest
from harness.store.rundir import RunDir
from tests.variants import HEADER, fields

pytestmark = pytest.mark.unit

RIGHT = {
    "type": "check", "seq": 1, "launch": 0, "layer": "a", **fields("indirect/x"),
    "by": "reference", "outputs": 4096, "error_over_bound": 0.1, "ok": True,
}  # fmt: skip
WRONG = {**RIGHT, **fields("im2col/x"), "seq": 2, "ok": False}
CRASH = {
    "type": "error", "seq": 3, "launch": 1, "layer": "a", **fields("direct/x"), "signal": 11,
    "reason": "the worker died of signal 11",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run of this machine and a phone that is gone."""
    suite, policy = load_suite("smoke"), load_policy("smoke")
    made = RunDir(tmp_path / "run")
    made.path.mkdir()
    made.write_manifest(
        Manifest(
            version=2, run="r", status="interrupted", started="2026-01-01T00:00:00.000Z", argv=["harness", "run"],
            suite={"name": "smoke", "layers": [layer.model_dump(mode="json") for layer in suite.layers]},
            policy=policy.model_dump(mode="json"), algorithms=["indirect"], clusters=None, seed=1,
            devices=["local", "pixel-3"], abi=None, toolchain_asked="auto", toolchain={},
        )
    )  # fmt: skip
    return made


def resumed(run: RunDir, monkeypatch: pytest.MonkeyPatch, outcome: SessionOutcome) -> runner.RunResult:
    """What a resume gives whose measuring gives ``outcome``."""
    monkeypatch.setattr(runner, "build_programs", lambda devices, request, say: Programs({}, "host"))
    monkeypatch.setattr(runner, "_measure_all", lambda *_: [outcome])
    attached = Attached((LocalDevice(),))
    request = manifest.request_of(run.manifest(), None)
    context = Context(request, attached, lambda text: None, lambda: nullcontext(threading.Event()))
    return runner.resume(context, run)


def write(run: RunDir, device: str, *values: dict[str, Any]) -> None:
    file = run.device(device).records
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(value) + "\n" for value in values))


@pytest.mark.parametrize(
    ("found", "code", "words"),
    [
        ([WRONG], ExitCode.WRONG_RESULT, ["local: im2col/x on a: wrong result, not timed"]),
        ([CRASH], ExitCode.INFRASTRUCTURE, ["local: direct/x on a, launch 2: the worker died of signal 11"]),
        ([CRASH, WRONG], ExitCode.WRONG_RESULT, ["signal 11", "wrong result"]),
    ],
)
def test_faults_of_an_earlier_attempt_count(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, found: list[Any], code: ExitCode, words: list[str]
) -> None:
    run.update_manifest(devices=["local"])
    write(run, "local", HEADER, RIGHT, *found, {**HEADER, "attempt": 2}, RIGHT)
    done = resumed(run, monkeypatch, SessionOutcome("local", samples=3))
    assert done.code == code
    for word, message in zip(words, done.messages, strict=True):
        assert word in message
    assert run.manifest().exit_code == code
    assert not done.something_is_missing


def test_a_run_without_faults_is_done(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    run.update_manifest(devices=["local"])
    write(run, "local", HEADER, RIGHT)
    done = resumed(run, monkeypatch, SessionOutcome("local"))
    assert (done.code, done.messages, done.something_is_missing) == (ExitCode.DONE, [], False)


def test_what_this_attempt_saw_as_well_is_said_once(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    write(run, "local", HEADER, WRONG, {**HEADER, "attempt": 2}, WRONG)
    outcome = SessionOutcome("local")
    outcome.fail(ExitCode.WRONG_RESULT, "im2col/x on a: wrong result, not timed")
    assert len(resumed(run, monkeypatch, outcome).messages) == 1


def test_faults_of_a_device_that_is_not_attached_count(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    write(run, "pixel-3", HEADER, WRONG)
    done = resumed(run, monkeypatch, SessionOutcome("local"))
    assert done.code == ExitCode.WRONG_RESULT
    assert done.messages == ["pixel-3: im2col/x on a: wrong result, not timed"]
    assert done.something_is_missing


SAMPLE = {
    **{"type": "sample", "seq": 4, "launch": 0, "round": 0, "position": 0, "layer": "a", "calls": 1, "ns": 1.0},
    **fields("indirect/x", "indirect", "hot"),
    **{"settle_ns": 1, "settle_capped": False, "cpu_before": 0, "cpu_after": 0, "nivcsw": 0, "faults": 0},
    **{"t_ns": 1, "pid": 1},
}
JOB = {"device": "local", "cluster": "0-1", "launch": 0, "layer": "a", "variants": ["indirect"], "seed": 1}
DONE = {
    **{"type": "job", "seq": 4, "launch": 0, "layer": "a", "rounds": 1, "rounds_planned": 1, "complete": True},
    "elapsed_s": 1,
}


def complete(run: RunDir, *found: dict[str, Any], code: int = 0) -> bytes:
    """Lets the run be one of this machine with all on record; the manifest's bytes."""
    folder = run.device("local").path
    write(run, "local", HEADER, *found, SAMPLE, DONE)
    (run.path / "plan.jsonl").write_text(json.dumps(JOB) + "\n")
    (folder / "device.json").write_text(json.dumps({"identity": {"serial": "local"}}))
    (folder / "events.jsonl").write_text('{"event":"installed"}\n{"event":"removed"}\n')
    status = "failed" if code else "done"
    run.update_manifest(devices=["local"], status=status, finished="2026-01-01T00:01:00.000Z", exit_code=code)
    return (run.path / "manifest.json").read_bytes()


@pytest.mark.parametrize(("found", "code"), [([RIGHT], 0), ([WRONG], 1), ([CRASH], 3)])
def test_a_finished_run_is_left_alone(
    run: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: list[Any], code: int
) -> None:
    before = complete(run, *found, code=code)
    monkeypatch.setattr(discovery, "find", lambda *_: pytest.fail("a device was asked"))
    reports: list[Path] = []

    def report(path: Path) -> Any:
        reports.append(path)
        return SimpleNamespace(code=ExitCode.DONE, answer=(), told=(), value={})

    monkeypatch.setattr(writer, "write_report", report)
    assert cli_run.Run(resume=run.path)().code == code
    assert (run.path / "manifest.json").read_bytes() == before
    assert "nothing missing" in capsys.readouterr().err
    assert reports == [run.path]
    (run.path / "report.html").touch()
    assert cli_run.Run(resume=run.path)().code == code
    assert reports == [run.path]


@pytest.mark.parametrize("left", ["block", "status", "folder", "setting", "code", "device"])
def test_what_is_missing_is_not_overlooked(run: RunDir, left: str) -> None:
    complete(run, RIGHT)
    assert runner.finished(run) is not None
    if left == "block":
        (run.path / "plan.jsonl").write_text(f"{json.dumps(JOB)}\n{json.dumps({**JOB, 'launch': 1})}\n")
    elif left == "folder":
        (run.device("local").path / "events.jsonl").write_text('{"event":"left for resume"}\n')
    elif left == "setting":
        owner = manifest.owners(run)["local"]
        assert owner is not None
        settings_journal.keep_here(owner, [settings_journal.Change(setting="stay_awake", saved="0", ours="7")])
    else:
        changed: dict[str, dict[str, Any]] = {
            "status": {"status": "interrupted"},
            "code": {"exit_code": 3},
            "device": {"devices": ["local", "p"]},
        }
        run.update_manifest(**changed[left])
    assert runner.finished(run) is None


def test_a_finished_run_tells_its_conditions(run: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    complete(run, RIGHT)
    first = Condition("LOW_BATTERY", "the battery is at 3 %")
    events = run.device("local").events
    for condition in (first, Condition("LOW_BATTERY", "at 5 %"), Condition("EMULATED", "it is one")):
        events.add("condition", **condition.as_json())
    events.add("condition", name="<b>", what=1)
    done = cli_run.Run(resume=run.path)().value
    assert done is not None
    assert done["conditions"] == {"local": [first.as_json(), Condition("EMULATED", "it is one").as_json()]}
    assert "LOW_BATTERY" not in "".join(done["messages"])


AWAY = Unusable("8A9X0B1C2", "unauthorized", "unlock it", ("UNAUTHORIZED",))


def test_devices_that_are_left_out_stand_in_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: RunDir
) -> None:
    monkeypatch.setattr(runner, "build_programs", lambda devices, request, say: Programs({}, "host"))
    monkeypatch.setattr(runner, "_measure_all", lambda *_: [SessionOutcome("local")])
    monkeypatch.setattr(runner, "point_latest", lambda run: None)
    request = manifest.request_of(run.manifest(), None)
    attached = Attached((LocalDevice(),), (AWAY,))
    stopping = lambda: nullcontext(threading.Event())  # noqa: E731
    done = runner.start(Context(request, attached, lambda text: None, stopping), tmp_path / "new")
    assert (done.code, [bad.serial for bad in done.unusable]) == (ExitCode.INFRASTRUCTURE, [AWAY.serial])
    made = RunDir(done.directory)
    (kept,) = made.manifest().unusable
    assert (kept.state, kept.conditions, kept.remedy) == ("unauthorized", ["UNAUTHORIZED"], "unlock it")
    assert AWAY.serial not in (made.path / "manifest.json").read_text()
    again = runner.resume(Context(request, attached, lambda text: None, stopping), made)
    assert [bad.serial for bad in again.unusable] == [AWAY.serial]
    assert made.manifest().unusable == [kept]


def test_a_phone_that_joined_is_not_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: RunDir) -> None:
    (joined,) = attached(replace(PIXEL, serial=AWAY.serial))

    def measure(_run: RunDir, _devices: object, joining: Joining, _context: Context) -> list[SessionOutcome]:
        joining.joined.append(("pixel-3", joined))
        return [SessionOutcome("local")]

    monkeypatch.setattr(runner, "build_programs", lambda devices, request, say: Programs({}, "host"))
    monkeypatch.setattr(runner, "_measure_all", measure)
    monkeypatch.setattr(runner, "point_latest", lambda run: None)
    request = manifest.request_of(run.manifest(), None)
    found = Attached((LocalDevice(),), (AWAY,))
    context = Context(request, found, lambda text: None, lambda: nullcontext(threading.Event()))
    done = runner.start(context, tmp_path / "new")
    assert (done.code, list(done.unusable), RunDir(done.directory).manifest().unusable) == (ExitCode.DONE, [], [])


PIXEL = Identity("10.0.0.7:5555", "adb", model="Pixel 3", serialno="8A9X0B1C2", board="blueline")
GALAXY = Identity("10.0.0.7:5555", "adb", model="SM-G950F", serialno="ce0117", board="universal8895")


def owned(run: RunDir, identity: Identity = PIXEL) -> None:
    """The run's phone is known."""
    run.update_manifest(devices=["pixel-3"])
    folder = run.device("pixel-3").path
    folder.mkdir(parents=True)
    (folder / "device.json").write_text(json.dumps({"identity": as_json(identity)}))


def attached(*identities: Identity) -> list[Device]:
    return [cast(Device, SimpleNamespace(serial=each.serial, identity=each)) for each in identities]


def test_the_same_phone_is_found_under_another_address(run: RunDir) -> None:
    owned(run)
    moved = replace(PIXEL, serial="10.0.0.9:41234")
    ((name, device),), strangers = runner._own(run, attached(GALAXY, moved))
    assert (name, device.serial, strangers) == ("pixel-3", "10.0.0.9:41234", [])


@pytest.mark.parametrize(
    "other", [GALAXY, replace(PIXEL, serialno="8A9X0B1C3"), replace(PIXEL, serialno="8A9X", serial="10.0.0.8:5555")]
)
def test_another_phone_is_refused_and_both_are_named(run: RunDir, other: Identity) -> None:
    owned(run)
    with pytest.raises(WrongDevice) as refused:
        runner._own(run, attached(other))
    assert refused.value.exit_code == ExitCode.INFRASTRUCTURE
    for word in ("8A9X0B1C2", other.serialno, "Pixel 3 (board blueline)", other.model, "attach the first"):
        assert word in str(refused.value)


def test_other_phones_of_the_run_are_measured_all_the_same(run: RunDir) -> None:
    owned(run)
    run.update_manifest(devices=["pixel-3", "local"])
    write(run, "local", HEADER)
    devices, strangers = runner._own(run, [LocalDevice(), *attached(GALAXY)])
    assert [name for name, _ in devices] == ["local"]
    assert len(strangers) == 1


def test_the_second_phone_of_a_model_that_has_no_device_file_yet_keeps_its_name(run: RunDir) -> None:
    second = replace(PIXEL, serial="10.0.0.8:5555", serialno="8A9X0B1C3")
    found = attached(PIXEL, second)
    names = [name for name, _ in named(found)]
    owned(run)
    run.device("pixel-3").path.rename(run.device(names[0]).path)
    run.update_manifest(devices=names)
    devices, strangers = runner._own(run, found)
    assert ([name for name, _ in devices], strangers) == (names, [])


def test_any_phone_of_the_model_will_do_where_the_run_says_so(run: RunDir) -> None:
    found = attached(PIXEL, replace(PIXEL, serial="10.0.0.8:5555", serialno="8A9X0B1C3"))
    run.update_manifest(devices=["pixel-3"])
    with pytest.raises(NoDeviceError):
        runner._own(run, found)
    run.update_manifest(portable=["pixel-3"])
    ((name, device),), _ = runner._own(run, found)
    assert (name, device) == ("pixel-3", found[0])


def test_a_phone_of_another_model_elsewhere_is_none_of_the_run_s(run: RunDir) -> None:
    owned(run)
    with pytest.raises(NoDeviceError, match="pixel-3"):
        runner._own(run, attached(replace(GALAXY, serial="10.0.0.8:5555")))


def test_what_a_killed_front_end_was_replacing_still_tells_whose_it_is(run: RunDir) -> None:
    owned(run)
    (run.path / ".incoming").mkdir()
    run.device("pixel-3").path.rename(run.path / ".incoming" / "pixel-3.before")
    request = manifest.request_of(run.manifest(), None)
    found = Attached(tuple(attached(replace(PIXEL, serialno="8A9X0B1C3"))))
    with pytest.raises(WrongDevice, match="8A9X0B1C2"):
        runner.resume(Context(request, found, lambda text: None, lambda: nullcontext(threading.Event())), run)


def test_a_damaged_device_file_is_named(run: RunDir) -> None:
    owned(run)
    (run.device("pixel-3").path / "device.json").write_text("[]")
    with pytest.raises(UsageError, match=r"device\.json: it does not tell which device"):
        runner._own(run, attached(PIXEL))


def test_a_phone_that_was_refused_while_the_run_was_at_work_counts_like_one_refused_at_its_start() -> None:
    came, stays, late = (
        Unusable(serial, "not measured, LOW_BATTERY", "charge it", ("LOW_BATTERY",)) for serial in "ABC"
    )
    result = runner.RunResult(Path(), absent={came.key}, unusable=(came,))
    (device,) = attached(replace(PIXEL, serial="A", host=""))
    joining = cast(Joining, SimpleNamespace(joined=[("pixel-3", device)], refused=[]))
    runner._note_absent(result, joining)
    assert (result.some_unusable, result.unusable) == (False, ())
    result = runner.RunResult(Path(), absent={came.key, stays.key}, unusable=(came, stays))
    runner._note_absent(result, cast(Joining, SimpleNamespace(joined=joining.joined, refused=[stays])))
    assert (result.some_unusable, result.unusable) == (True, (stays,))
    result = runner.RunResult(Path())
    runner._note_absent(result, cast(Joining, SimpleNamespace(joined=[], refused=[late])))
    assert (result.some_unusable, result.unusable) == (True, (late,))


def test_phones_of_two_servers_with_one_serial_are_absent_each_by_itself() -> None:
    here, there = (Unusable("emulator-5554", "offline", "plug it in", ("OFFLINE",), host) for host in ("h:1", "h:2"))
    (device,) = attached(replace(PIXEL, serial="emulator-5554", host="h:1"))
    result = runner.RunResult(Path(), absent={here.key, there.key}, unusable=(here, there))
    runner._note_absent(result, cast(Joining, SimpleNamespace(joined=[("pixel-3", device)], refused=[])))
    assert (result.some_unusable, result.unusable) == (True, (there,))


@pytest.mark.parametrize("abi", ["host", "arm64-v8a"])
def test_nobody_joins_a_run_that_has_no_program_for_phones(abi: str) -> None:
    said: list[str] = []
    newcomers = cast(Any, lambda known, beside: Attached())
    request = cast(Any, None)
    context = Context(request, Attached(), said.append, lambda: nullcontext(threading.Event()), newcomers=newcomers)
    found = runner._with_newcomers(context, Programs({}, abi))
    assert (found.newcomers is None) is (abi == "host")
    assert len(said) == (abi == "host")


def test_no_name_of_a_phone_stands_in_the_command_line_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    (measured,) = attached(replace(PIXEL, serial="8A9X0B1C2", host="h:1"))
    refused = Unusable("39011FDJH", "not measured, LOW_BATTERY (3 %)", "charge it", ("LOW_BATTERY",), "h:1")
    names = {("h:1", "8A9X0B1C2"): ("10.0.0.7:5555",), refused.key: ("10.0.0.8:5555",)}
    devices = [
        argument for name in ("8A9X0B1C2", "10.0.0.7:5555", "39011FDJH", "10.0.0.8:5555") for argument in ("-d", name)
    ]
    monkeypatch.setattr("sys.argv", ["harness", "run", *devices])
    kept = runner._argv(Attached((measured,), (refused,), other_names=names), [("pixel-3", measured)])
    refused_ = "(not measured, LOW_BATTERY phone)"
    assert kept == ["harness", "run", "-d", "pixel-3", "-d", "pixel-3", "-d", refused_, "-d", refused_]
