"""Files and folders of the phone."""

from tests.integration.faults.entry import NONE, PUT_BACK, SOME, UNTOUCHED, Entry

CAUSES = {
    "unwritable": ("may not be written to", "/data/local/tmp belongs to root"),
    "absent": ("is not there", "/data/local/tmp is not there"),
    "readonly": ("is read-only", "/data/local/tmp is read-only"),
    "noexec": ("lets no program run", "/data/local/tmp lets no program run"),
    "root": ("is root's alone", "/data/local/tmp belongs to root"),
}

ENTRIES = (
    Entry(
        "disk-full",
        "/data is full from the start",
        3,
        "LITTLE_SPACE: 0 MiB are free",
        NONE,
        (UNTOUCHED, PUT_BACK),
        before=("disk=full",),
        conditions="19",
        resume=0,
    ),
    Entry(
        "disk-fills",
        "/data fills while it measures",
        3,
        "[Nn]o space left",
        (SOME, "all"),
        during=("disk=full",),
        conditions="19",
        resume=0,
    ),
    *(
        Entry(
            f"work-folder-{mode}",
            f"/data/local/tmp {how}",
            5,
            f"WORK_FOLDER \\({says}",
            NONE,
            (UNTOUCHED, PUT_BACK),
            before=(f"work-folder={mode}",),
            conditions="19",
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
