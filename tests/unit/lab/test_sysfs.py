"""The trees made from the shipped device models."""

from pathlib import Path

import pytest

from harness.devices.base import parse_cpus
from harness.devices.topology import build
from harness.lab.model import PhoneModel, phone_model
from harness.lab.properties import properties, spec_of, write_state
from harness.lab.state import State
from harness.lab.sysfs import cpuinfo, replace_text, sys_tree, write_tree
from harness.model.device_model import load_device_model

pytestmark = pytest.mark.unit

MODELS = ("galaxy-s8", "pixel-2-xl", "pixel-3", "pixel-8")
CPU = "devices/system/cpu"


def model(name: str) -> PhoneModel:
    return phone_model(name, load_device_model(name).model_dump())


@pytest.mark.parametrize("name", MODELS)
def test_every_model_makes_a_whole_tree(name: str, tmp_path: Path) -> None:
    phone = model(name)
    write_tree(sys_tree(phone), tmp_path)
    cpus = parse_cpus((tmp_path / CPU / "possible").read_text())
    assert cpus == phone.numbers
    related = []
    for policy in (tmp_path / CPU / "cpufreq").iterdir():
        members = [int(word) for word in (policy / "related_cpus").read_text().split()]
        assert policy.name == f"policy{members[0]}"
        related += members
        low, high = (int((policy / f"cpuinfo_{end}_freq").read_text()) for end in ("min", "max"))
        assert low < high
        assert (policy / "cpuinfo_cur_freq").stat().st_mode & 0o777 == 0o400
        states = [int(line.split()[0]) for line in (policy / "stats" / "time_in_state").read_text().splitlines()]
        assert {low, high} <= set(states)
    assert sorted(related) == list(cpus)
    for cpu in cpus:
        folder = tmp_path / CPU / f"cpu{cpu}"
        assert str(cpu) in (folder / "cpufreq" / "related_cpus").read_text().split()
        assert len((folder / "regs" / "identification" / "midr_el1").read_text()) == 19
    zones = sorted((tmp_path / "class" / "thermal").iterdir())
    assert len(zones) == len(phone.zones) > 0
    assert all(zone.is_symlink() and int((zone / "temp").read_text()) > 0 for zone in zones)
    assert cpuinfo(phone).count("processor\t:") == len(cpus)


def test_what_differs_between_models() -> None:
    trees = {name: sys_tree(model(name)) for name in MODELS}
    listed = f"{CPU}/cpufreq/policy4/scaling_available_frequencies"
    assert listed in trees["pixel-3"]
    assert listed not in trees["galaxy-s8"]
    steps = trees["galaxy-s8"][f"{CPU}/cpufreq/policy4/stats/time_in_state"].text.splitlines()
    assert steps[0].startswith("2314000 ")
    assert "2803200" not in trees["pixel-3"][listed].text
    assert trees["pixel-3"][f"{CPU}/cpufreq/policy4/cpuinfo_max_freq"].text == "2803200\n"
    assert trees["pixel-8"][f"{CPU}/cpu4/topology/core_siblings_list"].text == "4\n"
    assert trees["pixel-3"][f"{CPU}/cpu4/topology/core_siblings_list"].text == "4-7\n"
    assert f"{CPU}/cpu0/cache/index0/size" in trees["pixel-2-xl"]
    assert f"{CPU}/cpu0/cache/index0/size" not in trees["galaxy-s8"]
    assert [zone.scale for zone in model("pixel-2-xl").zones] == [10] * 8 + [1, 1, 1000]
    capacities = [int(trees["pixel-3"][f"{CPU}/cpu{cpu}/cpu_capacity"].text) for cpu in (0, 7)]
    assert capacities[0] < capacities[1] == 1024


def test_emulated_core_shows_no_arithmetic_that_the_phone_lacks() -> None:
    assert {name: model(name).qemu_cpu for name in MODELS} == {
        "galaxy-s8": "cortex-a53",
        "pixel-2-xl": "cortex-a53",
        "pixel-3": "cortex-a53",
        "pixel-8": "max",
    }


def test_properties() -> None:
    props = properties(model("pixel-2-xl"), "VP1", {"ro.product.model": "$(reboot)"})
    assert props["ro.boot.qemu"] == "1"
    assert props["ro.product.model"] == "$(reboot)"
    assert props["ro.serialno"] == "VP1"
    assert (props["ro.build.version.release"], props["ro.build.version.sdk"]) == ("8.1.0", "27")
    assert props["ro.product.cpu.abilist"] == "arm64-v8a,armeabi-v7a,armeabi"
    assert "sys.boot_completed" not in props


def test_state_folder(tmp_path: Path) -> None:
    phone = model("pixel-3")
    write_state(tmp_path, phone, properties(phone, "VP1", {}))
    state = State(tmp_path)
    assert state.get_property("ro.product.device") == "blueline"
    state.set_property("sys.boot_completed", "1")
    assert state.get_property("sys.boot_completed") == "1"
    state.set_property("sys.boot_completed", None)
    assert state.get_property("sys.boot_completed") == ""
    assert state.pid("supervisor") == 0
    temperature = tmp_path / "sys" / "class" / "thermal" / "thermal_zone0" / "temp"
    replace_text(temperature, "1\n")
    assert temperature.read_text() == "1\n"
    assert temperature.stat().st_mode & 0o777 == 0o444


def test_a_32_bit_phone_and_one_with_the_hosts_own_cpu() -> None:
    old, emulator = model("moto-g5"), model("android-emulator")
    assert not [path for path in sys_tree(old) if "midr" in path or "/cache/" in path]
    assert "CPU architecture: 7\n" in cpuinfo(old) and "neon vfpv3 tls vfpv4" in cpuinfo(old)
    assert old.qemu_cpu == "cortex-a7"
    assert properties(old, "VP1", {})["ro.product.cpu.abilist32"] == "armeabi-v7a,armeabi"
    assert "ro.product.cpu.abilist64" not in properties(old, "VP1", {})
    assert not [path for path in sys_tree(emulator) if "midr" in path or "cpufreq" in path]
    assert "vendor_id" in cpuinfo(emulator) and "CPU part" not in cpuinfo(emulator)
    assert "QEMU_CPU" not in spec_of(emulator, {})["environment"]
    topology = build({"/proc/cpuinfo": cpuinfo(emulator).encode(), f"/sys/{CPU}/present": b"0-1"})
    assert [cluster.cpus for cluster in topology.clusters] == [(0, 1)]
