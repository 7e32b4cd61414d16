"""Why a sample is tainted: named reasons, each a bit of a sample's verdict."""

from __future__ import annotations

from enum import IntFlag


class Reason(IntFlag):
    """The reasons, in the order in which they are named; a verdict of 0 is valid."""

    REBOOTED = 1
    MIGRATED = 2
    THROTTLED = 4
    CAPPED = 8
    CLOCK_DROP = 16
    CLOCK_UNKNOWN = 32
    UNSETTLED = 64
    PREEMPTED = 128
    CONTENDED = 256
    FAULTED = 512
    HOT = 1024
    SHORT = 2048
    SCREEN_OFF = 4096
    LOW_POWER = 8192
    SLOW_ROUND = 16384


# What was seen, in the words of a report.
WORDS = {
    Reason.REBOOTED: "the device restarted before their round was done",
    Reason.MIGRATED: "they ran on another CPU than the one that is measured",
    Reason.THROTTLED: "the clock was low, and the device hot or throttled by its own word",
    Reason.CAPPED: "the system had lowered the clock's cap",
    Reason.CLOCK_DROP: "the clock was low, or changed within the sample",
    Reason.CLOCK_UNKNOWN: "the clock could not be measured, as it could beside the others",
    Reason.UNSETTLED: "the clock was not steady before them",
    Reason.PREEMPTED: "something else ran on their CPU",
    Reason.CONTENDED: "core or memory did less than they can beside them: somebody shares them",
    Reason.FAULTED: "pages were faulted in",
    Reason.HOT: "their launch began on a warm device, or it said that it throttles, and no clock tells what that did",
    Reason.SHORT: "the windows of their variant are too short",
    Reason.SCREEN_OFF: "the screen went on or off, or was not as beside most others",
    Reason.LOW_POWER: "battery saver went on or off, or was not as beside most others",
    Reason.SLOW_ROUND: "the mean frequency of their round was low, and no clock tells of each of them",
}

# Of an emulated device: what is seen of its CPU is the host's.
OF_THE_DEVICE = Reason.REBOOTED | Reason.MIGRATED | Reason.CAPPED | Reason.HOT | Reason.SCREEN_OFF | Reason.LOW_POWER


def names_of(mask: int) -> str:
    """The reasons joined by ``+``, as verdicts.csv has them; empty for a valid sample."""
    return "+".join(reason.name or "" for reason in Reason if reason & mask)
