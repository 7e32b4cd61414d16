"""--json: one object on stdout and nothing else there, for every command, as docs/harness.schema.json says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import pytest

from benchmarks import synthetic
from benchmarks.history import add_nights
from harness.cli import build, calibrated, comparators, farm, program
from harness.cli.commands import EXIT_CODES, SUMMARIES
from harness.cli.signals import Interrupted, TimedOut
from harness.control import quarantine, settings
from harness.control.settings_journal import Pending
from harness.devices import discovery
from harness.devices.base import AdbServer, Attached, Device, Identity, Unusable
from harness.devices.phone_id import PhoneId
from harness.errors import NoDeviceError
from harness.exit_codes import ExitCode
from harness.farm import aws
from harness.hosts import serving
from harness.lab import manager, rehearsal
from harness.lab.rehearsal import Rehearsed, Shown
from harness.measure.once import calibrate, tune, verify
from harness.measure.once.tune import Tuned, TunedLayer
from harness.measure.once.verify import Verified
from harness.measure.outcome import Results
from harness.measure.run import runner
from harness.measure.run.outcome import SessionOutcome
from harness.model.condition import Condition
from harness.toolchain.builder import Built
from tests import stf_stub
from tests.unit.control.conditions.fakes import ELSEWHERE, FakePhone

pytestmark = pytest.mark.unit

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs/harness.schema.json").read_text())
BUILT = Built(
    Path("/b/convbench"), Path("/b/libindirectconv.a"), "0" * 40, "host", "host", 1.25, True, {"flags": "-O3"}
)
AWAY = Unusable("S9", "unauthorized", "allow this host on its screen", ("UNAUTHORIZED",), model="Pixel 8")
SEED = 2**53 + 1  # a double holds its neighbours alone


def closed(node: Any, *, whole: bool = False) -> Any:
    """The schema without room for keys that it does not tell of; ``whole``: of the object that is printed."""
    if isinstance(node, list):
        return [closed(each, whole=whole) for each in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: closed(value, whole=whole and key in ("if", "then", "else", "oneOf", "anyOf"))
        for key, value in node.items()
    }
    if "properties" in node and not whole:
        made["additionalProperties"] = False
    return made


def of_the_object() -> set[str]:
    """The definitions that are about the object that is printed, not about a part of it."""
    found: set[str] = set()

    def follow(node: Any) -> None:
        for each in node if isinstance(node, list) else [node]:
            if isinstance(each, dict):
                name = each.get("$ref", "").removeprefix("#/$defs/").replace("%20", " ")
                if name and name not in found:
                    found.add(name)
                    follow(SCHEMA["$defs"][name])
                for key in ("if", "then", "else", "oneOf", "anyOf"):
                    follow(each.get(key, []))

    follow({key: value for key, value in SCHEMA.items() if key != "$defs"})
    return found


@pytest.fixture(scope="module")
def check() -> Callable[[Any], None]:
    """Raises where a value is not what the schema says, or has more than it tells of."""
    whole = of_the_object()
    strict = closed({key: value for key, value in SCHEMA.items() if key != "$defs"}, whole=True)
    strict["$defs"] = {name: closed(value, whole=name in whole) for name, value in SCHEMA["$defs"].items()}
    strict["unevaluatedProperties"] = False
    validator = jsonschema.Draft202012Validator(strict)
    return cast("Callable[[Any], None]", validator.validate)


@pytest.fixture(autouse=True)
def no_native(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is built, measured or started."""
    monkeypatch.chdir(tmp_path)
    session = SessionOutcome("local", samples=3, conditions=[Condition("EMULATED", "it is a virtual phone")])
    done = runner.RunResult(tmp_path, [session], ExitCode.DONE, unusable=[AWAY], seed=str(SEED))
    verified = Verified("local", checked=7, wrong=["a on b"], worst_error=0.5)
    verified.skipped["direct: no 1x1"] += 2
    layer = TunedLayer("0-1", "conv1", "im2col", "indirect", 2.0, None)
    tuned = Tuned("local", layers=[layer], skipped=["c: no"], tables=[tmp_path / "t"])
    phones = [SimpleNamespace(serial="127.0.0.1:6000", model="pixel-3", root=tmp_path)]
    on = Rehearsed((Shown("battery=5", True, False),), ("127.0.0.1:6000",))
    package = aws.Package(tmp_path / "p.zip", (tmp_path / "t.yml",), tmp_path / "s.sh", 7, ("a.whl",))
    monkeypatch.setattr(farm, "build", lambda *_: BUILT)
    monkeypatch.setattr(aws, "make_package", lambda *_: package)
    monkeypatch.setattr(build, "build", lambda *_: BUILT)
    monkeypatch.setattr(verify, "verify_all", lambda *_: Results([verified], ExitCode.WRONG_RESULT, [AWAY]))
    monkeypatch.setattr(tune, "tune_all", lambda *_: Results([tuned], ExitCode.DONE))
    monkeypatch.setattr(runner, "start", lambda *_: done)
    monkeypatch.setattr(calibrate, "keep", lambda *_: [])
    monkeypatch.setattr(calibrated, "RunDir", lambda path: path)
    monkeypatch.setattr(manager, "up", lambda *_, **__: phones)
    monkeypatch.setattr(manager, "list_phones", lambda: phones)
    monkeypatch.setattr(manager, "down", lambda _: ["127.0.0.1:6000"])
    monkeypatch.setattr(rehearsal, "put_on", lambda *_: on)
    monkeypatch.setattr(serving, "serve", lambda *_: None)
    monkeypatch.setattr(comparators.Fetch, "_fetch", lambda *_: None)


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can be used and somebody uses, one in quarantine, and one that did not say yes."""
    good, bad = (FakePhone(Identity(serial, "adb", model="X1", serialno=serial * 3)) for serial in ("S1", "S2"))
    good.holder = ELSEWHERE
    stamps = {("", "S1"): (Condition("TWO_CONNECTIONS", "2 connections lead to the phone"),)}
    devices = cast("tuple[Device, ...]", (good, bad))
    found = Attached(devices, (AWAY,), servers=(AdbServer("127.0.0.1:1", "adb 34"),), conditions=stamps)
    monkeypatch.setattr(discovery, "find", lambda *_: found)
    quarantine.put(PhoneId.of(bad.identity), "a hub at its end", 2)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone whose settings are to be put back is not there."""
    monkeypatch.setattr(discovery, "find", lambda *_: Attached())
    pending = Pending(phone="0" * 16, address="S3", title="Pixel 3", changes=())
    monkeypatch.setattr(settings, "pending_phones", lambda *_: [pending])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.make_run(
        tmp_path_factory.mktemp("runs") / "RUN", layers=synthetic.LAYERS[1:3], launches=4, rounds=2
    )


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history in which something changes."""
    folder = tmp_path_factory.mktemp("history")
    add_nights(folder, [1.0] * 3 + [1.1] * 3)
    return folder / "history"


def printed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """The exit code, and the object."""
    code = program.run(argv)
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def no_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are pytest's here."""
    monkeypatch.setattr(program, "interrupt_on_signal", lambda: None)


LOCAL = ["--device", "local"]
SUBCOMMANDS = (
    "certificates",
    "up",
    "list",
    "down",
    "fault",
    "add",
    "show",
    "plot",
    "aws",
    "github",
    "gitlab",
    "collect",
    "fetch",
)
LINES: list[tuple[list[str], str]] = [
    (["suites"], "suites"),
    (["suites", "smoke"], "layers"),
    (["build"], "path"),
    (["devices", *LOCAL], "devices"),
    (["doctor", *LOCAL], "devices"),
    (["verify", "smoke", *LOCAL], "devices"),
    (["tune", "smoke", *LOCAL, "--out", "tables"], "devices"),
    (["run", "smoke", *LOCAL], "seed"),
    (["run", "smoke", *LOCAL, "--dry-run"], "jobs"),
    (["calibrate", "smoke", *LOCAL], "run"),
    (["selfcheck", "smoke", *LOCAL, "--out", "check.zip"], "files"),
    (["report", "RUN"], "answers"),
    (["compare", "RUN", "RUN", "--allow", "SAME_RUN"], "rows"),
    (["export", "RUN", "--format", "csv", "--out", "x.csv"], "out"),
    (["bundle", "RUN", "--out", "run.zip"], "sha256"),
    (["history", "add", "RUN"], "runs"),
    (["history", "list", "--store", "FILLED"], "runs"),
    (["history", "show", "--store", "FILLED"], "changes"),
    (["history", "plot", "--store", "FILLED", "--out", "site"], "files"),
    (["restore", *LOCAL], "devices"),
    (["clean", "--older-than", "1h", "--dry-run"], "dry_run"),
    (["farm", "aws", "smoke", "--out", "aws"], "package"),
    (["farm", "github", "smoke", "--out", "gh"], "files"),
    (["farm", "gitlab", "smoke", "--out", "gl"], "files"),
    (["farm", "collect", "JOBS", "--out", "all"], "jobs"),
    (["host", "--scheduler", "tcp://127.0.0.1:8786"], "host"),
    (["host", "certificates", "--out", "lab"], "folders"),
    (["comparators", "list"], "comparators"),
    (["comparators", "fetch", "xnnpack", "--abi", "arm64-v8a"], "comparators"),
    (["lab", "up", "pixel-3"], "phones"),
    (["lab", "list"], "phones"),
    (["lab", "down"], "down"),
    (["lab", "fault", "127.0.0.1:6000", "battery=5"], "phone"),
    (["lab", "fault", "--list"], "faults"),
]


@pytest.mark.parametrize(("argv", "key"), LINES, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_one_object_and_nothing_else(
    argv: list[str],
    key: str,
    run: Path,
    filled: Path,
    check: Callable[[Any], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [{"RUN": str(run), "FILLED": str(filled), "JOBS": str(run.parent)}.get(word, word) for word in argv]
    code, value = printed([*argv, "--json"], capsys)
    assert "error" not in value, value
    check(value)
    assert value[key] or key in ("dry_run",)
    assert (value["exit_code"], value["schema"]) == (code, 1)
    assert value["command"] == " ".join(word for word in argv[:2] if word == argv[0] or word in SUBCOMMANDS)


def test_the_check_refuses_what_is_not_told(check: Callable[[Any], None]) -> None:
    told = {"schema": 1, "command": "lab list", "phones": [{"serial": "a", "model": "b"}], "exit_code": 0}
    check(told)
    phone = {"serial": "a", "model": "b"}
    wrong: list[dict[str, Any]] = [
        {"more": 1}, {"phones": [{**phone, "more": 1}]}, {"phones": [{"serial": "a"}]}, {"command": "lab down"},
        {"exit_code": 7}, {"error": {"message": "", "remedy": None}},
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(jsonschema.ValidationError):
            check({**told, **change})


def test_every_command_is_here() -> None:
    assert {argv[0] for argv, _ in LINES} == set(SUMMARIES)
    commands = {each["properties"]["command"]["const"] for each in SCHEMA["else"]["oneOf"]}
    assert {name.partition(" ")[0] for name in commands} == set(SUMMARIES)
    assert SCHEMA["properties"]["exit_code"]["enum"] == list(EXIT_CODES)


@pytest.mark.usefixtures("phones")
@pytest.mark.parametrize("argv", [["devices"], ["doctor"], ["doctor", "--release", "S2"]])
def test_phones_in_every_state(
    argv: list[str], check: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    code, value = printed([*argv, "--json"], capsys)
    check(value)
    assert code == value["exit_code"] == (3 if argv == ["doctor"] else 0)


def test_devices_of_a_farm(
    check: Callable[[Any], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STF_TOKEN", stf_stub.TOKEN)
    with stf_stub.serving() as farm:
        farm.add("S1")
        farm.add("S2", owner=stf_stub.ANN)
        code, value = printed(["devices", "--stf", farm.url, "--json"], capsys)
    check(value)
    assert code == ExitCode.DONE and [each["state"] for each in value["farm"]] == ["free", "in use"]


@pytest.mark.usefixtures("waits")
def test_settings_that_wait(check: Callable[[Any], None], capsys: pytest.CaptureFixture[str]) -> None:
    code, value = printed(["restore", "--drop", "r1", "--json"], capsys)
    check(value)
    assert code == ExitCode.USAGE
    assert [each["device"] for each in value["waiting"]] == ["S3"] and value["not_dropped"] == ["r1"]


def test_a_seed_is_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(["run", "smoke", *LOCAL, "--json"], capsys)[1]["seed"] == str(SEED)
    jobs = printed(["run", "smoke", *LOCAL, "--dry-run", "--seed", "5", "--json"], capsys)[1]["jobs"]
    assert any(int(job["seed"]) > 2**53 for job in jobs)


def broken() -> Iterator[tuple[BaseException, int, str]]:
    """Ways to end without a result: what is raised, the exit code, a word of the message."""
    yield NoDeviceError("no phone is attached", "attach one"), 5, "no phone"
    yield OSError(28, "No space left on device", "/full"), 3, "/full: No space"
    yield Interrupted(), 130, "interrupted"
    yield TimedOut(), 3, "--timeout"
    yield ZeroDivisionError("one by none"), 3, "ZeroDivisionError: one by none"


@pytest.mark.parametrize(("error", "code", "word"), list(broken()))
def test_errors_too(
    error: BaseException,
    code: int,
    word: str,
    check: Callable[[Any], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(build, "build", fails)
    ended, value = printed(["build", "--json"], capsys)
    check(value)
    assert (ended, value["exit_code"], value["command"]) == (code, code, "build")
    assert word in value["error"]["message"] and set(value) == {"schema", "command", "exit_code", "error"}
    program.run(["build"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("argv", "command", "word"),
    [
        (["rnu"], "", "No such command"),
        (["lab", "up"], "lab up", "Missing argument"),
        (["lab", "foo"], "lab", "No such command"),
        (["suites", "--nope"], "suites", "No such option"),
        (["suites", "nope"], "suites", "unknown suite"),
        (["suites", "--timeout", "nan"], "suites", "--timeout nan"),
        (["suites", "--timeout", "0"], "suites", "--timeout 0"),
        (["restore", "--wait", "inf"], "restore", "--wait inf: not a number of seconds"),
        (["export", "RUN", "--format", "csv"], "export", "stdout is the export"),
    ],
)
def test_wrong_usage_too(
    argv: list[str], command: str, word: str, check: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    code, value = printed([*argv, "--json"], capsys)
    check(value)
    assert (code, value["exit_code"], value["command"]) == (2, 2, command)
    assert word in value["error"]["message"]
