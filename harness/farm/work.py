"""What the jobs of a recipe measure: the same suite, policy and seed in all of them, so that they make one plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from harness.errors import UsageError
from harness.model.policy import load_policy
from harness.model.shard import MOST_SHARDS
from harness.model.suite import load_suite

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Quota:
    """How many jobs a service makes of one entry of a workflow."""

    service: str
    jobs: int


@dataclass(frozen=True)
class Lab:
    """Runners of one's own. ``labels``: that all of them have; ``hosts``: each a label that one host alone has; none:
    any runner takes any job.
    """

    labels: Sequence[str]
    hosts: Sequence[str] = ()

    def jobs(self, work: Work) -> int:
        """How many there are: each host measures every shard."""
        return work.shards * max(1, len(self.hosts))

    def check(self, work: Work, quota: Quota) -> None:
        """Raises UsageError for labels that are none, and more jobs than the service makes."""
        work.check_in_workflow("--runs-on", self.labels)
        seen: set[str] = set()
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise UsageError(
                    f"--host {host!r}: a host's label is a part of file names here",
                    "give the runner one of letters, digits, dots, dashes and underscores, 60 at most",
                )
            if host.lower() in seen:
                raise UsageError(f"--host {host} is there twice", "name each host once, by a label of its own")
            seen.add(host.lower())
        if (jobs := self.jobs(work)) > quota.jobs:
            each = f" on each of {len(self.hosts)} hosts are {jobs} jobs" if self.hosts else ""
            most = quota.jobs // max(1, len(self.hosts))
            raise UsageError(
                f"--shards {work.shards}{each}: {quota.service} makes {quota.jobs} jobs at most of one entry",
                f"ask for {most} shards or fewer" if most else f"name {quota.jobs} hosts or fewer in one recipe",
            )


@dataclass(frozen=True)
class Work:
    """``suite`` and ``policy`` as the user named them: a name, or the path of a YAML file; no policy: the suite's.

    ``shards``: into how many jobs the layers are divided.
    """

    suite: str
    policy: str | None = None
    shards: int = 1

    def check(self) -> None:
        """Raises UsageError for a suite or policy that cannot be read, and for more shards than layers."""
        layers = len(load_suite(self.suite).layers)
        if self.policy is not None:
            load_policy(self.policy)
        if self.shards > min(layers, MOST_SHARDS):
            raise UsageError(
                f"--shards {self.shards}: the suite has {layers} layers, and a shard has one at least",
                f"ask for {min(layers, MOST_SHARDS)} shards or fewer",
            )

    def check_in_workflow(self, option: str, labels: Sequence[str]) -> None:
        """Raises UsageError for what no workflow file may have: a label without a text, and an expression of the
        service, which would be pasted into the command line (or tell a secret) before a shell reads it.

        ``option``: that the labels are of.
        """
        for named, text in [*((option, label) for label in labels), ("SUITE", self.suite), ("--policy", self.policy)]:
            if text is None:
                continue
            if not text.strip() or not text.isprintable():
                raise UsageError(
                    f"{named} {text!r}: it is empty, or has what no line of a workflow can have",
                    "name it as the service does",
                )
            if "${{" in text:
                raise UsageError(
                    f"{named} {text}: the service would put something else in the place of ${{{{ }}}}",
                    "write the name itself",
                )

    @property
    def files(self) -> dict[str, Path]:
        """The user's own files that the jobs need, by the name that each has there."""
        found = {"suite.yaml": self.suite, "policy.yaml": self.policy or ""}
        return {name: Path(given) for name, given in found.items() if given and not _NAME.fullmatch(given)}

    def options(self, folder: str | None = None) -> list[str]:
        """Suite and policy as words of a shell's command line: files by the paths that the user gave, or below
        ``folder`` (with a slash behind) by the names of ``files``.
        """
        there = {} if folder is None else self.files
        words = [f"{folder}suite.yaml" if "suite.yaml" in there else quote(self.suite)]
        if self.policy is not None:
            words += ["--policy", f"{folder}policy.yaml" if "policy.yaml" in there else quote(self.policy)]
        return words


def new_folder(out: Path) -> Path:
    """The folder of --out, absent or empty, made. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        is_empty = not any(out.iterdir())
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror or error}", "name a folder of your own") from error
    if not is_empty:
        raise UsageError(f"--out {out}: the folder is not empty", "name a new one")
    return out
