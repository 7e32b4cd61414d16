"""What was asked for, as validated values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.model.comparator import Comparator
from harness.model.layer import Layer
from harness.model.other_build import OtherBuild
from harness.model.policy import Policy
from harness.model.shard import Shard
from harness.model.sustained import BURST, Mode
from harness.model.worker import Worker


@dataclass(frozen=True)
class Request:
    """The same for every device."""

    suite: str
    layers: tuple[Layer, ...]
    policy: Policy
    algorithms: tuple[str, ...]
    seed: int
    faces: tuple[str, ...] = ("published",)
    toolchain: str = "auto"
    abi: str | None = None  # None: of each phone's list, host for this machine
    ndk: Path | None = None
    cpus: tuple[int, ...] | None = None  # --clusters; None: every cluster
    workers: tuple[Worker, ...] = ()
    comparators: tuple[Comparator, ...] = ()  # other libraries, which are workers on devices of an ABI: see `on`
    against: tuple[OtherBuild, ...] = ()  # other builds of the library, in the same rounds
    confirm: bool = False  # --confirm: what is slower is measured again before it is said to be
    threads: tuple[int, ...] = (1,)  # that share a call: each number is measured where a cluster has so many CPUs
    allow: tuple[str, ...] = ()  # --allow: conditions that do not stop it
    mode: Mode = BURST  # of the suite; ``policy`` is the one of that mode (Policy.of_mode)
    aa: bool = False  # --aa, or beside other builds: a variant is measured twice, under two names
    calibration: bool = False  # of harness calibrate: what it finds is kept
    tuned: Path | None = None  # --tuned; a resumed run has its tables itself
    suite_given: str = ""  # suite and policy as the user named them: a name, or a path
    policy_given: str = ""
    shard: Shard | None = None  # --shard: of ``layers``, the whole suite's, its own alone are measured

    @property
    def budgeted(self) -> Policy:
        """The policy with as much time for each further build as it has for one: rounds are as many with them."""
        budget_s = self.policy.block_budget_s * (1 + len(self.against))
        return self.policy.model_copy(update={"block_budget_s": budget_s}) if self.against else self.policy

    @property
    def worker_names(self) -> list[str]:
        """Of all whose rows stand beside ours, in the order of their builds."""
        return [*(each.name for each in self.workers), *(each.name for each in self.comparators)]

    def on(self, abi: str) -> Request:
        """The same for devices of an ABI, whose comparators are workers."""
        workers = (*self.workers, *(comparator.on(abi) for comparator in self.comparators))
        return replace(self, workers=workers, comparators=())

    def is_own(self, layer: str) -> bool:
        """Whether a layer is measured in this run: in a shard its own are, else all."""
        return self.shard is None or layer in self.shard.layers

    @property
    def own_layers(self) -> tuple[Layer, ...]:
        """Those that are measured in this run."""
        return tuple(layer for layer in self.layers if self.is_own(layer.name))
