"""Which devices, clusters, layers and algorithms a run takes; phones that cannot be used; hostile names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.lab import controls
from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
ONE = ("--clusters", "4-7")


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


def test_no_phone_at_all(bench_in: Any, lab: Any, tmp_path: Path) -> None:
    bench = bench_in(tmp_path)  # comes first: the module's phone is not up yet
    done = bench("run", bench.suite())
    assert done.code == 5
    assert "--device local" in done.err
    done = bench("run", bench.suite(), "--device", "all")
    assert done.code == 5
    assert not (tmp_path / "runs").exists()


def test_dry_run_touches_nothing(bench: Any, phone: PhoneHandle) -> None:
    done = bench("run", bench.suite("body", "point", launches=2), "--dry-run", "--json", "--seed", "7")
    assert done.code == 0, done.err
    jobs = json.loads(done.out)["jobs"]
    assert len(jobs) == 2 * 2 * 2
    assert {(job["device"], job["cluster"]) for job in jobs} == {("pixel-3", "0-3"), ("pixel-3", "4-7")}
    words = bench("run", bench.suite(), "--dry-run")
    assert re.search(r"pixel-3: at most about [\d.]+ (min|s) of", words.out)
    assert {file.name for file in bench.folder.iterdir()} == {"mine.yaml", "policy.yaml"}
    bench.is_clean(phone)
    assert bench.stay_on(phone) == "0"


def test_parts_of_a_suite_on_a_named_phone(bench: Any, phone: PhoneHandle) -> None:
    choice = ("--layers", "bo*", "--algorithms", "naive,im2col", "--device", phone.serial)
    done = bench("run", bench.suite("body", "point"), *ONE, *choice)
    assert done.code == 0, done.err
    runs = bench.folder / "runs"
    (run,) = [folder for folder in runs.iterdir() if not folder.is_symlink()]
    assert (runs / "latest").resolve() == run
    bench.run.path = run
    samples = bench.run.records("sample")
    assert {sample["cluster"] for sample in samples} == {"4-7"}
    assert {sample["layer"] for sample in samples} == {"body"}
    assert {sample["algorithm"] for sample in samples} == {"naive", "im2col"}
    bench.run.tell_no_serial(bench.lab.shell(phone, "getprop ro.serialno"))
    missing = bench("run", bench.suite(), "--clusters", "2-5", "--out", "none")
    assert missing.code == 2
    assert "0-3, 4-7" in missing.err
    assert not (bench.folder / "none").exists()


def test_a_cluster_that_only_one_phone_has(bench: Any, phone: PhoneHandle) -> None:
    with bench.lab.phone("pixel-8") as three:
        both = ("--device", phone.serial, "--device", three.serial)
        done = bench("run", bench.suite(), "--clusters", "8", *both, "--out", "run")
        assert done.code == 3, done.err
        assert "pixel-3: no usable cluster in --clusters 8; this device has 0-3, 4-7" in done.err
        assert bench.run.records("end", "pixel-8")[-1]["reason"] == "done"
        assert {record["cluster"] for record in bench.run.records("header", "pixel-8")} == {"8"}
        bench.is_clean(phone)
        bench.is_clean(three)


def test_unknown_and_too_few(bench: Any, phone: PhoneHandle) -> None:
    done = bench("run", bench.suite(), "--device", "no-such-serial")
    assert done.code == 5
    assert "'no-such-serial' is not attached" in done.err
    done = bench("run", bench.suite(), "--require", "2")
    assert done.code == 5
    assert "1 usable device, 2 required" in done.err
    done = bench("run", bench.suite(), "--adb-server", "127.0.0.1:1")
    assert done.code == 3
    assert "127.0.0.1:1" in done.err
    assert not (bench.folder / "runs").exists()


def test_phones_that_cannot_be_used_do_not_stop_the_others(bench: Any, phone: PhoneHandle) -> None:
    lab = bench.lab
    with (
        lab.phone("galaxy-s8", disk_bytes=4 << 20) as full,
        lab.phone("pixel-2-xl", authorized=False) as stranger,
        lab.phone("pixel-2-xl", shell_v2=False) as old,
        lab.phone("pixel-8") as away,
    ):
        controls.take_offline(away, 120)
        bad = {stranger.serial: "unauthorized", old.serial: "no shell v2", away.serial: "offline"}
        only = bench("run", bench.suite(), *(part for serial in bad for part in ("--device", serial)))
        assert only.code == 5
        for serial, state in bad.items():
            assert f"{serial}: {state}: " in only.err
            assert bench("run", bench.suite(), "--device", serial).code == 5
        assert "accept its question about USB debugging" in only.err
        assert not (bench.folder / "runs").exists()

        done = bench("run", bench.suite(), *ONE, "--device", "all", "--out", "run")
        assert done.code == 3
        for serial, state in bad.items():
            assert f"{serial}: {state}: " in done.err
        assert re.search(r"sm-g950f: too little space in /data/local/tmp: \d+ KiB free, \d+ KiB needed", done.err)
        assert bench.run.devices == ["pixel-3", "sm-g950f"]
        assert bench.run.records("end", "pixel-3")[-1]["reason"] == "done"
        assert bench.run.manifest["exit_code"] == 3
        assert "too little space" in (bench.run.path / "report.html").read_text()
        bench.is_clean(full)
        bench.is_clean(phone)
        assert bench.stay_on(full) == "0"

        controls.set_disk_size(full, 1 << 30)
        again = bench("run", "--resume", "run")
        assert again.code == 0, again.err
        assert bench.run.records("end", "sm-g950f")[-1]["reason"] == "done"
        assert len(bench.run.records("end", "pixel-3")) == 1


def test_hostile_names_and_two_of_one_model(bench: Any, phone: PhoneHandle) -> None:
    names = {"<script>alert(1)</script>": "script-alert-1-script", "$(reboot)": "reboot"}
    with ExitStack() as stack:
        made = [stack.enter_context(bench.lab.phone(properties={"ro.product.model": name})) for name in names]
        twin = stack.enter_context(bench.lab.phone())
        before = [bench.lab.shell(each, BOOT_ID) for each in made]
        done = bench("run", bench.suite(), *ONE, "--out", "run")
        assert done.code == 0, done.err
        assert [bench.lab.shell(each, BOOT_ID) for each in made] == before
        twins = [name for name in bench.run.devices if re.fullmatch(r"pixel-3-[0-9a-f]{6}", name)]
        assert len(twins) == 2
        assert bench.run.devices == sorted([*names.values(), *twins])
        report = (bench.run.path / "report.html").read_text()
        assert "<script>alert" not in report
        assert "&lt;script&gt;alert(1)" in report
        for each in (*made, twin, phone):
            bench.is_clean(each)


def test_verify_dump_against_numpy(bench: Any, phone: PhoneHandle, compare_dump: Callable[[Path], int]) -> None:
    done = bench("verify", "smoke", "--device", phone.serial, "--dump", "dump", "--json")
    assert done.code == 0, done.err
    (answer,) = json.loads(done.out)["devices"]
    assert answer["right"] >= 12
    assert answer["wrong"] == []
    assert compare_dump(bench.folder / "dump" / "pixel-3") == answer["right"]
    bench.is_clean(phone)
