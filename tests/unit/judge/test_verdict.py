"""Verdicts: each reason by its evidence alone, garbage, and that leaving out prefers no side."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from harness.judge.reason import OF_THE_DEVICE, WORDS, Reason, names_of
from harness.judge.sample import Evidence
from harness.judge.verdict import Setting, Verdicts, judge
from harness.model.policy import Policy

pytestmark = pytest.mark.unit

COUNT = 40
POLICY = Policy(name="p")
OF_STATE = Reason.SCREEN_OFF | Reason.LOW_POWER  # what the device tells, whatever program runs
FLOATS = (
    *("mhz_before", "mhz_after", "window_ns", "cpu_ns", "span_ns"),
    *("gflops_before", "gflops_after", "gbps_before", "gbps_after"),
)


def evidence(count: int = COUNT, **columns: Any) -> Evidence:
    """Of a quiet device; ``columns``: other values, a scalar for all samples."""
    quiet = {
        **dict.fromkeys(("settle_capped", "window_short"), False),
        **dict.fromkeys(("repinned", "nivcsw", "faults"), 0),
        **{"cpu_before": 4, "cpu_after": 4, "mhz_before": 2800.0, "mhz_after": 2800.0},
        **{"window_ns": 11e6, "cpu_ns": 12e6, "span_ns": 12.003e6},
        **{"gflops_before": 44.8, "gflops_after": 44.8, "gbps_before": 12.0, "gbps_after": 12.0},
    }
    wanted = {name: np.broadcast_to(np.asarray(value), count).copy() for name, value in {**quiet, **columns}.items()}
    return Evidence(**wanted)


def setting(count: int = COUNT, **columns: Any) -> Setting:
    plain = {"row": 0, "build": 0, "cap_khz": 2.8e6, "rise_c": np.nan, "start_c": np.nan, "rebooted": False, "cpu": 4}
    plain |= {"threads": 1, "asleep": 0.0, "saving": 0.0, "thermal_status": 0.0, "round_khz": np.nan}
    wanted: dict[str, Any] = {
        name: np.broadcast_to(np.asarray(value), count).copy() for name, value in {**plain, **columns}.items()
    }
    return Setting(**wanted, emulated=False)


def found(verdicts: Verdicts) -> list[str]:
    return [names_of(mask) for mask in verdicts.masks.tolist()]


def third(value: float, otherwise: float) -> NDArray[Any]:
    """A column in which the third sample alone has the value."""
    column = np.full(COUNT, otherwise)
    column[2] = value
    return column


ALONE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "MIGRATED": ({"cpu_after": third(5, 4).astype(int)}, {}),
    "CLOCK_DROP": ({"mhz_before": third(2500.0, 2800.0), "mhz_after": third(2500.0, 2800.0),
                    "gflops_before": third(40.0, 44.8), "gflops_after": third(40.0, 44.8)}, {}),
    "THROTTLED": ({"mhz_before": third(2500.0, 2800.0), "mhz_after": third(2500.0, 2800.0)},
                  {"rise_c": third(30.0, 20.0)}),
    "CLOCK_UNKNOWN": ({"mhz_after": third(np.nan, 2800.0)}, {}),
    "UNSETTLED": ({"settle_capped": third(1, 0).astype(bool)}, {}),
    "PREEMPTED": ({"cpu_ns": third(11.9e6, 12e6), "nivcsw": third(1, 0).astype(int)}, {}),
    "CONTENDED": ({"gflops_after": third(40.0, 44.8)}, {}),
    "FAULTED": ({"faults": third(17, 16).astype(int)}, {}),
    "CAPPED": ({}, {"cap_khz": third(2.7e6, 2.8e6)}),
    "REBOOTED": ({}, {"rebooted": third(1, 0).astype(bool)}),
    "SCREEN_OFF": ({}, {"asleep": third(1.0, 0.0)}),
    "LOW_POWER": ({}, {"saving": third(0.5, 0.0)}),
}  # fmt: skip


@pytest.mark.parametrize("reason", ALONE)
def test_each_reason_is_of_its_evidence_alone(reason: str) -> None:
    told, around = ALONE[reason]
    verdicts = found(judge(evidence(**told), setting(**around), POLICY))
    assert verdicts[2] == reason
    assert set(verdicts[:2] + verdicts[3:]) == {""}


def test_a_slow_read_of_memory_is_contention() -> None:
    slow = evidence(gbps_before=third(5.0, 12.0))
    assert found(judge(slow, setting(), POLICY))[2] == "CONTENDED"
    assert not any(found(judge(slow, setting(), POLICY.model_copy(update={"least_bandwidth": 0.4}))))


def test_every_reason_has_words_and_is_told_in_order() -> None:
    assert set(WORDS) == set(Reason)
    assert names_of(Reason.FAULTED | Reason.CLOCK_DROP) == "CLOCK_DROP+FAULTED"
    assert names_of(0) == ""


def test_verdicts_can_be_switched_off() -> None:
    off = judge(evidence(faults=1000), setting(), POLICY.model_copy(update={"verdicts": False}))
    assert not off.masks.any() and off.seen == {0: 0}


def test_a_change_of_the_clock_within_a_sample_is_a_drop() -> None:
    rises = evidence(mhz_before=third(2640.0, 2800.0), gflops_before=third(42.24, 44.8))
    assert found(judge(rises, setting(), POLICY))[2] == "CLOCK_DROP"


def test_a_switch_that_took_no_time_taints_nothing() -> None:
    assert not any(found(judge(evidence(nivcsw=3), setting(), POLICY)))


def test_without_cpu_times_a_switch_is_enough() -> None:
    old = evidence(nivcsw=third(1, 0).astype(int), cpu_ns=np.nan, span_ns=np.nan)
    assert found(judge(old, setting(), POLICY))[2] == "PREEMPTED"


def test_a_device_without_a_clock_is_not_tainted_for_it() -> None:
    blind = evidence(mhz_before=np.nan, mhz_after=third(2000.0, np.nan), settle_capped=True)
    verdicts = judge(blind, setting(), POLICY)
    assert not verdicts.masks.any()
    assert not verdicts.seen[0] & (Reason.CLOCK_UNKNOWN | Reason.CLOCK_DROP | Reason.UNSETTLED)


def test_a_warm_start_counts_where_no_clock_decides() -> None:
    warm = setting(start_c=6.0)
    assert not judge(evidence(), warm, POLICY).masks.any()
    blind = evidence(mhz_before=np.nan, mhz_after=np.nan)
    assert set(found(judge(blind, warm, POLICY))) == {"HOT"}


def test_of_an_emulated_device_what_its_host_did_is_no_reason() -> None:
    disturbed = evidence(cpu_ns=1e6, faults=99, window_ns=1.0, cpu_after=5)
    masks = judge(disturbed, replace(setting(cap_khz=third(1e6, 2e6)), emulated=True), POLICY).masks
    assert set(found(Verdicts(masks, {}))) == {"MIGRATED", "MIGRATED+CAPPED"}
    assert not (masks & ~np.uint16(OF_THE_DEVICE)).any()


@pytest.mark.parametrize(
    ("asleep", "off"),
    [
        pytest.param(third(1.0, np.nan), 0, id="never known to be on"),
        pytest.param(np.full(COUNT, 1.0), 0, id="off throughout"),
        pytest.param(third(1.0, 0.0), 1, id="off once"),
        pytest.param(third(0.0, 1.0), 1, id="on once"),
        pytest.param(third(0.5, 1.0), 1, id="changing once while off"),
        pytest.param(np.repeat([0.0, 1.0], COUNT // 2), COUNT // 2, id="off half of the time"),
        pytest.param(np.full(COUNT, 0.5), COUNT, id="always changing"),
        pytest.param(np.full(COUNT, np.nan), 0, id="unknown"),
    ],
)
def test_a_screen_that_is_off_all_the_time_is_alike_for_all(asleep: NDArray[Any], off: int) -> None:
    assert found(judge(evidence(), setting(asleep=asleep), POLICY)).count("SCREEN_OFF") == off
    assert found(judge(evidence(), setting(saving=asleep), POLICY)).count("LOW_POWER") == off


def test_the_thermal_status_names_a_low_clock_and_judges_where_there_is_none() -> None:
    """LIGHT (1) is no reason by itself, MODERATE (2) is; with a clock that stays, neither."""
    low: dict[str, Any] = {
        "mhz_before": third(2500.0, 2800.0),
        "mhz_after": third(2500.0, 2800.0),
        "gflops_before": third(40.0, 44.8),
    }
    low["gflops_after"] = low["gflops_before"]
    blind = evidence(mhz_before=np.nan, mhz_after=np.nan)
    for status, of_low, of_blind in ((1.0, "CLOCK_DROP", ""), (2.0, "THROTTLED", "HOT")):
        assert found(judge(evidence(**low), setting(thermal_status=status), POLICY))[2] == of_low
        assert not judge(evidence(), setting(thermal_status=status), POLICY).masks.any()
        assert set(found(judge(blind, setting(thermal_status=status), POLICY))) == {of_blind}


def test_without_a_clock_the_time_at_each_frequency_decides() -> None:
    blind = evidence(mhz_before=np.nan, mhz_after=np.nan)
    slow = setting(round_khz=third(2.4e6, 2.8e6))
    assert found(judge(blind, slow, POLICY)).count("SLOW_ROUND") == 1
    assert found(judge(blind, slow, POLICY))[2] == "SLOW_ROUND"
    assert judge(blind, slow, POLICY).seen[0] & Reason.SLOW_ROUND
    assert not judge(evidence(), slow, POLICY).masks.any()  # the probe beside the sample knows better
    assert not judge(blind, setting(round_khz=third(np.nan, 2.8e6)), POLICY).masks.any()


def test_short_windows_are_all_of_a_variant_s_or_none() -> None:
    """By their median: the calls are fixed, so the fast samples of a variant are its short ones."""
    windows = np.where(np.arange(COUNT) % 2, 4.0e6, np.linspace(3e6, 9e6, COUNT))
    row = np.arange(COUNT) % 2
    short = np.array(found(judge(evidence(window_ns=windows), setting(row=row), POLICY)))
    assert set(short[row == 1]) == {"SHORT"} and set(short[row == 0]) == {""}


def test_of_several_threads_the_time_of_one_tells_nothing() -> None:
    """It waits for the others, and the system moves it among their CPUs."""
    shared = evidence(cpu_ns=6e6, cpu_after=5, nivcsw=3)
    assert set(found(judge(shared, setting(), POLICY))) == {"MIGRATED+PREEMPTED"}
    verdicts = judge(shared, setting(threads=2), POLICY)
    assert not verdicts.masks.any() and not verdicts.seen[0] & Reason.PREEMPTED


def test_programs_are_held_against_their_own_best_and_what_they_tell() -> None:
    build = np.arange(COUNT) % 2
    silent = np.where(build == 1, np.nan, 44.8)
    told = evidence(
        gflops_before=silent, gflops_after=silent * np.where(np.arange(COUNT) == 2, 0.8, 1.0),
        gbps_before=silent, gbps_after=silent, cpu_ns=np.where(build == 1, np.nan, 12e6),
        nivcsw=np.where(build == 1, -1, 0), faults=np.where(build == 1, -1, 0), mhz_before=silent, mhz_after=silent,
    )  # fmt: skip
    verdicts = judge(told, setting(build=build), POLICY)
    assert verdicts.masks[2] & Reason.CLOCK_DROP or verdicts.masks[2] & Reason.CONTENDED
    assert verdicts.seen[1] == Reason.REBOOTED | Reason.CAPPED | Reason.SHORT | Reason.MIGRATED | Reason.HOT | OF_STATE
    assert verdicts.seen[0] & Reason.CONTENDED and verdicts.seen[0] & Reason.PREEMPTED


def test_one_reading_of_garbage_is_no_best() -> None:
    wild = evidence(gflops_before=third(1e9, 44.8), mhz_before=third(1e6, 2800.0))
    verdicts = found(judge(wild, setting(cap_khz=third(1e9, 2.8e6)), POLICY))
    assert set(verdicts[:2] + verdicts[3:]) == {""}


WILD = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e308, 5e-324, 2800.0, 12e6])


AROUND = ("cap_khz", "rise_c", "start_c", "asleep", "saving", "thermal_status", "round_khz")


@given(st.data())
def test_garbage_never_breaks_it(data: st.DataObject) -> None:
    columns = {name: data.draw(arrays(np.float64, 5, elements=WILD)) for name in FLOATS}
    around = {name: data.draw(arrays(np.float64, 5, elements=WILD)) for name in AROUND}
    verdicts = judge(evidence(5, **columns), setting(5, **around), POLICY)
    assert verdicts.masks.shape == (5,) and int(verdicts.masks.max()) < 2 * max(Reason)


@given(st.permutations(range(12)))
def test_the_order_of_samples_does_not_matter(order: list[int]) -> None:
    lost = np.linspace(11.8e6, 12e6, 12)
    told = evidence(12, cpu_ns=lost, gflops_after=np.linspace(30, 44, 12), window_ns=np.linspace(1e6, 12e6, 12))
    around = setting(12, row=np.arange(12) % 3)
    mixed = Evidence(*(getattr(told, field.name)[order] for field in fields(Evidence)))
    again = judge(mixed, replace(around, row=around.row[order]), POLICY)
    assert again.masks.tolist() == judge(told, around, POLICY).masks[order].tolist()


LAUNCHES, ROUNDS = 400, 20


def one_sided(hits: tuple[float, float], span_ms: tuple[float, float], taken_ms: float) -> tuple[float, float, float]:
    """A against B, of equal speed. What disturbs strikes one of them more often, or finds longer windows to strike.

    Mean log ratio of pairs of valid samples, the same of every pair, and the share of pairs that are valid.
    """
    dice = np.random.default_rng(7)
    size = LAUNCHES * ROUNDS
    drift = np.repeat(dice.normal(0, 0.05, LAUNCHES), ROUNDS)  # shared by the round
    logs, told = [], []
    for rate, span in zip(hits, span_ms, strict=True):
        # In ms, by something else on the CPU; and a neighbour of the core, seen beside the window not quite the same.
        taken = np.where(dice.random(size) < rate * span / 12, dice.exponential(taken_ms, size), 0.0)
        slow_core = np.where(dice.random(size) < 0.2, dice.uniform(0.7, 0.95, size), 1.0)
        probe = 44.8 * slow_core * dice.normal(1, 0.004, size)
        logs.append(drift + dice.normal(0, 0.01, size) + np.log1p(taken / span) - np.log(slow_core))
        told.append(evidence(
            size, span_ns=(span + taken) * 1e6, cpu_ns=span * 1e6, gflops_before=probe, gflops_after=probe,
            window_ns=span * 1e6,
        ))  # fmt: skip
    of_both = setting(2 * size, row=np.repeat([0, 1], size))  # held against what the device showed beside either
    valid = judge(Evidence.joined(told), of_both, POLICY).masks == 0
    ratio, both = logs[1] - logs[0], valid[:size] & valid[size:]
    return float(ratio[both].mean()), float(ratio.mean()), float(both.mean())


@pytest.mark.parametrize(
    ("hits", "span_ms", "taken_ms"),
    [((0.1, 0.1), (12, 12), 1.5), ((0.05, 0.3), (12, 12), 1.5), ((0.1, 0.1), (12, 40), 1.5)],
)
def test_leaving_out_prefers_no_side(hits: tuple[float, float], span_ms: tuple[float, float], taken_ms: float) -> None:
    """Pairs of valid samples give the true ratio though B is struck up to six times as often as A."""
    judged, every, share = one_sided(hits, span_ms, taken_ms)
    assert 0.2 < share < 0.7
    assert abs(judged) < 5 * 0.02 / np.sqrt(LAUNCHES * ROUNDS * share)
    if hits[0] != hits[1]:
        assert every > 0.02  # what the disturbances would have made of it


def test_a_program_with_a_clock_is_not_preferred_to_one_without() -> None:
    """Equal ones, whose clock drops for a sample now and then: what one alone can leave out stays in on both sides."""
    dice, size = np.random.default_rng(7), LAUNCHES * ROUNDS
    clock = np.where(dice.random(2 * size) < 0.2, dice.choice([0.75, 0.85], 2 * size), 1.0)
    build = np.repeat([0, 1], size)
    mhz = np.where(build == 0, 2800.0 * clock, np.nan)
    told = evidence(2 * size, mhz_before=mhz, mhz_after=mhz, gflops_before=np.nan, gflops_after=np.nan)
    khz = np.tile(np.repeat(dice.choice([2.8e6, 2.4e6], LAUNCHES, p=[0.9, 0.1]), ROUNDS), 2)
    verdicts = judge(told, setting(2 * size, row=build, build=build, round_khz=khz), POLICY)
    valid = verdicts.masks & verdicts.seen[0] & verdicts.seen[1] == 0
    assert np.mean(verdicts.masks[:size] != 0) > 0.15 and np.mean(verdicts.masks[size:] != 0) > 0.05
    logs = -np.log(clock) + dice.normal(0, 0.01, 2 * size)
    both = valid[:size] & valid[size:]
    ratio = (logs[size:] - logs[:size])[both]
    assert abs(ratio.mean()) < 4 * ratio.std() / np.sqrt(len(ratio))


def test_what_stays_in_is_less_than_the_threshold() -> None:
    """Interruptions that are under it in the longer window alone stay on one side: by far less than the threshold."""
    judged, _, share = one_sided((0.1, 0.1), (12, 40), 0.15)
    assert abs(judged) < POLICY.most_lost / 2 + 3 * 0.02 / np.sqrt(LAUNCHES * ROUNDS * share)


def test_slow_samples_that_nothing_explains_stay() -> None:
    """Twice the time, and the same evidence: that is the variant's."""
    assert not judge(evidence(window_ns=third(22e6, 11e6), span_ns=12.003e6), setting(), POLICY).masks.any()
