"""Jobs of a sustained suite."""

from __future__ import annotations

import pytest

from harness.model.policy import Policy
from harness.model.suite import load_suite
from harness.model.sustained import SUSTAINED, Sustained
from harness.plan.jobs import make_variants
from harness.plan.series import latest_series_s, make_series, series_s

pytestmark = pytest.mark.unit

LAYERS = load_suite("smoke").layers
POLICY = Policy(name="p", cache=("rotate", "hot"), sustained=Sustained(launches=3)).of_mode(SUSTAINED)
VARIANTS = make_variants(["im2col", "indirect"], POLICY.cache)


def test_each_series_has_a_launch_of_its_own() -> None:
    jobs = make_series(LAYERS, POLICY, 7, "0-3", VARIANTS)
    assert [job.launch for job in jobs] == list(range(len(jobs)))
    pairs = [(job.layer, job.variants) for job in jobs]
    assert len(set(pairs)) == len(pairs) / 3 == 2 * len(LAYERS)
    third = len(jobs) // 3
    assert pairs[:third] != pairs[third : 2 * third] and set(pairs[:third]) == set(pairs[third : 2 * third])
    assert all(len(job.variants) == 1 for job in jobs)


def test_leaving_out_a_layer_changes_no_seed() -> None:
    every = {(job.layer, job.variants): job.seed for job in make_series(LAYERS, POLICY, 7, "0-3", VARIANTS)[-12:]}
    fewer = {(job.layer, job.variants): job.seed for job in make_series(LAYERS[1:], POLICY, 7, "0-3", VARIANTS)[-10:]}
    assert fewer.items() <= every.items()
    assert make_series(LAYERS, POLICY, 7, "4-7", VARIANTS) != make_series(LAYERS, POLICY, 7, "0-3", VARIANTS)


def test_the_policy_of_a_sustained_suite() -> None:
    assert POLICY.cache == ("hot",)
    assert Policy(name="p", cache=("rotate",)).of_mode(SUSTAINED).cache == ("rotate",)
    assert (POLICY.verdicts, POLICY.again_share, POLICY.block_budget_s) == (False, 0, 240)
    assert POLICY.rounds * POLICY.min_ms / 1000 >= 2 * POLICY.sustained.seconds  # enough for one that is begun anew
    assert POLICY.of_mode("burst") is POLICY
    most = Policy(name="p", sustained=Sustained(seconds=3600)).of_mode(SUSTAINED)
    assert Policy.model_validate_json(most.model_dump_json()) == most  # as the manifest keeps it


def test_the_time_that_series_take() -> None:
    jobs = make_series(LAYERS, POLICY, 7, "0-3", VARIANTS)
    assert series_s(jobs, POLICY) == len(jobs) * (240 + 1.5)
    assert latest_series_s(jobs, POLICY, gate_cap_s=120) > series_s(jobs, POLICY) + len(jobs) * 120
