"""Zones, the thermal service, throttling."""

from tests.integration.faults.entry import NONE, UNTOUCHED, Entry

ENTRIES = (
    Entry(
        "zone-blocks",
        "a zone never answers",
        0,
        "SENSOR_SILENT",
        before=("zone=blocks:cpu0-gold-usr",),
        conditions="12",
    ),
    Entry(
        "zones-block",
        "all temperature zones never answer",
        0,
        "SENSOR_SILENT",
        before=("zone=blocks",),
        conditions="12",
    ),
    Entry("zones-block-later", "all temperature zones stop answering while it measures", 0, during=("zone=blocks",)),
    Entry(
        "zone-fails",
        "all zones fail at times",
        0,
        before=("throttle=60", "zone=fails"),
        conditions="11",
        long=True,
        quick=True,
    ),
    Entry("zone-zero", "all zones read 0 at times", 0, before=("throttle=60", "zone=zero"), conditions="11", long=True),
    Entry("zone-off", "all zones read 0", 0, before=("zone=off",)),
    Entry("zone-frozen", "no zone moves under load", 0, before=("throttle=60", "zone=frozen")),
    Entry("zone-current", "a zone counts milliamperes", 0, before=("zone=current:cpu0-gold-usr",), conditions="13"),
    Entry(
        "thermal-not-ready",
        "the thermal HAL is not ready",
        0,
        "THERMAL_UNKNOWN",
        before=("thermal=not-ready",),
    ),
    Entry(
        "thermal-override",
        "the thermal status is overridden",
        5,
        "THERMAL_OVERRIDE",
        NONE,
        UNTOUCHED,
        before=("thermal=override",),
    ),
    Entry(
        "hot",
        "48 °C at the start",
        5,
        "HOT",
        NONE,
        UNTOUCHED,
        before=("hot=48",),
    ),
    Entry("throttle", "the phone gets warm and takes clocks away", 0, before=("throttle=28",), long=True),
)
