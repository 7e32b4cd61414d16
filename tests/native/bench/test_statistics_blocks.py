"""benchmarks/statistics on convbench itself: noise that is recorded, blocks that are measured, kept and read."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.statistics import __main__ as statistics
from benchmarks.statistics import blocks, noise, silicon
from harness.errors import UsageError
from harness.model.policy import Policy
from harness.plan.planfile import MeasureLine
from harness.results.stream import read_records

pytestmark = pytest.mark.native

LAUNCHES = 2  # each takes a second, whatever is measured
POLICY = Policy(name="p", launches=LAUNCHES, rounds=2, min_ms=0.2, verdicts=False, cache=("hot",))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"BLOCKS": 2, "SHARING": 1, "PART": 1, "LARGEST": 0.2, "LARGEST_SHARED": 0.2}
    at_once = {"MeasureLine": partial(MeasureLine, settle_ms=2, settle_cold_ms=2)}  # no time is looked at
    for name, value in {**few, **at_once}.items():
        monkeypatch.setattr(blocks, name, value)


def test_blocks_are_measured_once_and_their_calls_are_one_per_cent_apart(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "real"
    campaign = blocks.Campaign(folder, POLICY)
    found = campaign.run()
    assert [each.part.name for each in found] == ["blocks-00", "blocks-01", "placement-00"]
    stream = read_records(found[0].path)[0][-1]
    calls: dict[str, int] = dict(stream.samples.zip("variant", "calls"))
    assert calls[blocks.ONE] == calls[blocks.TWO] and calls[blocks.ONE] % 100 == 0
    assert calls[blocks.MORE] * 100 == calls[blocks.ONE] * 101
    times = campaign.times
    assert {"pilot", "blocks-00", "placement-00"} <= set(times) and all(each["seconds"] > 0 for each in times.values())

    compared = [block for each in found[:2] for block in silicon.read(each, POLICY, campaign.l2_bytes)]
    assert [block.windows[blocks.MORE].shape for block in compared] == [(LAUNCHES, 2), (LAUNCHES, 2)]
    (placed,) = silicon.read(found[2], POLICY, campaign.l2_bytes)
    shared = silicon.sharing([placed], POLICY)
    assert shared["shared", blocks.TWO].same > 0.9 and shared["own", blocks.TWO].same < 0.1

    (folder / "blocks-01.jsonl").unlink()
    kept = found[0].path.stat().st_mtime_ns
    assert [each.path for each in blocks.Campaign(folder, POLICY).run()] == [each.path for each in found]
    assert found[0].path.stat().st_mtime_ns == kept and found[1].path.exists()
    monkeypatch.setattr(statistics, "load_policy", lambda _: POLICY)
    text = "\n".join(statistics._measured(folder))
    assert f"2 blocks, policy `p` ({LAUNCHES} launches of 2 rounds" in text
    assert "| ours | " in text and " of 2" in text and "| indirect beside itself | 100 % | " in text
    with pytest.raises(UsageError, match="records of another program, policy or machine"):
        blocks.Campaign(folder, POLICY.model_copy(update={"rounds": 3})).run()


def test_rounds_with_tainted_samples_are_measured_again(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sample runs all of its time: at a threshold of none, each round is followed by another one."""
    monkeypatch.setattr(blocks, "BLOCKS", 1)
    monkeypatch.setattr(blocks, "SHARING", 0)
    policy = POLICY.model_copy(update={"verdicts": True, "most_lost": 0.0, "least_pairs": 1})
    (found,) = blocks.Campaign(tmp_path, policy).run()
    (block,) = silicon.read(found, policy, 512 << 10)
    assert found.again.exists() and block.tainted > 0
    assert 3 * LAUNCHES * 2 < block.count <= 2 * 3 * LAUNCHES * 2
    assert block.windows[blocks.ONE].shape == (LAUNCHES, 2)  # those that were planned
    rounds = {(each.launch, each.round) for each, _ in block.judged[blocks.ONE]}
    assert len(rounds) == len(block.judged[blocks.ONE])


def test_noise_is_recorded_in_rounds_of_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    short = {"SHAPES": ((0.5, 24),), "LAUNCHES": LAUNCHES, "ROUNDS": 2, "POLICY": POLICY}
    for name, value in {**short, "build_root": lambda: tmp_path, "_PATIENCE_S": 0.0}.items():
        monkeypatch.setattr(noise, name, value)
    made = noise.record(most_running=1000)
    assert made.names == ("noise0 hot", "noise0 rotate") and made.log_ns.shape == (2, 2, 2, 2)
    assert np.median(made.log_ns, axis=(1, 2, 3)) == pytest.approx([0, 0], abs=1e-9)
    assert np.all(made.evidence["gbps_before"][1] > 0) and np.all(made.lost < 1)
    assert json.loads(json.dumps(dict(made.about)))["program"].startswith("convbench ")
