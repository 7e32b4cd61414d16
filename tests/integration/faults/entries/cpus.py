"""CPUs that are away, forbidden, capped, or not the ones that were asked for."""

from tests.integration.faults.entry import NONE, PUT_BACK, SOME, UNTOUCHED, Entry

ENTRIES = (
    Entry(
        "cluster-offline",
        "the cluster is offline from the start",
        3,
        "offline",
        NONE,
        (UNTOUCHED, PUT_BACK),
        before=("cores=0-3",),
        conditions="4",
        resume=0,
    ),
    Entry(
        "core-comes-and-goes",
        "a core is unplugged for 2 s while it measures",
        0,
        "the system took CPU 7 away",
        during=("cores=0-6@for:2",),
        conditions="5",
        resume=0,
    ),
    Entry(
        "cluster-goes",
        "the cluster is unplugged while it measures, and back for --resume",
        3,
        "the system took CPU [4-7] away",
        SOME,
        during=("cores=0-3",),
        conditions="5",
        resume=0,
    ),
    Entry(
        "cpuset",
        "programs may use the other cluster only",
        3,
        "CORES_FORBIDDEN: its shell may not use CPU 4-7",
        NONE,
        (UNTOUCHED, PUT_BACK),
        before=("cpuset=0-3",),
        conditions="15",
        quick=True,
    ),
    Entry(
        "affinity-ignored",
        "sched_setaffinity succeeds and changes nothing",
        3,
        "cannot run on CPU 7: the system gave other CPUs",
        NONE,
        before=("affinity=ignored",),
    ),
    Entry(
        "affinity-untrue",
        "threads run elsewhere than their affinity says",
        3,
        "the system keeps changing the CPUs it may use",
        NONE,
        before=("affinity=untrue",),
    ),
    Entry("clocks-capped", "clocks are capped at 40 %", 0, before=("cap=40",)),
)
