"""The plan's text: every line as the format says, and any text comes back from its percent-encoding."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.layer import Layer
from harness.model.variant import Asked
from harness.plan.jobs import Job, PlannedVariant
from harness.plan.known import known_lines
from harness.plan.planfile import BuildLine, GateLine, KnownLine, MeasureLine, Plan, RunLine, WatchLine, encode, render

pytestmark = pytest.mark.unit

STEM = Layer.model_validate(
    {"name": "stem", "h": 224, "w": 220, "kh": 7, "kw": 5, "pad": [3, 2, 1, 0], "stride": [2, 1], "dilation": [1, 2]}
    | {"cin": 3, "cout": 64, "min": 0.1}
)


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "run": RunLine("20261121-105500-quick", "4-7", 1, 4, 900, "0.1.0", "0-3"),
        "measure": MeasureLine(min_ns=10_000_000, budget_s=2.5),
        "builds": [BuildLine(0, "/data/local/tmp/a b/convbench")],
        "variants": [
            PlannedVariant(0, Asked("im2col"), "rotate"),
            PlannedVariant(1, Asked("indirect", "scalar+taps"), "hot", label="A A"),
        ],
        "layers": [STEM],
        "jobs": [Job(0, "stem", 2**64 - 1, 8, (0, 1)), Job(1, "stem", 5, 8, (1,), ((3, 0), (3, 1)), 3)],
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def test_render() -> None:
    gate = GateLine("file", "zone:cpu-1-0", "/sys/t h", 0.001, 29.5, 31.2)
    watches = [WatchLine("freq", "policy4", "/sys/f"), WatchLine("temp", "cpu-1-0", "/sys/t", 0.001)]
    assert render(plan(gate=gate, watches=watches, max_khz=2803200)) == (
        "convbench-plan 2\n"
        "run id=20261121-105500-quick cluster=4-7 attempt=1 cpu=4 conductor_cpus=0-3 deadline_s=900 tool=0.1.0\n"
        "measure min_ns=10000000 budget_s=2.5 launches=2 memory_bytes=536870912 settle_ms=50 settle_cold_ms=500"
        " worker_timeout_s=60 llc_bytes=0 duty=1 fill=0\n"
        "gate source=zone:cpu-1-0 kind=file path=/sys/t%20h scale=0.001 plateau_c=29.5 baseline_c=31.2 tolerance_c=1"
        " cap_s=120 window_s=15 slope_c=0.2 look_s=4 look_c=0.1 cool_mhz=unknown hint_mhz=unknown share=1 launch_s=0"
        " credit_s=0\n"
        "watch kind=freq name=policy4 path=/sys/f\n"
        "watch kind=temp name=cpu-1-0 path=/sys/t scale=0.001\n"
        "max_khz khz=2803200\n"
        "build index=0 exe=/data/local/tmp/a%20b/convbench name= foreign=0\n"
        "variant index=0 algorithm=im2col schedule=default face=published build=0 cache=rotate threads=1 label=\n"
        "variant index=1 algorithm=indirect schedule=scalar+taps face=best build=0 cache=hot threads=1 label=A%20A\n"
        "layer name=stem type=f32 layout=nhwc h=224 w=220 kh=7 kw=5 pt=3 pr=2 pb=1 pl=0 sh=2 sw=1 dh=1 dw=2 groups=1"
        " batch=1 cin=3 cout=64 min=0.1 max=inf\n"
        "job launch=0 layer=stem seed=18446744073709551615 rounds=8 variants=0,1 done= first_round=0\n"
        "job launch=1 layer=stem seed=5 rounds=8 variants=1 done=3.0,3.1 first_round=3\n"
    )


def test_what_is_known_stands_above_the_jobs() -> None:
    known = known_lines(
        ["stem"],
        [
            PlannedVariant(0, Asked("im2col"), "rotate"),
            PlannedVariant(1, Asked("indirect"), "hot"),
            PlannedVariant(2, Asked("direct"), "hot"),
        ],
        {("stem", "im2col", "rotate", 1, ""): 7, ("other", "indirect", "hot", 1, ""): 9},
        {("stem", "direct", "", 1, "")},
    )
    assert known == [KnownLine("stem", 0, 7), KnownLine("stem", 2, 0, True)]
    lines = render(plan(known=known)).splitlines()
    at = lines.index("known layer=stem variant=0 calls=7 excluded=0")
    assert lines[at + 1] == "known layer=stem variant=2 calls=0 excluded=1"
    assert lines[at + 2].startswith("job ")


def test_a_tuned_table_stands_above_the_builds() -> None:
    lines = render(plan(tuned="/data/local/tmp/a b/4-7.tuned")).splitlines()
    at = lines.index("tuned path=/data/local/tmp/a%20b/4-7.tuned")
    assert lines[at + 1].startswith("build ")
    assert not [line for line in render(plan()).splitlines() if line.startswith("tuned")]


def test_variants_that_share_their_placement_say_so() -> None:
    variants = [
        PlannedVariant(0, Asked("im2col"), "hot"),
        PlannedVariant(1, Asked("im2col"), "hot", label="s", shares_placement=True),
    ]
    lines = [line for line in render(plan(variants=variants)).splitlines() if line.startswith("variant")]
    assert [line.partition(" label=")[2] for line in lines] == ["", "s placement=shared"]


def test_a_worker_of_somebody_else_has_a_build_of_its_own() -> None:
    builds = [BuildLine(0, "/c"), BuildLine(1, "/w x/p", "x", foreign=True)]
    variants = [PlannedVariant(0, Asked("im2col"), "hot"), PlannedVariant(1, Asked("x"), "hot", 1)]
    jobs = [Job(0, "stem", 1, 8, (0, 1))]
    lines = render(plan(builds=builds, variants=variants, jobs=jobs)).splitlines()
    assert "build index=1 exe=/w%20x/p name=x foreign=1" in lines
    missing = [BuildLine(0, "/c"), BuildLine(1, "", "x", foreign=True, absent="not fetched: fetch x")]
    text = render(plan(builds=missing, variants=variants, jobs=jobs))
    assert "build index=1 exe= name=x foreign=1 absent=not%20fetched:%20fetch%20x\n" in text
    assert "variant index=1 algorithm=x schedule=default face=best build=1 cache=hot threads=1 label=" in lines
    for wrong in (PlannedVariant(1, Asked("y"), "hot", 1), PlannedVariant(1, Asked("x"), "hot"),
                  PlannedVariant(1, Asked("direct"), "hot", 1)):  # fmt: skip
        with pytest.raises(ValueError, match="not the program of"):
            render(plan(builds=builds, variants=[variants[0], wrong], jobs=jobs))


def test_without_a_gate() -> None:
    lines = render(plan()).splitlines()
    assert lines[3].startswith("gate source= kind=none path= scale=1 plateau_c=unknown baseline_c=unknown ")
    assert not [line for line in lines if line.startswith(("watch", "max_khz"))]


def test_refuses_what_does_not_belong_together() -> None:
    with pytest.raises(ValueError, match="layer or variant that the plan lacks"):
        render(plan(layers=[]))
    with pytest.raises(ValueError, match="layer or variant that the plan lacks"):
        render(plan(variants=[PlannedVariant(0, Asked("im2col"), "hot")]))
    with pytest.raises(ValueError, match="build that the plan lacks"):
        render(plan(builds=[]))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_stays_one_field(text: str) -> None:
    encoded = encode(text)
    assert unquote(encoded) == text
    assert not any(char <= " " or char == "\x7f" for char in encoded)
    assert len(encoded.splitlines()) <= 1


def test_a_hostile_name_stays_inside_its_field() -> None:
    watch = WatchLine("freq", "x\njob launch=9 \x1b[2J%0A", "/p")
    text = render(plan(watches=[watch]))
    assert "watch kind=freq name=x%0Ajob%20launch=9%20%1B[2J%250A path=/p\n" in text
