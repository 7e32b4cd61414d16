"""The records that convbench writes (docs/formats.md), as typed values. Times are nanoseconds, sizes bytes.

Records of a variant carry its fields (harness.model.variant.Variant). ``variant`` is its name:

- face ``published``, a kernel as in the paper: ``<algorithm>/<schedule>`` (``direct/avx512_6x64``)
- face ``best``, an algorithm with its best or an explicit schedule: ``<algorithm>/<schedule>``, by what ran
  (``indirect/avx512_6x64+regions``); where that is no more than a kernel, ``+best`` stands behind it
  (``direct/avx512_6x64+best``), so that no two faces share a name
- face ``best``, chosen by the library: ``auto/<algorithm>_<schedule>``
- before it is known what runs (a skip, an error): what was asked for (``direct``, ``direct/best``, ``auto``)
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from harness.model.memory import MEMORY_BYTES
from harness.model.variant import CacheMode, Face, Variant
from harness.store.record_fields import (
    CONFIG,
    Amount,
    Bytes,
    CallNanoseconds,
    Celsius,
    Count,
    CountErrorNumber,
    Cpu,
    Megahertz,
    Nanoseconds,
    Rate,
    Seconds,
    SomeRecord,
    or_unknown,
)
from harness.store.system_records import State, Telemetry


class _OfVariant(SomeRecord):
    """What is said of a variant of a layer; the fields are Variant's, ``element`` is its ``type``."""

    layer: str
    variant: str
    asked: str
    algorithm: str
    method: str
    kernel: str
    schedule: str
    face: Face
    element: str
    layout: str
    threads: Count
    build: str
    cache: Literal["", CacheMode]  # empty: every cache mode

    @property
    def what(self) -> Variant:
        """The variant."""
        return Variant(
            name=self.variant,
            asked=self.asked,
            algorithm=self.algorithm,
            method=self.method,
            kernel=self.kernel,
            schedule=self.schedule,
            face=self.face,
            type=self.element,
            layout=self.layout,
            threads=self.threads,
            build=self.build,
            cache=self.cache,
        )


class Timer(BaseModel):
    """The clock that samples are timed with: its tick and the cost of one reading."""

    model_config = CONFIG
    name: str
    tick_ns: Nanoseconds
    cost_ns: Nanoseconds


class Caches(BaseModel):
    """Data cache sizes of the measured CPU in bytes, 0 where unknown; ``llc_assumed`` when sysfs did not tell."""

    model_config = CONFIG
    l1d: Bytes = 0
    l2: Bytes = 0
    llc: Bytes = 0
    llc_assumed: bool = False
    llc_capped: bool = False


class Header(SomeRecord):
    """First record of each run of convbench (seq 0)."""

    type: Literal["header"]
    version: Literal[2]
    run: str
    attempt: Count
    cluster: str
    cpu: Count
    build: str  # first 12 hex digits of the program's build id
    abi: str = ""  # of the program, as Android calls it
    compiler: str
    flags: str
    cpu_features: tuple[str, ...] = ()
    caches: Caches
    plan_hash: str  # SHA-256 of the plan file
    timer: Timer
    memory_budget: Bytes  # bytes of arena a worker may use for placement
    page_size: Bytes
    conductor_pid: Count
    conductor_start_ticks: Count
    boot_id: str = ""
    utc: str = ""
    tool_version: str = ""


class Clock(BaseModel):
    """Whether the dependent-add clock probe can be believed, and if not, why."""

    model_config = CONFIG
    available: bool
    reason: str = ""
    mhz: Megahertz | None = None


class Peak(BaseModel):
    """The FMA peak probe: FLOP per cycle; ``ok`` when it lands within 5 % of a whole number of vector FMAs."""

    model_config = CONFIG
    isa: str
    ok: bool
    flop_per_cycle: Amount | None = None
    fmas_per_cycle: Amount | None = None
    gflops: Amount | None = None
    reason: str = ""


class Table(BaseModel):
    """The tuned table that a worker was to load: SHA-256 of the file as it read it, and why it did not take it."""

    model_config = CONFIG
    sha256: str  # empty: the file could not be read
    refused: str = ""  # empty: auto goes by it; else by the model


class Counters(BaseModel):
    """Hardware counters of a worker: why they tell nothing (``error`` empty: they do), of which PMU they are."""

    model_config = CONFIG
    error: str
    pmu: str = ""  # empty: whichever the system takes
    reason: str = ""  # of the error, or of an event that is missing


class Worker(SomeRecord):
    """A worker process was started: one per build and launch (and again after a crash)."""

    type: Literal["worker"]
    launch: Count
    build: str
    pid: Count
    cpus: str  # affinity as read back, cpulist
    nice: Annotated[int, Field(ge=-20, le=19)] | None = None  # its priority as read back, -20 the highest
    clock: Clock
    peak: Peak
    table: Table | None = None  # None: it was given none
    counters: Counters | None = None  # None: it does not tell


class Layer(_OfVariant):
    """What a variant of a layer took: bytes as the allocator counted them, times of create and reshape."""

    type: Literal["layer"]
    launch: Count
    chosen_by: Literal["", "table", "model"] = ""  # of `auto`: who chose algorithm and kernel
    order: Literal["", "panels", "pixels"] = ""  # the outer one of the loops around the micro-kernel
    cpus: str = ""  # where its threads were found, each held to one of them, cpulist
    input_bytes: Bytes
    output_bytes: Bytes
    weights_bytes: Bytes
    pointer_bytes: Bytes
    matrix_bytes: Bytes
    padding_bytes: Bytes
    object_bytes: Bytes
    create_ns: Nanoseconds
    reshape_ns: Nanoseconds


class Check(_OfVariant):
    """Outputs against the double-precision reference (``reference``), or against the checked ones (``checksum``)."""

    type: Literal["check"]
    launch: Count
    by: Literal["reference", "checksum"]
    outputs: Count
    error_over_bound: Annotated[float, Field(ge=0)] | None = None  # a wrong output may be any number
    # The largest error, and what the method allows: of an output, as a share of |bias| + sum |input||weight|.
    max_error: Annotated[float, Field(ge=0)] | None = None
    bound: Amount | None = None
    ok: bool


class Addresses(BaseModel):
    """Where a sample's buffers lay (virtual addresses, hex); empty where the variant has no such buffer."""

    model_config = CONFIG
    input: str = ""
    weights: str = ""
    output: str = ""
    pointers: str = ""
    matrix: str = ""


# What may be unknown of a sample that is known.
EVIDENCE = (
    *("settle_ns", "settle_capped", "mhz_before", "mhz_after", "cpu_before", "cpu_after", "repinned", "nivcsw"),
    *("faults", "cpu_ns", "span_ns", "gflops_before", "gflops_after", "gbps_before", "gbps_after", "probe_ns"),
    *("count_error", "cycles", "instructions", "refills"),
)


class Sample(_OfVariant):
    """One timed sample. ``ns`` is per call: the window over the calls in ``hot``, the median call in ``rotate``.

    Evidence is None where somebody else's worker does not tell it.
    """

    type: Literal["sample"]
    launch: Count
    round: Count
    position: Count
    cache: CacheMode
    calls: Count
    ns: CallNanoseconds
    window_ns: Nanoseconds | None = None  # all timed calls together
    window_short: bool = False  # under the policy's minimum: the calls, fixed at the first settle, were too few
    # im2col with a copy: the copy alone, per call. `hot`: right after the window, so input and matrix are in the caches
    # as far as they fit; `rotate`: the input was touched just before, the matrix is another instance's each time.
    copy_ns: Nanoseconds | None = None
    # A variant whose layout is not the layer's: bringing the input to it, and an output back, once each; apart from ns.
    to_nchw_ns: Nanoseconds | None = None
    to_nhwc_ns: Nanoseconds | None = None
    copies: Count = 1  # instances that `rotate` went through
    settle_ns: Nanoseconds | None
    settle_capped: bool | None
    mhz_before: Megahertz | None = None
    mhz_after: Megahertz | None = None
    cpu_before: Cpu | None
    cpu_after: Cpu | None
    # Times the worker was on another CPU, or free to go there: pinned again, the sample taken anew.
    repinned: Count | None = 0
    nivcsw: Count | None
    faults: Count | None
    t_ns: Count  # CLOCK_MONOTONIC at t0
    # The thread's CPU time and the time, both from before the window's untimed call to the window's end.
    cpu_ns: Nanoseconds | None = None
    span_ns: Nanoseconds | None = None
    # What the core did right before and after: independent multiply-adds, and bytes read from beyond the caches.
    gflops_before: Rate | None = None
    gflops_after: Rate | None = None
    gbps_before: Rate | None = None
    gbps_after: Rate | None = None
    probe_ns: Nanoseconds | None = None  # that evidence took, beside the settling and the window
    # Hardware counters over the same stretch as span_ns; absent where its worker has none, and says why.
    count_error: CountErrorNumber | None = None  # harness.model.counters.CounterError
    cycles: Amount | None = None
    instructions: Amount | None = None
    refills: Amount | None = None
    pid: Count
    addresses: Addresses = Addresses()

    @field_validator(*EVIDENCE, mode="wrap")
    @classmethod
    def _or_unknown(cls, value: object, handler: ValidatorFunctionWrapHandler) -> object:
        """Evidence that cannot be is unknown: the sample stands without it."""
        return or_unknown(value, handler)


class Gate(SomeRecord):
    """The wait for a cool device before a launch, in degrees C.

    ``plateau``: the temperature gone by; ``learned``: the one at which the device was found to rest, in a run's first
    gate and where a later one found it elsewhere. ``mhz``: the clock under load at its end, from the source ``clock``
    (``probe``, or what ``cpufreq`` says); ``cool_mhz``: the one gone by. ``capped``: still too warm, or still falling,
    at the cap; ``spent``: the same where the gates' share of the run's time was used up (``allowed_s``). ``settled``:
    nothing changed any more, and the clock stayed below the cool one. ``unjudged``: no clock, and no time to see
    whether the temperature stands. ``unavailable``: neither was to be had. ``stopped``: the run was ended.
    ``baseline``: the hottest plateau of earlier runs.
    """

    type: Literal["gate"]
    launch: Count
    status: Literal["passed", "settled", "capped", "spent", "unjudged", "unavailable", "stopped"]
    source: str = ""
    start: Celsius | None = Field(default=None, alias="from")
    end: Celsius | None = Field(default=None, alias="to")
    plateau: Celsius | None = None
    learned: Celsius | None = None
    baseline: Celsius | None = None
    tolerance_c: Celsius | None = None
    clock: str | None = None  # None: of an older record
    mhz: Megahertz | None = None
    cool_mhz: Megahertz | None = None
    waited_s: Seconds = 0.0
    capped: bool = False
    cap_s: Seconds | None = None
    allowed_s: Seconds | None = None  # None: no bound
    window_s: Seconds | None = None


class Skip(_OfVariant):
    """A variant that does not apply to a layer, or does not fit: it needs so many ``bytes``."""

    type: Literal["skip"]
    reason: str
    bytes: Bytes | None = None

    @property
    def is_refusal(self) -> bool:
        """Whether the device refused memory that a sample may take: it may have it another time."""
        return 0 < (self.bytes or 0) <= MEMORY_BYTES


class Error(_OfVariant):
    """A worker died, hung or failed while it ran this variant.

    ``external``: the variant had no part in it, and is measured again: the worker was killed from outside, its CPU was
    taken away, or no process was to be had.
    """

    type: Literal["error"]
    launch: Count
    signal: Count | None = None
    timed_out: bool = False  # no answer in time
    external: bool = False
    reason: str


class Job(SomeRecord):
    """All rounds of a layer in a launch are done; fewer than planned when the time budget cut them.

    Not ``complete``: variants are missing that have to be measured again.
    Where nothing was left to measure for such a reason before all rounds were done, there is no record.
    """

    type: Literal["job"]
    launch: Count
    layer: str
    rounds: Count
    rounds_planned: Count
    complete: bool
    elapsed_s: Seconds
    lost_s: Seconds = 0.0  # of it, on workers that crashed or hung: not counted against the budget


class End(SomeRecord):
    """Last record; ``records`` counts the lines of this run of convbench, header and end included.

    Reason ``cpu``: the measured CPU was taken away.
    """

    type: Literal["end"]
    records: Count
    reason: Literal["done", "deadline", "signal", "cpu"]


Record = Annotated[
    Header | Worker | Layer | Check | Sample | Telemetry | State | Gate | Skip | Error | Job | End,
    Field(discriminator="type"),
]


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def parse_record(line: str | bytes) -> Record:
    """One line of records.jsonl. Raises pydantic.ValidationError (a ValueError) for anything else."""
    return _adapter().validate_json(line)
