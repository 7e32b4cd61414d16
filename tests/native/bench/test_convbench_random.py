"""Random layers through convbench: every algorithm, kernel and schedule, on this machine and on arm64."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.store.records import Check, End, Error, Layer, Record, Skip, parse_record

pytestmark = pytest.mark.native

LAYERS = 8  # a plan
MACS = 150_000
PUBLISHED = ("im2col", "direct", "indirect")
OPTIONS: dict[str, tuple[str, ...]] = {"im2col": ("", "+block{}"), "direct": ("", "+block{}")}
OPTIONS["indirect"] = ("", "+regions", "+taps", "+taps+ahead", "+block{}", "+regions+block{}+ahead")
CHOSEN = (("auto", "default"), *((algorithm, "best") for algorithm in PUBLISHED))

Shape = dict[str, int | str]
HOST_PLANS, ARM64_PLANS = 16, 5


def channels(groups: int) -> st.SearchStrategy[int]:
    """Of a group: mostly few; else either side of where vectors, tiles and unrolled loops end."""
    edges = st.sampled_from((4, 8, 16, 32, 64)).flatmap(lambda edge: st.integers(edge - 1, edge + 2))
    return st.one_of(st.integers(1, 7), edges if groups == 1 else st.integers(1, 9)).map(lambda n: n * groups)


def output(size: int, pads: Sequence[int], kernel: int, dilation: int, stride: int) -> int:
    return (size + sum(pads) - (kernel - 1) * dilation - 1) // stride + 1


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any layer: an axis at a time, then as many channels and images as MACS allow."""
    s: Shape = {}
    axes, pointwise = [], draw(st.integers(0, 3)) == 0
    for size, kernel, stride, dilation, before, after in (
        ("h", "kh", "sh", "dh", "pt", "pb"),
        ("w", "kw", "sw", "dw", "pl", "pr"),
    ):
        k = 1 if pointwise else draw(st.sampled_from((1, 2, 3, 3, 4, 5, 7, 11)))
        d = draw(st.sampled_from((1, 1, 1, 2, 3)))
        t = draw(st.sampled_from((1, 1, 1, 2, 3, 5)))
        extent = (k - 1) * d + 1
        pads = [draw(st.sampled_from((0, 0, k // 2, draw(st.integers(0, extent + 1))))) for _ in range(2)]
        n = draw(st.integers(max(1, extent - sum(pads)), extent + 20))
        s |= {size: n, kernel: k, stride: t, dilation: d, before: pads[0], after: pads[1]}
        axes.append(output(n, pads, k, d, t) * k)
    groups = draw(st.sampled_from((1, 1, 1, 2, 3, 8)))
    batch, cin, cout = draw(st.sampled_from((1, 1, 2, 3))), draw(channels(groups)), draw(channels(groups))
    work = axes[0] * axes[1] // groups
    while work * batch * cin * cout > MACS:  # less of what is most
        if batch > 1:
            batch = 1
        elif max(cin, cout) > groups:
            cin, cout = (max(groups, n // groups // 2 * groups) if n == max(cin, cout) else n for n in (cin, cout))
        else:
            break
    low, high = draw(st.sampled_from((("-inf", "inf"), ("-inf", "inf"), ("0", "6"), ("-0.5", "0.25"))))
    return s | {"groups": groups, "batch": batch, "cin": cin, "cout": cout, "min": low, "max": high}


def ways(program: Path, blocks: dict[str, int]) -> list[tuple[str, str]]:
    """Algorithm and schedule: all that this program has, with blocks of those sizes."""
    listed = json.loads(subprocess.check_output([program, "info", "--kernels"]))
    kernels = [kernel["name"] for kernel in listed if kernel["supported"]]
    named = [
        (algorithm, kernel + option.format(blocks[algorithm]))
        for kernel in kernels
        for algorithm in PUBLISHED
        for option in OPTIONS[algorithm]
    ]
    return [("naive", "default"), *named, *CHOSEN]


def verified(program: Path, plan: Any, folder: Path) -> list[Record]:
    path = folder / "random.plan"
    path.write_text(plan.text())
    argv: list[str | Path] = [program, "verify", path, "--dump", folder / "dump"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    return [parse_record(line) for line in done.stdout.splitlines()]


def check_records(found: list[Record], layers: dict[str, Shape], asked: list[tuple[str, str]]) -> None:
    """Everything ran and is right; only `direct` leaves layers out, those that it is not for."""
    assert isinstance(found[-1], End) and not [record for record in found if isinstance(record, Error)]
    checked: dict[str, int] = defaultdict(int)
    for check in (record for record in found if isinstance(record, Check)):
        assert check.by == "reference"
        assert check.ok, f"{check.variant} is wrong: {layers[check.layer]}"
        checked[check.layer] += 1
    for name, s in layers.items():
        ones = all(s[key] == 1 for key in ("kh", "kw", "sh", "sw", "groups"))
        in_place = ones and not any(s[key] for key in ("pt", "pr", "pb", "pl"))
        skipped = [record for record in found if isinstance(record, Skip) and record.layer == name]
        others = [skip for skip in skipped if not skip.reason.startswith("the same as variant")]  # `best` chose it
        directs = [] if in_place else [algorithm for algorithm, _ in asked if algorithm == "direct"]
        assert [skip.algorithm for skip in others] == directs, ([skip.reason for skip in others], s)
        assert checked[name] == len(asked) - len(skipped), (name, s)


def check_bits(found: list[Record], folder: Path, layers: dict[str, Shape]) -> None:
    """One kernel, one result, whatever the algorithm and schedule."""
    for name, s in layers.items():
        bits: dict[str, dict[str, bytes]] = defaultdict(dict)
        for check in (record for record in found if isinstance(record, Check) and record.layer == name):
            file = folder / "dump" / f"{name}.{check.variant.replace('/', '.', 1)}.output.npy"
            bits[check.kernel][check.variant] = file.read_bytes()
        for kernel, outputs in bits.items():
            assert kernel == "loops" or {f"im2col/{kernel}", f"indirect/{kernel}"} <= outputs.keys()
            assert len(set(outputs.values())) == 1, (kernel, sorted(outputs), s)


def check_memory(found: list[Layer], layers: dict[str, Shape]) -> None:
    """auto's pointers and matrix take no more than a matrix of all groups; im2col's is one group's."""
    extra = {(made.layer, made.variant.partition("/")[0]): made.pointer_bytes + made.matrix_bytes for made in found}
    assert len(extra) == 2 * len(layers)
    for name, s in layers.items():
        assert extra[name, "auto"] <= extra[name, "im2col"] * int(s.get("groups", 1)), s


@pytest.fixture
def check(
    plan: Any,
    run: Callable[..., Any],
    make_layer: Callable[..., str],
    make_variant: Callable[..., str],
    tmp_path: Path,
) -> Callable[..., None]:
    """`check(program, shapes, blocks)`: one plan of all of them."""

    def lines(asked: Sequence[tuple[str, str]]) -> list[str]:
        return [make_variant(i, algorithm, schedule) for i, (algorithm, schedule) in enumerate(asked)]

    def check(program: Path, drawn: list[Shape], blocks: dict[str, int]) -> None:
        layers = {f"layer{i}": s for i, s in enumerate(drawn)}
        asked = ways(program, blocks)
        plan.exe, plan.variants = program, lambda: lines(asked)
        plan.layers = tuple(make_layer(name, **s) for name, s in layers.items())
        with TemporaryDirectory(dir=tmp_path) as folder:
            found = verified(program, plan, Path(folder))
            check_records(found, layers, asked)
            check_bits(found, Path(folder), layers)
        plan.variants = lambda: lines((("im2col", "default"), ("auto", "default")))
        plan.rounds, plan.done = 1, "0.0,0.1"  # all measured before: objects are made, nothing is timed
        check_memory(run(plan, program).of(Layer), layers)

    return check


def several(plans: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many plans of random layers. Failures are not made smaller: each is a layer, and said."""
    blocks = st.fixed_dictionaries({algorithm: st.integers(1, 12) for algorithm in PUBLISHED})
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

    def wrap(test: Callable[..., None]) -> Callable[..., None]:
        drawn = given(drawn=st.lists(shapes(), min_size=LAYERS, max_size=LAYERS), blocks=blocks)(test)
        return settings(max_examples=plans, phases=(Phase.generate,), suppress_health_check=checks)(drawn)

    return wrap


@several(HOST_PLANS)
def test_on_this_machine(
    convbench: Path, check: Callable[..., None], drawn: list[Shape], blocks: dict[str, int]
) -> None:
    check(convbench, drawn, blocks)


@several(ARM64_PLANS)
def test_arm64(arm64_convbench: Path, check: Callable[..., None], drawn: list[Shape], blocks: dict[str, int]) -> None:
    check(arm64_convbench, drawn, blocks)


def test_a_wrong_kernel_is_found(broken_convbench: Path, check: Callable[..., None]) -> None:
    """The checks above, where every kernel computes one output of each tile wrongly."""
    one: Shape = {"h": 5, "w": 5, "cin": 3, "cout": 4}
    one |= {"pt": 1, "pr": 1, "pb": 1, "pl": 1, "kh": 3, "kw": 3, "sh": 1, "sw": 1, "groups": 1}
    with pytest.raises(AssertionError, match="is wrong"):
        check(broken_convbench, [one], dict.fromkeys(PUBLISHED, 1))
