"""Files and folders of the phone."""

from tests.integration.faults.entry import NONE, PUT_BACK, SOME, UNTOUCHED, Entry

CAUSES = {
    "unwritable": ("may not be written to", "not.*writ|Permission denied"),
    "absent": ("is not there", "no /data/local/tmp|No such file|not there|absent"),
    "readonly": ("is read-only", "[Rr]ead-only"),
    "noexec": ("lets no program run", "noexec|no program|may not be run|not allow"),
    "root": ("is root's alone", "not.*writ|Permission denied|root"),
}

ENTRIES = (
    Entry(
        "disk-full",
        "/data is full from the start",
        (3, 5),
        "[Nn]o space|LITTLE_SPACE",
        NONE,
        (UNTOUCHED, PUT_BACK),
        before=("disk=full",),
        field="19",
        resume=0,
    ),
    Entry(
        "disk-fills",
        "/data fills while it measures",
        3,
        "[Nn]o space|space left",
        (SOME, "all"),
        during=("disk=full",),
        field="19",
        resume=0,
        late="why a program stopped is not named yet",
    ),
    *(
        Entry(
            f"work-folder-{mode}",
            f"/data/local/tmp {how}",
            (3, 5),
            says,
            NONE,
            (UNTOUCHED, PUT_BACK),
            before=(f"work-folder={mode}",),
            field="19",
            quick=mode == "noexec",
        )
        for mode, (how, says) in CAUSES.items()
    ),
    Entry("thermal-denied", "/sys/class/thermal may not be entered", 0, before=("deny=/sys/class/thermal",)),
    Entry(
        "cpufreq-denied",
        "the files of clocks may not be read",
        0,
        before=("deny=/sys/devices/system/cpu/cpufreq",),
    ),
    Entry("zone-denied", "no zone may be read", 0, before=("zone=dead",)),
)
