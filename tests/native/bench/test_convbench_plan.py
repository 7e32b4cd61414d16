"""A wrong plan: the line, the reason, exit 2, and nothing written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.native

BAD = [
    ("convbench-plan 2", "convbench-plan 1", "'convbench-plan 1': convbench 0.1 reads it, this is convbench 0."),
    ("convbench-plan 2", "convbench-plan 1", ", which reads version 2"),
    ("convbench-plan 2", "convbench-plan 3", "'convbench-plan 3': another convbench reads it, this is convbench 0."),
    ("convbench-plan 2", "convbench plan", "the first line is not 'convbench-plan 2'"),
    ("attempt=1", "attempt=one", "attempt=one is not a whole number"),
    ("attempt=1", "attempt=1 attempt=1", "stands twice"),
    (" tool=0", "", "'tool' is missing"),
    (" tool=0", " tool=0 colour=red", "unknown key 'colour'"),
    (" tool=0", " tool=%zz", "bad %-escape"),
    (" tool=0", "  tool=0", "not key=value"),
    ("cpu=0", "cpu=99999", "cpu=99999"),
    ("run id=", "run conductor_cpus=3-1 id=", "not a CPU list"),
    ("min_ns=200000", "min_ns=-5", "min_ns=-5"),
    ("budget_s=60", "budget_s=nan", "budget_s=nan"),
    ("gate kind=none", "gate kind=ice", "kind=ice"),
    ("gate kind=none", "gate kind=file source=a", "'path' is missing"),
    ("gate kind=none", "gate kind=none\ngate kind=none", "a second 'gate'"),
    ("gate kind=none", "gate kind=none\nwatch kind=mood name=a path=/x", "kind=mood"),
    ("gate kind=none", "gate kind=none share=1.5", "share=1.5 is not a number from 0 to 1"),
    ("gate kind=none", "gate kind=none clock=sun", "clock=sun is not probe or system"),
    ("gate kind=none", "gate kind=none cool_mhz=fast", "cool_mhz=fast"),
    ("budget_s=60", "duty=0 budget_s=60", "duty=0"),
    ("budget_s=60", "fill=2 budget_s=60", "fill=2 is not a whole number from 0 to 1"),
    ("gate kind=none", "teapot kind=none", "unknown word 'teapot'"),
    ("build index=0", "build index=7", "this is build 0"),
    ("algorithm=im2col", "algorithm=magic", "algorithm=magic is not known"),
    ("name=", "name=other foreign=2", "foreign=2 is not a whole number from 0 to 1"),
    ("exe= name=", "exe= name=other foreign=1", "exe= of a foreign program is empty"),
    ("exe= name=", "exe=/x name= foreign=1", "name= of a foreign program is not 1 to 31 of"),
    ("exe= name=", "exe=/x name=a/b foreign=1", "name=a/b of a foreign program is not"),
    ("exe= name=", f"exe=/x name={'n' * 32} foreign=1", " of a foreign program is not 1 to 31 of"),
    *(
        ("exe= name=", f"exe=/x name={name} foreign=1", f"name={name} of a foreign program is a name of ours")
        for name in ("naive", "im2col", "direct", "indirect", "auto", "published", "best")
    ),
    ("algorithm=im2col", "algorithm=indirect", "the same as variant 0"),
    ("cache=hot", "cache=lukewarm", "cache=lukewarm"),
    ("cache=hot", "cache=hot kernel=auto", "unknown key 'kernel'"),
    ("schedule=default", "schedule=", "schedule= is not"),
    ("face=published", "face=blank", "face=blank is not published or best"),
    ("threads=1", "threads=2", "threads=2, but cpus= of the run are 1"),
    ("threads=1", "threads=0", "threads=0 is not a whole number from 1 to 256"),
    ("run id=", "run cpus=1-3 id=", "cpus=1-3 is not a CPU list that holds cpu=0"),
    ("run id=", "run cpus=0, id=", "cpus=0, is not a CPU list that holds cpu=0"),
    (" threads=1", "", "'threads' is missing"),
    ("build=0", "build=3", "build=3 is not defined"),
    ("type=f32", "type=f16", "type=f16 is not covered: f32"),
    ("type=f32", "type=f64", "type=f64 is not covered: f32"),
    ("layout=nhwc", "layout=nchw", "layout=nchw is not covered: nhwc"),
    ("kh=3", "kh=0", "kh=0"),
    ("kh=3", "kh=33", "kernel is larger than the padded input"),
    ("groups=1", "groups=3", "groups=3 does not divide"),
    ("batch=1 cin=16", "batch=16777216 cin=16777216", "overflows"),
    ("cin=16 cout=16", "cin=2000000 cout=16", "sums 18000000 products"),
    ("budget_s=60 launches=1", "budget_s=60", "'launches' is missing"),
    ("launches=1", "launches=0", "launches=0"),
    ("min=-inf max=inf", "min=2 max=1", "min is over max"),
    ("layer name=small", "layer name=other h=1", "stands twice"),
    ("layer=small", "layer=big", "layer=big is not defined"),
    ("variants=0,1", "variants=0,5", "variant 5 is not defined"),
    ("variants=0,1", "variants=0,0", "variant 0 stands twice"),
    ("variants=0,1", "variants=0,,1", "not a list of numbers"),
    ("done=", "done=3", "not a list of ROUND.POSITION"),
    ("job launch=0", "known layer=no variant=0 calls=1 excluded=0\njob launch=0", "layer=no is not defined"),
    ("job launch=0", "known layer=small variant=9 calls=1 excluded=0\njob launch=0", "variant 9 is not defined"),
    ("rounds=2", "rounds=0", "rounds=0"),
]


@pytest.mark.parametrize(("old", "new", "reason"), BAD, ids=[f"{new[:30]}" for _, new, _ in BAD])
def test_line_and_reason(plan: Any, convbench: Path, tmp_path: Path, old: str, new: str, reason: str) -> None:
    good: list[str] = plan.lines()
    at = next(i for i, line in enumerate(good) if old in line)
    bad = "\n".join([*good[:at], good[at].replace(old, new, 1), *good[at + 1 :]]) + "\n"
    # The faulty line itself, or the later of two that contradict each other.
    shift = 1 if ("\n" in new and not new.startswith("known")) or "same as" in reason else 0
    path, out = tmp_path / "bad.plan", tmp_path / "out.jsonl"
    path.write_text(bad)
    done = subprocess.run([convbench, "run", path, "--out", out], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"plan line {at + 1 + shift}: "), done.stderr
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
    assert not out.exists()


FOREIGN = "variant index=2 algorithm=other schedule=default face=best build=1 cache=hot threads=1 label="
FOREIGN_BAD = [
    ("algorithm=other", "algorithm=im2col", "algorithm=im2col: build 1 is a foreign program, whose variants have"),
    ("face=best", "face=published", "has schedule=default face=best and an empty label"),
    ("schedule=default", "schedule=best", "has schedule=default face=best and an empty label"),
    ("label=", "label=mine", "has schedule=default face=best and an empty label"),
    ("build=1", "build=0", "algorithm=other is not known"),
    ("label=", "label= placement=shared", "placement=shared: a foreign program is not told where to place its buffers"),
    ("label=", "label= placement=mine", "placement=mine is not own or shared"),
]


@pytest.mark.parametrize(("old", "new", "reason"), FOREIGN_BAD, ids=[new for _, new, _ in FOREIGN_BAD])
def test_a_variant_of_a_foreign_program(
    plan: Any, convbench: Path, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    lines = plan.lines()
    at = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    lines[at:at] = ["build index=1 exe=/x name=other foreign=1", FOREIGN.replace(old, new)]
    path = tmp_path / "bad.plan"
    path.write_text("".join(f"{line}\n" for line in lines))
    done = subprocess.run([convbench, "verify", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"plan line {at + 2}: "), done.stderr
    assert reason in done.stderr


def test_two_foreign_programs_of_one_name(plan: Any, convbench: Path, tmp_path: Path) -> None:
    lines = plan.lines()
    at = next(i for i, line in enumerate(lines) if line.startswith("variant "))
    lines[at:at] = [f"build index={n} exe=/x name=other foreign=1" for n in (1, 2)]
    path = tmp_path / "bad.plan"
    path.write_text("".join(f"{line}\n" for line in lines))
    done = subprocess.run([convbench, "verify", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, f"plan line {at + 2}: a second foreign program named other\n")


@pytest.mark.parametrize("word", ["run", "measure", "build", "variant", "layer", "job"])
def test_missing_part(plan: Any, convbench: Path, tmp_path: Path, word: str) -> None:
    needed = {"build": ("build", "variant", "job"), "variant": ("variant", "job"), "layer": ("layer", "job")}
    dropped = needed.get(word, (word,))
    path = tmp_path / "bad.plan"
    path.write_text("".join(f"{line}\n" for line in plan.lines() if line.split()[0] not in dropped))
    done = subprocess.run([convbench, "verify", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"ends without a '{word}' line" in done.stderr


def test_cut_file(plan: Any, convbench: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.plan"
    path.write_text(plan.text()[:-1])
    done = subprocess.run([convbench, "verify", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"plan line {len(plan.lines())}: " in done.stderr
    assert "cut" in done.stderr


def test_no_such_plan_and_usage(convbench: Path, tmp_path: Path) -> None:
    done = subprocess.run([convbench, "verify", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "none" in done.stderr
    memcpy = (["probe", "--memcpy", "0", "1"], ["probe", "--memcpy", "1", "1k"], ["probe", "--memcpy", "1"])
    for arguments in ([], ["fly"], ["run", "x"], ["info", "--what"], ["info", "--cpu", "-1"], *memcpy):
        done = subprocess.run([convbench, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("usage:")


def test_host_writes_what_convbench_reads(convbench: Path, tmp_path: Path, run: Callable[..., Any], plan: Any) -> None:
    from harness.model.layer import Layer
    from harness.model.variant import Asked
    from harness.plan.jobs import Job, PlannedVariant
    from harness.plan.planfile import BuildLine, GateLine, MeasureLine, Plan, RunLine, render

    layer = Layer(name="a", h=9, w=8, kh=3, kw=2, pad=(1, 0, 2, 1), stride=(2, 1), cin=5, cout=7, min=0)
    text = render(
        Plan(
            run=RunLine(id="a b%", cluster="0", attempt=2, cpu=0, deadline_s=60, tool="1"),
            measure=MeasureLine(min_ns=1000, budget_s=1.5),
            builds=[BuildLine(0, "", "our build")],
            variants=[
                PlannedVariant(0, Asked("im2col"), cache="hot"),
                PlannedVariant(1, Asked("indirect"), cache="hot", label="my label", shares_placement=True),
            ],
            layers=[layer],
            jobs=[Job(launch=0, layer="a", seed=7, rounds=1, variants=(0, 1))],
            gate=GateLine(),
        )
    )
    plan.text = lambda: text
    result = run(plan)
    assert result.code == 0, result.stderr
    assert result.records[0].run == "a b%"
    samples = [record for record in result.records if record.type == "sample"]
    assert {sample.build for sample in samples} == {"our build"}
    assert {sample.variant.split("/")[0] for sample in samples} == {"im2col", "my label"}
