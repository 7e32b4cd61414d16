"""The records of version 2, until harness.store.records has them: then this file goes, and imports name that one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from harness.store import records as version1
from harness.store.records import End, Gate, Header, Telemetry, Worker

__all__ = ["Check", "End", "Error", "Gate", "Header", "Job", "Layer", "Sample", "Skip", "Telemetry", "Worker"]


class _Identity(BaseModel):
    layer: str
    variant: str
    asked: str
    algorithm: str
    method: str
    kernel: str
    schedule: str
    face: str
    element: Literal["f32"]
    layout: Literal["nhwc"]
    threads: Literal[1]
    build: str
    cache: str


class Layer(_Identity, version1.Layer):
    cache: Literal[""]


class Check(_Identity, version1.Check):
    cache: Literal[""]


class Sample(_Identity, version1.Sample):
    cache: Literal["hot", "rotate"]
    threads: Literal[1]


class Skip(_Identity, version1.Skip):
    pass


class Error(_Identity, version1.Error):
    pass


class Job(BaseModel):
    type: Literal["job"]
    seq: int
    launch: int
    layer: str
    rounds: int
    rounds_planned: int
    complete: bool
    elapsed_s: float
    lost_s: float


Record = Annotated[
    Header | Worker | Layer | Check | Sample | Telemetry | Gate | Skip | Error | Job | End, Field(discriminator="type")
]

_ADAPTER: TypeAdapter[Record] = TypeAdapter(Record)


def parse_record(line: str | bytes) -> Record:
    return _ADAPTER.validate_json(line)
