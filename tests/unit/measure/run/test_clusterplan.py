"""The plan of a cluster: what policy and device decide of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.control.heat import Heat, HeatSource, Rest
from harness.control.sources import Source, Sources
from harness.devices.base import Cluster, Identity
from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.clusterplan import make_plan, planned_lines
from harness.model.other_build import OtherBuild, OtherProgram
from harness.model.policy import Policy, load_policy
from harness.model.suite import load_suite
from harness.model.worker import Worker
from harness.store.progress import Done

pytestmark = pytest.mark.unit

LOCAL, PHONE = Identity("local", "local"), Identity("S1", "adb")
TARGET = Target(Cluster((0, 1)), 1, (0,))


def text_of(policy: Policy, identity: Identity, heat: Heat | None = None) -> str:
    request = Request("smoke", load_suite("smoke").layers, policy, ("indirect",), 7)
    return make_plan(request, TARGET, Done()).render(identity, "r", "/convbench", heat or Heat())


def cap_of(text: str) -> float:
    (gate,) = re.findall(r"^gate .*\bcap_s=(\S+)", text, re.MULTILINE)
    return float(gate)


@pytest.mark.parametrize(
    ("policy", "local", "phone"),
    [
        (load_policy("quick"), 3, 120),
        (load_policy("default"), 120, 120),
        (Policy(name="quick", gate_cap_s=60), 60, 60),  # its name decides nothing
        (Policy(name="mine", gate_cap_s=60, gate_cap_local_s=5), 5, 60),
        (Policy(name="mine", gate_cap_s=2, gate_cap_local_s=5), 2, 2),
    ],
)
def test_the_policy_alone_tells_how_long_a_gate_waits(policy: Policy, local: float, phone: float) -> None:
    assert (cap_of(text_of(policy, LOCAL)), cap_of(text_of(policy, PHONE))) == (local, phone)


def test_a_gate_goes_by_what_is_known_of_the_heat() -> None:
    zone = HeatSource("cpu:0", "file", "/z", 0.001, 30.0)
    text = text_of(load_policy("default"), PHONE, Heat(zone, {"/z": zone}, Rest(31.0, 30.0)))
    assert "gate source=cpu:0 kind=file path=/z scale=0.001 plateau_c=31 baseline_c=30 " in text
    assert "watch kind=temp name=cpu:0 path=/z " in text
    assert "gate source= kind=none " in text_of(load_policy("default"), PHONE)


def test_an_emulated_device_has_the_clock_that_its_system_tells() -> None:
    assert " clock=" not in text_of(load_policy("default"), PHONE)
    assert re.search("^gate .* clock=system$", text_of(load_policy("default"), replace(PHONE, emulated=True)), re.M)


def test_an_emulated_device_has_more_time() -> None:
    plan = make_plan(Request("s", load_suite("smoke").layers, load_policy("smoke"), ("direct",), 7), TARGET, Done())
    assert plan.deadline_s(Identity("S1", "adb", emulated=True)) == 6 * plan.deadline_s(PHONE)


def test_an_emulated_device_is_not_waited_for_to_clock_up() -> None:
    """It has no clock of its own: each first sample would take all of the time that there is for it."""
    policy = Policy(name="p")
    assert "settle_ms=50 settle_cold_ms=500 " in text_of(policy, PHONE)
    assert "settle_ms=50 settle_cold_ms=50 " in text_of(policy, Identity("S1", "adb", emulated=True))


def test_threads_are_planned_where_a_cluster_has_cpus_for_them() -> None:
    layers = load_suite("smoke").layers
    request = Request("smoke", layers, load_policy("smoke"), ("indirect",), 7, threads=(1, 2, 4))
    big = Target(Cluster((4, 5, 6, 7)), 7, (0, 1), (4, 5, 6, 7))
    plan = make_plan(request, big, Done())
    lines = plan.render(PHONE, "r", "/convbench", Heat()).splitlines()
    assert [line.split()[7] for line in lines if line.startswith("variant ")] == ["threads=1", "threads=2", "threads=4"]
    assert "cluster=4-7 attempt=1 cpu=7 cpus=4-7 conductor_cpus=0-1 " in lines[1]
    alone = make_plan(replace(request, threads=(2, 4)), Target(Cluster((8,)), 8, (0, 1), (8,)), Done())
    assert (alone.variants, alone.jobs) == ((), ())
    assert planned_lines("d", "8", request)[0]["variants"] == ["indirect"]  # a row tells why it is not measured


def test_lines_tell_of_the_copy_of_a_pair_and_of_threads() -> None:
    layers = load_suite("smoke").layers
    request = Request("smoke", layers, load_policy("smoke"), ("im2col", "indirect"), 7, threads=(1, 4), aa=True)
    (line, *_) = planned_lines("d", "4-7", request)
    assert line["variants"] == ["im2col", "indirect", "indirect/aa"] and line["threads"] == [1, 4]
    (line, *_) = planned_lines("d", "8", replace(request, aa=False))
    assert line["variants"] == ["im2col", "indirect"] and line["threads"] == [1]


def test_threads_on_all_cpus_leave_the_conductor_none() -> None:
    request = Request("smoke", load_suite("smoke").layers, load_policy("smoke"), ("indirect",), 7, threads=(2,))
    (line,) = re.findall("^run .*", make_plan(request, TARGET, Done()).render(LOCAL, "r", "/c", Heat()), re.MULTILINE)
    assert "cpu=1 cpus=0-1 conductor_cpus= " in line  # it keeps off the measured one by itself


def test_a_worker_has_its_program_in_a_folder_of_its_own_and_time_to_hang(tmp_path: Path) -> None:
    layers = load_suite("smoke").layers
    request = Request("smoke", layers, load_policy("default"), ("indirect",), 7)
    also = replace(request, workers=(Worker(name="x", program=tmp_path / "a b"),))
    ours, plan = make_plan(request, TARGET, Done()), make_plan(also, TARGET, Done())
    lines = plan.render(PHONE, "r", "/r/convbench", Heat()).splitlines()
    assert "build index=0 exe=/r/convbench name= foreign=0" in lines
    assert "build index=1 exe=/r/worker-x/a%20b name=x foreign=1" in lines
    assert [job.seed for job in plan.jobs] == [job.seed for job in ours.jobs]
    assert all(len(job.variants) == 4 for job in plan.jobs)
    assert plan.deadline_s(PHONE) == ours.deadline_s(PHONE) + 60 * 2 * len(layers)
    assert planned_lines("d", "0-1", also)[0]["variants"] == ["indirect", "x"]


def test_what_a_device_does_not_tell_is_not_asked() -> None:
    request = Request("smoke", load_suite("smoke").layers, load_policy("smoke"), ("indirect",), 7)
    plan = make_plan(request, replace(TARGET, cluster=Cluster((0, 1), policy="policy0")), Done())
    states = (
        "watch kind=states name=policy0/time_in_state path=/sys/devices/system/cpu/cpufreq/policy0/stats/time_in_state"
    )
    power = (
        "ask name=power argv=dumpsys,power keep=mWakefulness=,mIsPowered=,mPlugType=,Battery%20Saver%20is%20currently:"
    )
    every = plan.render(PHONE, "r", "/c", Heat())
    assert states in every and f"{power} every_s=10" in every and "argv=dumpsys,thermalservice" in every
    assert "ask" not in re.findall(r"^\w+", plan.render(LOCAL, "r", "/c", Heat()), re.MULTILINE)
    silent = [Source("power", "dumpsys power", "it hangs"), Source("policy0/time_in_state", "/s", "it is empty")]
    some = plan.render(PHONE, "r", "/c", Heat(), sources=Sources(tuple(silent)))
    assert "kind=states" not in some and "dumpsys,power" not in some and "argv=dumpsys,thermalservice" in some


def test_other_builds_have_every_variant_and_their_share_of_time() -> None:
    program = OtherProgram(build_id="ab" * 20, sha256="0" * 64)
    other = OtherBuild(name="HEAD~1", kind="revision", source="f" * 40, programs={"host": program})
    worker = Worker(name="mine", program=Path("/mine"))
    one = Request("s", load_suite("smoke").layers, load_policy("smoke"), ("im2col",), 7, aa=True, workers=(worker,))
    two = replace(one, against=(other,))
    done = Done()
    done.calls["body_3x3", "im2col", "hot", 1, "ab" * 6] = 5
    text = make_plan(two, TARGET, done).render(PHONE, "r", "/r/convbench", Heat(), others=["ab" * 6])
    builds = ["index=0 exe=/r/convbench name=", f"index=1 exe=/r/convbench-{'ab' * 6} name={'ab' * 6}"]
    assert re.findall(r"^build (.*) foreign=0$", text, re.MULTILINE) == builds
    variants = re.findall(r"^variant index=\d algorithm=(\w+) .* build=(\d) .* label=(\S*)", text, re.MULTILINE)
    assert variants == [("im2col", "0", ""), ("im2col", "1", ""), ("mine", "2", ""), ("im2col", "1", "im2col/aa")]
    assert re.findall(r"^known (.*)$", text, re.MULTILINE) == [
        f"layer=body_3x3 variant={index} calls=5 excluded=0" for index in (1, 3)
    ]
    budgets = [re.findall(r" budget_s=(\S+)", plan)[0] for plan in (text, text_of(load_policy("smoke"), PHONE))]
    assert [float(budget) for budget in budgets] == [16, 8]
    assert planned_lines("d", "0-1", two)[0]["builds"] == ["checkout", "HEAD~1"]
    assert "builds" not in planned_lines("d", "0-1", one)[0]
