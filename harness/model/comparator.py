"""A comparator: another library as a worker, with a program for each ABI, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.model.worker import Worker

NOWHERE = Path()  # the program of one that is not there


class Compared(Worker):
    """A comparator on devices of one ABI. ``home``: comparators of one library share program and folder there.

    ``lack``: why it is not there; it has no program then.
    """

    home: str
    lack: str = ""

    @property
    def folder(self) -> str:
        """What its folder on a device is called after."""
        return self.home

    @property
    def absence(self) -> str:
        """Why it is not there; empty: it is."""
        return self.lack

    @property
    def every(self) -> tuple[Path, ...]:
        """The program, then its files; none where it is not there."""
        return () if self.lack else super().every


class Comparator(BaseModel):
    """``by_abi``: as it is on devices of each ABI."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    licence: str
    by_abi: dict[str, Compared]

    def on(self, abi: str) -> Compared:
        """As a worker on devices of an ABI."""
        none = f"there is no {self.name} for {abi}"
        return self.by_abi.get(abi) or Compared(name=self.name, program=NOWHERE, home=self.name, lack=none)
