"""A part of a run: which of how many, of which plan."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.errors import UsageError

MOST_SHARDS = 1000


class Shard(BaseModel):
    """Of a run's manifest. Shards with the same ``plan`` and ``count`` are parts of one whole."""

    model_config = ConfigDict(frozen=True)

    index: Annotated[int, Field(ge=1)]  # from 1 to count
    count: Annotated[int, Field(ge=1, le=MOST_SHARDS)]
    plan: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # SHA-256 of the whole plan and of how it is divided
    layers: list[str]  # its own; the suite has those of all

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.index > self.count:
            raise ValueError(f"there is no shard {self.index}/{self.count}")
        return self


def parse_shard(text: str) -> tuple[int, int]:
    """``2/3`` as (2, 3). Raises UsageError."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None:
        raise UsageError(f"--shard {text}: not a shard's number and how many there are", "write it as in 1/3")
    index, count = int(found[1]), int(found[2])
    if not 1 <= count <= MOST_SHARDS:
        raise UsageError(f"--shard {text}: there are 1 to {MOST_SHARDS} shards", "write it as in 1/3")
    if not 1 <= index <= count:
        raise UsageError(f"--shard {text}: no such shard", f"they are numbered from 1: 1/{count} to {count}/{count}")
    return index, count
