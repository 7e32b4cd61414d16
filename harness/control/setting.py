"""The settings of a phone that a run may change: how each is read, written and told from noise.

A row of TABLE is all that a further one needs, beside its key in a policy (harness/model/policy.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.devices.base import Device, Identity
from harness.errors import DeviceError

_LIMIT_S = 10.0  # each command has that long: it is a helper, and the measurement goes on without it


@dataclass(frozen=True)
class Setting:
    """A setting, and the value that serves a measurement.

    Its command gets the word of a value behind it; without a command it is one of Android's ``settings``.
    """

    name: str
    wanted_by: str  # a key of the policy's settings
    ours: str
    like: str  # what a value looks like, as a regular expression
    namespace: str = ""  # of Android's settings, where it can be read there
    key: str = ""
    absent: str | None = None  # what it means when it is not set
    default: str | None = None  # documented: what it is reset to where it cannot be read
    command: tuple[str, ...] = ()
    words: Mapping[str | None, str] = field(default_factory=dict)
    least_sdk: int = 0
    over_network_only: bool = False  # elsewhere it is not needed
    never_over_network: bool = False
    near: int = 0  # values so close to ours are ours: the phone rounds
    is_the_phones: bool = False  # the phone itself may refuse the saved value for good reasons

    @property
    def is_readable(self) -> bool:
        """Whether the phone tells its value."""
        return bool(self.key)

    @property
    def program(self) -> str:
        """What is run on the phone to change it: where it hangs, all that needs it is given up."""
        return self.command[0] if self.command else "settings"

    def is_like(self, value: str | None) -> bool:
        """Whether that may be a value of it."""
        return value is None or re.fullmatch(self.like, value) is not None

    def is_ours(self, value: str | None, ours: str) -> bool:
        """Whether the value is the one that we wrote."""
        if value is not None and self.near and value.isdecimal() and ours.isdecimal():
            return abs(int(value) - int(ours)) <= self.near
        return value == ours

    def is_needed(self, identity: Identity) -> bool:
        """Whether it matters on such a phone."""
        return identity.is_networked or not self.over_network_only

    def obstacle(self, identity: Identity) -> str:
        """Why it is left alone on such a phone; empty where it is not."""
        if self.never_over_network and identity.is_networked:
            return "left alone, because the phone is reached over the network"
        if 0 < identity.sdk < self.least_sdk:
            return f"Android {identity.android or identity.sdk} does not have it"
        return ""

    def read(self, device: Device) -> str | None:
        """Its value, None where unset. Raises DeviceError where the phone says nothing that looks like one."""
        value = device.get_setting(self.namespace, self.key, like=self.like, deadline_s=_LIMIT_S)
        return self.absent if value is None else value

    def write(self, device: Device, value: str | None) -> None:
        """Raises DeviceError where the phone says that it does not take the value; reading it tells whether it did."""
        if not self.command:
            device.put_setting(self.namespace, self.key, value, deadline_s=_LIMIT_S)
            return
        done = device.run([*self.command, self.words[value]], deadline_s=_LIMIT_S)
        if done.code:
            raise DeviceError(f"{' '.join(self.command)}: {done.refusal}")


TABLE: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        # AC, USB and wireless charging: the screen stays on while any of them feeds the phone.
        Setting("stay_awake", "stay_awake", "7", r"[0-9]{1,2}", "global", "stay_on_while_plugged_in", default="0"),
        # Of no use beside stay_awake where a cable feeds the phone. The longest that fits: 24 days.
        Setting(
            "screen_timeout",
            "screen_timeout_off",
            "2147483647",
            r"-?[0-9]{1,10}",
            "system",
            "screen_off_timeout",
            default="60000",
            over_network_only=True,
        ),
        Setting(
            "battery_saver",
            "battery_saver_off",
            "0",
            r"[01]",
            "global",
            "low_power",
            absent="0",
            default="0",
            is_the_phones=True,  # never on while it is charged
        ),
        # Manual first: a brightness that is set while it is automatic does not last.
        Setting(
            "brightness_mode", "dim_screen", "0", r"[01]", "system", "screen_brightness_mode", absent="0", default="1"
        ),
        Setting("brightness", "dim_screen", "1", r"[0-9]{1,5}", "system", "screen_brightness", default="102", near=10),
        Setting(
            "fixed_performance",
            "fixed_performance",
            "true",
            r"true|false",
            default="false",
            command=("cmd", "power", "set-fixed-performance-mode-enabled"),
            words={"true": "true", "false": "false"},
            least_sdk=30,
        ),
        Setting(
            "airplane_mode",
            "airplane_mode",
            "1",
            r"[01]",
            "global",
            "airplane_mode_on",
            absent="0",
            default="0",
            command=("cmd", "connectivity", "airplane-mode"),
            words={"1": "enable", "0": "disable"},
            least_sdk=30,
            never_over_network=True,
        ),
    )
}
