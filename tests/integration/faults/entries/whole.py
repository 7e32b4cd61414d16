"""Battery, charger, screen; the phone as a whole."""

from tests.integration.faults.entry import BY_RESUME, NONE, PUT_BACK, SOME, UNTOUCHED, Entry
from tests.integration.faults.rehearsed import kill_conductor, kill_worker

AGAIN = "what was killed from outside is not tried again yet"

ENTRIES = (
    Entry(
        "battery-empty",
        "the battery is at 3 %",
        5,
        "LOW_BATTERY",
        NONE,
        UNTOUCHED,
        before=("battery=3",),
        quick=True,
    ),
    Entry("charging", "it charges", 0, before=("charger=ac",)),
    Entry(
        "low-power",
        "battery saver is on",
        5,
        "LOW_POWER_MODE",
        NONE,
        UNTOUCHED,
        before=("low-power",),
    ),
    Entry("screen-off", "the screen is off", 0, before=("screen=off",)),
    Entry("reboot", "it reboots while it measures", 3, "rebooted", SOME, during=("reboot=1",), resume=0),
    Entry(
        "reboot-at-start",
        "it reboots when the first program is to start",
        (0, 3),
        records=(NONE, SOME, "all"),
        before=("reboot=1@at:convbench",),
        resume=0,
    ),
    Entry(
        "boot-never",
        "sys.boot_completed is never set",
        5,
        "--allow STARTING",
        NONE,
        UNTOUCHED,
        before=("boot=never",),
        field="17",
    ),
    Entry(
        "another-phone",
        "another phone has the address in the middle; the first one is back for --resume",
        3,
        "not that phone|another|is not",
        SOME,
        (PUT_BACK, BY_RESUME, "by `restore`"),
        during=("stranger=galaxy-s8",),
        field="1",
        resume=0,
        seconds=200,
    ),
    Entry("made-up-serial", "its serial number is a made-up one", 0, before=("property=ro.serialno:0123456789ABCDEF",)),
    Entry("worker-killed", "the worker is killed", 0, act=kill_worker, field="6", late=AGAIN, resume=0),
    Entry(
        "conductor-killed",
        "the program that starts workers is killed",
        0,
        act=kill_conductor,
        field="6",
        late=AGAIN,
        resume=0,
        records=("all", SOME),
    ),
    Entry(
        "all-killed",
        "all our programs are killed",
        0,
        during=("kill=convbench",),
        field="6",
        late=AGAIN,
        resume=0,
        records=("all", SOME),
    ),
    Entry("crowd", "600 more processes are there", 0, before=("crowd=600",), field="24"),
)
