"""What the A/A pairs of a run tell, and whether they passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.model.emulation import marked
from harness.report.numbers import share_text
from harness.report.sentences import Sentence
from harness.results.aa import AaRow, AaSummary, aa_summaries
from harness.results.results import Results


@dataclass(frozen=True)
class AaBlock:
    """The pairs of one cluster in one cache mode on one number of threads."""

    sentence: Sentence
    mark: str  # EMULATED, other conditions, or nothing
    summary: AaSummary

    @property
    def place(self) -> str:
        """``Pixel 3, CPUs 4-7``."""
        return self.sentence.place

    @property
    def cache(self) -> str:
        """``hot`` or ``rotate``."""
        return self.summary.cache

    @property
    def pairs(self) -> Sequence[AaRow]:
        """In the order of results.csv."""
        return self.summary.pairs

    @property
    def verdict(self) -> str:
        """``passed``, ``failed`` or ``unjudged``."""
        return self.summary.verdict

    @property
    def short(self) -> str:
        """``A/A passed in hot: 11 of 11 intervals hold 1``, where the place is said already."""
        judged = self.summary.judged
        if not judged:
            return f"A/A in {self.cache} not judged: {len(self.pairs)} pair(s), none with an interval"
        return f"A/A {self.verdict} in {self.cache}: {self._held}"

    @property
    def _held(self) -> str:
        """``11 of 11 intervals hold 1``; where it passed with fewer, that those are no sign of anything."""
        judged, failed = len(self.summary.judged), len(self.summary.failed)
        by_chance = ", and chance explains the rest" if failed and self.verdict == "passed" else ""
        return f"{judged - failed} of {judged} intervals hold 1{by_chance}"

    @property
    def text(self) -> str:
        """``A/A passed on Pixel 3, CPUs 4-7 in hot: 11 of 11 intervals hold 1; the widest has 1.8 % (conv1)``."""
        summary, where = self.summary, f"on {self.place} in {self.cache}"
        if summary.verdict == "unjudged":
            return f"A/A not judged {where}: {len(summary.pairs)} pair(s), none with an interval"
        widest = summary.widest
        wide = f"the widest has {share_text(widest.width or 0.0)} ({widest.row.key.layer})"
        return f"A/A {summary.verdict} {where}: {self._held}; {wide}"


def aa_blocks(results: Results, sentences: Sequence[Sentence]) -> Iterator[AaBlock]:
    """One for each cluster and cache mode that measured any, in the order of the sentences."""
    for sentence in sentences:
        for summary in aa_summaries(results.aa_of(*sentence.where)):
            yield AaBlock(sentence, sentence.device.mark, summary)


def aa_texts(blocks: Sequence[AaBlock]) -> list[str]:
    """A line for each, with the mark of its device."""
    return [marked(block.mark, block.text) for block in blocks]
