"""What --device means in a lab: all, one, or any of a model."""

from __future__ import annotations

import pytest

from harness.devices.base import Cluster, Identity, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError, NoDeviceError, UsageError
from harness.hosts.choosing import attached, choose, distinct, named_phones
from harness.hosts.described import DescribedPhone
from harness.hosts.schema import Phone

pytestmark = pytest.mark.unit


def phone(number: str, host: str, model: str = "Pixel 3") -> DescribedPhone:
    identity = Identity(f"S{number}", "adb", model=model, serialno=f"8A9X0{number}", abis=("arm64-v8a",), host="h:5037")
    topology = Topology((Cluster((0, 1)),), (0, 1))
    described = Phone.of(PhoneId.of(identity).digest, identity, topology, ["linker64"])
    return DescribedPhone(Phone.model_validate_json(described.model_dump_json()), host, f"tcp://{host}")


PHONES = [phone("1", "alpha"), phone("2", "alpha"), phone("3", "beta"), phone("4", "beta", "SM-G950F")]


def test_all_of_them_are_meant_by_themselves() -> None:
    for wanted in ([], ["all"]):
        chosen = choose(wanted, PHONES)
        assert list(chosen.phones) == PHONES and not chosen.portable


def test_a_serial_and_a_name_with_its_hash_mean_one_phone() -> None:
    name = named_phones(PHONES)[0][0]
    assert name.startswith("pixel-3-")
    chosen = choose(["S3", name], PHONES)
    assert [each.serial for each in chosen.phones] == ["S3", "S1"] and not chosen.portable


def test_a_model_means_any_of_its_phones_spread_over_hosts() -> None:
    chosen = choose(["pixel-3", "pixel-3"], PHONES)
    assert [each.host for each in chosen.phones] == ["alpha", "beta"]
    assert len(chosen.names_of_portable) == 2
    with pytest.raises(NoDeviceError, match="only 3 free phones 'pixel-3'"):
        choose(["pixel-3"] * 4, PHONES)


def test_what_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(NoDeviceError, match=r"no phone 'pixel-9'(?s:.)*there are: pixel-3, sm-g950f"):
        choose(["pixel-9"], PHONES)
    with pytest.raises(UsageError, match="--device local"):
        choose(["local"], PHONES)


def test_a_phone_that_two_hosts_reach_is_one() -> None:
    assert distinct([*PHONES, phone("1", "beta")]) == PHONES


def test_unusable_ones_count_where_all_were_meant() -> None:
    bad = phone("9", "beta")
    lost = attached(choose([], PHONES), [], [])
    assert lost.unusable == ()
    assert bad.identity.host == "beta h:5037"


def test_a_phone_that_cannot_be_is_refused() -> None:
    true = phone("1", "alpha").phone
    false = DescribedPhone(true.model_copy(update={"digest": "0" * 16}), "alpha", "tcp://alpha")
    with pytest.raises(InfrastructureError, match="what cannot be"):
        _ = false.identity
    for wrong in ({"abis": 7}, {"abis": [7]}, {"model": None}, {"more": ""}):
        strange = true.model_copy(update={"identity": {**true.identity, **wrong}})
        with pytest.raises(InfrastructureError, match="not to be understood"):
            _ = DescribedPhone(strange, "alpha", "tcp://alpha").identity
