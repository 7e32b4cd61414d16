"""Policies and device models."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.model.device_model import load_device_model, load_device_models, recognise
from harness.model.policy import Policy, list_policies, load_policy

pytestmark = pytest.mark.unit


def test_shipped_policies() -> None:
    assert {"quick", "default", "thorough", "smoke"} == set(list_policies())
    quick, default, thorough = (load_policy(name) for name in ("quick", "default", "thorough"))
    assert (quick.name, quick.launches, default.launches, thorough.launches) == ("quick", 6, 8, 8)
    assert default.min_ms == 10
    assert quick.cache == default.cache == ("hot", "rotate")
    assert default == Policy(name="default")
    assert (quick.precision, default.precision, thorough.precision) == (None, None, 0.01)
    assert (default.most_launches, default.budgeted_launches) == (8, 8)
    assert (thorough.most_launches, thorough.budgeted_launches) == (32, 16)


def test_keys_left_out_have_the_default(tmp_path: Path) -> None:
    (tmp_path / "my policy.yaml").write_text("launches: 5\ncache: [rotate]\nmin_ms: 2\n")
    policy = load_policy(str(tmp_path / "my policy.yaml"))
    assert (policy.name, policy.launches, policy.cache, policy.rounds) == ("my-policy", 5, ("rotate",), 10)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("launches: 4\nlauches: 5\n", ":2: lauches: unknown key"),
        ("launches: 4\nname: x\n", ":2: name: unknown key"),
        ("launches: '4'\n", ":1: launches: the text '4', where a whole number"),
        ("launches: true\n", ":1: launches: the truth value true"),
        ("launches: 0\n", ":1: launches: 0 must be"),
        ("rounds: 1.5\n", ":1: rounds: the number 1.5"),
        ("min_ms: 0\n", ":1: min_ms: 0"),
        ("precision: 0\n", ":1: precision: 0 must be"),
        ("precision: 1.5\n", ":1: precision: 1.5 must be"),
        ("precision: .nan\n", ":1: precision: nan must be"),
        ("precision: 1 %\n", ":1: precision: the text '1 %', where a number"),
        ("launches: 3\nprecision: 0.01\n", ":2: precision: it takes an interval, and 3 launches give none"),
        ("precision: 0.01\nlaunches: 3\n", ":1: precision: it takes an interval, and 3 launches give none"),
        ("min_ms: .inf\n", ":1: min_ms: inf must be"),
        ("min_ms: .nan\n", ":1: min_ms: nan must be"),
        ("block_budget_s: -1\n", ":1: block_budget_s: -1 must be"),
        ("cache: hot\n", ":1: cache: the text 'hot', where a list"),
        ("cache: [hot, cold]\n", ":1: cache[1]: unknown cache mode 'cold'"),
        ("cache: [hot, hot]\n", ":1: cache[1]: 'hot' is given twice"),
        ("cache: []\n", ":1: cache: the list is empty"),
        ("cache: [1]\n", ":1: cache[0]: unknown cache mode"),
        ("settings:\n  stay_awak: true\n", ":2: settings.stay_awak: unknown key"),
        ("settings: {dim_screen: 'yes'}\n", ":1: settings.dim_screen: the text 'yes', where true or false"),
        ("settings: [dim_screen]\n", ":1: settings: a list, where a mapping"),
        ("settings:\n  name: x\n", ":2: settings.name: unknown key"),
        ("gate_share: 1.5\n", ":1: gate_share: 1.5 must be less than or equal to 1"),
        ("gate_share: -0.1\n", ":1: gate_share: -0.1 must be greater than or equal to 0"),
        ("gate_share: a quarter\n", ":1: gate_share: the text 'a quarter', where a number is needed"),
        ("gate_share: .nan\n", ":1: gate_share: nan must be"),
        ("sustained: 240\n", ":1: sustained: the number 240, where a mapping"),
        ("sustained:\n  second: 9\n", ":2: sustained.second: unknown key"),
        ("sustained:\n  seconds: 5\n", ":2: sustained.seconds: 5 must be greater than or equal to 10"),
        ("sustained:\n  seconds: 60\n  duty: 0\n", ":3: sustained.duty: 0 must be greater than or equal to 0.05"),
        ("sustained: {duty: 1.1}\n", ":1: sustained.duty: 1.1 must be less than or equal to 1"),
        ("sustained: {launches: 0}\n", ":1: sustained.launches: 0 must be"),
        ("sustained: {launches: 1.5}\n", ":1: sustained.launches: the number 1.5, where a whole number"),
        (
            "sustained:\n  seconds: 60\n  window_s: 40\n",
            ":3: sustained.window_s: two windows of 40 s do not fit into a series of 60 s",
        ),
    ],
)
def test_refuses(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_policy(str(path))
    assert caught.value.message.startswith(f"{path}{told}")


@pytest.mark.parametrize("key", ["nam", "name", "lauches"])
def test_name_is_no_key_and_is_not_proposed(tmp_path: Path, key: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"{key}: 4\n")
    with pytest.raises(UsageError, match=f"{key}: unknown key") as caught:
        load_policy(str(path))
    known = caught.value.remedy.partition("Known: ")[2].rstrip(".").split(", ")
    assert "launches" in known
    assert "name" not in known
    assert "'name'" not in caught.value.remedy


def test_settings_left_out_have_the_default(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("settings: {stay_awake: false, dim_screen: true}\n")
    settings = load_policy(str(path)).settings
    assert (settings.stay_awake, settings.dim_screen, settings.screen_timeout_off) == (False, True, True)
    assert Policy.model_validate({"name": "of an older manifest", "launches": 3}).settings.stay_awake


def test_unknown_policy() -> None:
    with pytest.raises(UsageError, match=r"unknown policy 'thorogh'\n.*Did you mean 'thorough'"):
        load_policy("thorogh")


def test_device_models() -> None:
    models = load_device_models()
    assert set(models) == {"android-emulator", "galaxy-s8", "moto-g5", "pixel-2-xl", "pixel-3", "pixel-8"}
    pixel3 = models["pixel-3"]
    assert [cluster.cpus for cluster in pixel3.clusters] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert pixel3.clusters[1].midr and pixel3.clusters[1].midr.value == 0x516F802D
    assert pixel3.properties["ro.soc.model"] == "SDM845"
    assert len(models["pixel-8"].cpus) == 9
    assert models["pixel-2-xl"].thermal.scale == 0.1
    assert models["galaxy-s8"].clusters[0].capacity == 230
    assert recognise("SM-G950F", models.values()) is models["galaxy-s8"]
    assert recognise("<script>alert(1)</script>", models.values()) is None
    for model in models.values():
        assert model.sources
        for cluster in model.clusters:
            assert (cluster.freq is None) == (cluster.midr is None) == (model.id == "android-emulator")
            if freq := cluster.freq:
                assert list(freq.khz) == sorted(set(freq.khz))
                assert (freq.khz[0], freq.khz[-1]) == (freq.min_khz, freq.max_khz)


def test_device_model_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown device model 'pixel-4'"):
        load_device_model("pixel-4")
    text = """\
id: x
name: X
identity: {models: [X]}
soc: S
abis: {list: [arm64-v8a]}
features: {proc_cpuinfo: fp}
clusters:
- name: all
  cpus: [0, 1]
  core: C
  midr: {implementer: 0x41, part: 0xd03, variant: 0, revision: 4, value: 0x410fd034}
  freq: {khz: [1, 2], min_khz: 1, max_khz: 2}
"""
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert load_device_model(str(path)).cpus == (0, 1)
    for old, new, told in (
        ("0x410fd034", "0x410fd033", ":11: clusters[0].midr.value: 0x410fd033 given"),
        ("[0, 1]", "[0, 0]", ":9: clusters[0].cpus: a CPU is given twice"),
        ("khz: [1, 2], min", "min", ":12: clusters[0].freq: the key 'khz' is missing"),
        ("  core: C\n", "", ":8: clusters[0]: the key 'core' is missing"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(UsageError) as caught:
            load_device_model(str(path))
        assert caught.value.message.startswith(f"{path}{told}")
