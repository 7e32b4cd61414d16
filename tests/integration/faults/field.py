"""The conditions that public reports tell of, by their number in our list of the field; where each is tried."""

# What entries do not name is tried where it says: a fault of the phone does not make it.
CONDITIONS = {
    1: "the address now belongs to another phone",
    2: "the same phone under a new address",
    3: "one phone, two serials at once",
    4: "a cluster offline at the start or at resume",
    5: "a core is unplugged in the middle and comes back",
    6: "the system kills the worker",
    7: "adb says authorizing, connecting, unauthorized for some seconds",
    8: "one adb call never answers",
    9: "`settings put` is refused, fails, has no effect, or never answers",
    10: "extra lines on stdout, or of every shell",
    11: "a zone fails at times, or reads 0",
    12: "a sensor that never answers; `dumpsys` hangs",
    13: "a zone that is no temperature",
    15: "the shell may use little cores only",
    16: "programs of a dead run",
    17: "sys.boot_completed is never set, or getprop is empty at times",
    19: "/data/local/tmp unwritable, absent, read-only, noexec, full, of root",
    20: "no df, no sha tool, two phones with one serial number, unauthorized at `restore`",
    21: "the room is warmer than it was",
    22: "an NDK is installed, and the phone is a virtual one",
    23: "the script that kills on the phone promises all descendants",
    24: "a phone with hundreds of processes",
}
ELSEWHERE = {
    21: "`tests/integration/run/test_faults.py`",
    22: "`tests/unit/measure/test_programs.py`",
    23: "`tests/integration/devices/test_adb.py`",
}
