"""What every record has, and the numbers in records with their bounds."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from harness.model.counters import CounterError

T = TypeVar("T")

# Numbers come from a device: NaN and infinity are refused, a line that holds one is no record.
# Validators are built when the first record is read: `run` does that once convbench runs, most commands never.
CONFIG = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, defer_build=True)


# So are numbers that cannot be: a time below 0, as of a clock that was set back meanwhile, or of centuries.
Count = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
Bytes = Annotated[int, Field(ge=0, le=2**64 - 1, strict=True)]
Nanoseconds = Annotated[float, Field(ge=0, le=1e18, strict=True)]  # up to 31 years
CallNanoseconds = Annotated[float, Field(ge=1e-3, le=1e18, strict=True)]  # of a call: means and ratios are made of it
Seconds = Annotated[float, Field(ge=0, le=1e9, strict=True)]
Rate = Annotated[float, Field(ge=0, le=1e9, strict=True)]  # GFLOP/s, GB/s
Megahertz = Annotated[float, Field(ge=0, le=1e6, strict=True)]
Frequency = Annotated[float, Field(ge=1e4, le=1e8, strict=True)]  # kHz, of a CPU
Celsius = Annotated[float, Field(ge=-1e6, le=1e6, strict=True)]  # as read, however odd
Amount = Annotated[float, Field(ge=0, le=1e18, strict=True)]
Cpu = Annotated[int, Field(ge=-1, le=2**31 - 1, strict=True)]  # -1: not known
CountErrorNumber = Annotated[int, Field(ge=0, le=max(CounterError), strict=True)]


def or_unknown(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """A reading that cannot be is unknown: the record stands without it."""
    try:
        return handler(value)
    except ValidationError:
        return None


Reading = Annotated[T | None, WrapValidator(or_unknown)]


class SomeRecord(BaseModel):
    """Any record: ``seq`` counts up from 0 in a run of convbench."""

    model_config = CONFIG
    seq: Count
