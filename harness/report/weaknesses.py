"""What weakens the numbers, read off the records and the rows made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.model.emulation import marked
from harness.model.sustained import SUSTAINED
from harness.report.clauses import answering_caches
from harness.report.cut import find_cut
from harness.report.record_checks import OF_ATTEMPTS, OF_MEASURING, OF_SERIES
from harness.report.remedies import REMEDIES
from harness.report.row_checks import OF_ANSWERS, OF_ROWS
from harness.report.scope import Scope
from harness.results.aa import aa_summaries
from harness.results.results import Results


@dataclass(frozen=True)
class Weakness:
    """One thing that weakens numbers: where, a stable name of what, and a sentence."""

    place: str  # "Pixel 3, CPUs 4-7"; empty: the whole run
    kind: str
    text: str
    device: str = ""  # name of its folder; empty: the whole run
    cluster: str = ""
    mark: str = ""  # of the device: EMULATED, other conditions, or nothing

    def __str__(self) -> str:
        return marked(self.mark, f"{self.place}: {self.text}" if self.place else self.text)

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]

    @property
    def is_heavy(self) -> bool:
        """Whether it belongs beside the answer itself."""
        return self.kind in _HEAVY


_HEAVY = ("wrong", "error", "unjudged", "lines", "disturbed", "baseline", "aa")


_CHECKS = (*OF_ANSWERS, *OF_ATTEMPTS, *OF_ROWS, *OF_MEASURING)
_OF_SERIES = (*OF_ATTEMPTS, *OF_ROWS, *OF_SERIES)  # of a sustained run, whose clock is to fall


def find_weaknesses(results: Results) -> list[Weakness]:
    """All weaknesses: of the run, of each device, of each cluster, in that order."""
    run = results.run
    found = [Weakness("", "files", fault) for fault in _most(run.faults)]
    in_steps = run.precision is not None
    if cut := find_cut(results):
        found.append(Weakness("", "status", cut.text))
    git = run.manifest.get("git")
    if isinstance(git, dict) and git.get("dirty"):
        found.append(
            Weakness("", "git", "the checkout had uncommitted changes: its commit does not name all of the code")
        )
    for device in run.devices:
        if device.emulated:
            found.append(
                Weakness(
                    device.model,
                    "emulated",
                    "this device has no CPU of its own: its times say nothing about any phone",
                    mark=device.mark,
                )
            )
        found += [
            Weakness(device.model, "condition", f"{stamp.name}: {stamp.what}; {stamp.why}", mark=device.mark)
            for stamp in device.stamps
            if not stamp.usual
        ]
        for kind, texts in (("records", device.faults), ("session", device.messages), ("topology", device.notes)):
            found += [Weakness(device.model, kind, text, mark=device.mark) for text in _most(texts)]
        for cluster in run.clusters_of(device):
            rows = results.rows_of(device.name, cluster)
            scope = Scope(
                device,
                cluster,
                device.streams_of(cluster),
                [row for row in rows if not row.is_foreign],
                [row for row in rows if row.is_foreign],
                results.baselines_of(device.name, cluster),
                results.faces_of(device.name, cluster),
                aa_summaries(results.aa_of(device.name, cluster)),
                in_steps,
                results.verdicts.policy.most_clock_change,
                answering_caches(results.categories_of(device.name, cluster)),
            )
            for check in _OF_SERIES if run.mode == SUSTAINED else _CHECKS:
                found += [
                    Weakness(scope.place, kind, text, device.name, cluster, device.mark) for kind, text in check(scope)
                ]
    return found


def _most(texts: Sequence[str], most: int = 20) -> list[str]:
    """A file that cannot be read may have a fault in every line."""
    rest = len(texts) - most
    return [*texts[:most], *([f"and {rest} more of the kind"] if rest > 0 else [])]
