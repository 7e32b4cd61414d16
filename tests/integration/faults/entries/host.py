"""What goes wrong on the host."""

import signal

from tests.integration.faults.entry import BY_RESTORE, BY_RESUME, SOME, Entry
from tests.integration.faults.rehearsed import (
    fill_disk,
    kill_host,
    kill_server,
    restore_unauthorized,
    run_again,
    same_serial_number,
    second_run,
    signal_host,
    small_disk,
)

KILLED = -signal.SIGKILL

ENTRIES = (
    Entry(
        "two-runs",
        "another run asks for the same phone",
        0,
        "another harness run is using the device",
        act=second_run,
        rounds=300,
    ),
    *(
        Entry(
            f"{number.name.lower()}",
            f"the host's process gets {number.name}",
            130,
            "--resume",
            SOME,
            act=signal_host(number),
            resume=0,
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ),
    Entry("host-killed", "the host's process is killed", KILLED, "", SOME, BY_RESUME, act=kill_host, resume=0),
    Entry(
        "host-killed-restore",
        "the host's process is killed; `harness restore`",
        KILLED,
        "",
        SOME,
        BY_RESTORE,
        act=kill_host,
    ),
    Entry(
        "killed-then-another",
        "the host's process is killed, then another run is begun",
        KILLED,
        "",
        SOME,
        ("put back", BY_RESUME),
        act=run_again,
        conditions="16",
        resume=0,
    ),
    Entry(
        "host-disk-full",
        "the disk of the run directory fills",
        3,
        "records.jsonl: No space left on device",
        (SOME, "all"),
        ("put back", BY_RESUME),
        prepare=small_disk,
        act=fill_disk,
        resume=0,
    ),
    Entry(
        "restore-unauthorized",
        "the host's process is killed; `harness restore` while the phone is unauthorized, and again",
        KILLED,
        "unauthorized: unlock the phone and accept its question",
        SOME,
        BY_RESTORE,
        act=restore_unauthorized,
        conditions="20",
    ),
    Entry(
        "same-serial-number",
        "two phones with one serial number",
        0,
        "SAME_SERIAL: 2 attached phones have its serial number",
        before=("property=ro.serialno:VPTWO0000001",),  # one of this entry alone: the host remembers it
        prepare=same_serial_number,
        conditions="20",
    ),
    Entry("server-killed", "the adb server is killed and started again", 0, act=kill_server),
)
