"""Runs a plan of convbench on this machine and pairs what it measured."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import __version__
from harness.build.builder import Built, build
from harness.config.layer import Layer
from harness.config.policy import Policy
from harness.devices.base import format_cpus
from harness.devices.local import LocalDevice
from harness.measure.clusters import targets
from harness.plan.jobs import Variant, make_jobs
from harness.plan.planfile import BuildLine, MeasureLine, Plan, RunLine, render
from harness.stats.estimate import Observation, launch_means, pair_log_ratios, ratio
from harness.stats.interval import Interval
from harness.store import records
from harness.store.recordsfile import parsed

_MEMORY_BYTES = 768 << 20
_SEED = 20190704


def program() -> Built:
    """convbench for this machine."""
    return build("host", "auto", None, lambda text: print(text, file=sys.stderr))


def measure(
    layers: Sequence[Layer], policy: Policy, variants: Sequence[Variant], builds: Sequence[str]
) -> list[records.Sample]:
    """All samples of the variants on the fastest cluster of this machine; ``builds`` names a worker each."""
    exe = str(program().path)
    target = targets(LocalDevice().topology(), None)[-1]
    run = RunLine("bench", target.cluster.label, 1, target.cpu, 86_400, __version__, format_cpus(target.conductor))
    plan = Plan(
        run,
        MeasureLine(int(policy.min_ms * 1e6), policy.block_budget_s, _MEMORY_BYTES),
        [BuildLine(index, exe, name) for index, name in enumerate(builds)],
        variants,
        layers,
        make_jobs(layers, policy, _SEED, target.cluster.label, variants),
    )
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "plan", Path(folder) / "records.jsonl"
        file.write_text(render(plan))
        subprocess.run([exe, "run", str(file), "--out", str(out)], check=True)
        found = list(parsed(out.read_bytes()))
    return [record for record in found if isinstance(record, records.Sample)]


def compare(samples: Sequence[records.Sample], layer: str, ours: tuple[str, str], other: tuple[str, str]) -> Interval:
    """The other's time over ours on a layer; each is (build, variant). Raises ValueError where there is no pair."""

    def of(key: tuple[str, str]) -> list[Observation]:
        group = 0  # two builds are two processes by design
        return [
            Observation(s.launch, s.round, group, s.ns)
            for s in samples
            if s.layer == layer and (s.build, s.variant) == key
        ]

    found = ratio(launch_means(pair_log_ratios(of(ours), of(other))))
    if found is None:
        raise ValueError(f"no pairs of {ours} and {other} on {layer}")
    return found


def shown(interval: Interval) -> str:
    """A ratio with its interval, four decimals."""
    if interval.low is None or interval.high is None:
        return f"{interval.value:.4f}"
    return f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
