"""The answer as a table of text: the last thing a run prints, and what one pastes into an issue or a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.model.emulation import marked
from harness.model.layer import CATEGORY_TITLES
from harness.report.numbers import ratio_decimals
from harness.report.sentences import Sentence
from harness.results.aligned import aligned
from harness.results.categories import CategoryRow
from harness.results.table import Table

_HEAD = ("device", "CPUs", "threads", "cache", "face", "on", "layers", "speed of", "over", "ratio", "95 %", "verdict")
_NUMBERS = frozenset({"threads", "layers", "ratio"})
_WORDS = {"unclear": "no clear difference", "unknown": "no interval"}


@dataclass(frozen=True)
class Answer:
    """One comparison of the opening sentences."""

    row: CategoryRow
    verdict: str  # as in a clause
    mark: str  # of the device

    @property
    def value(self) -> dict[str, Any]:
        """For --json."""
        row, ratio = self.row, self.row.ratio
        return {
            "device": row.device,
            "cluster": row.cluster,
            "threads": row.threads,
            "cache": row.cache,
            "face": row.face,
            "category": row.category,
            "layers": row.layers,
            "algorithm": row.algorithm,
            "other": row.other,
            "ratio": ratio.value,
            "low": ratio.low,
            "high": ratio.high,
            "verdict": self.verdict,
            "emulated": row.emulated,
        }

    def cells(self) -> dict[str, str]:
        """Texts by the titles of the table's columns."""
        row, ratio = self.row, self.row.ratio
        digits = ratio_decimals(ratio.value, ratio.low, ratio.high)
        bounds = "" if ratio.low is None or ratio.high is None else f"{ratio.low:.{digits}f} to {ratio.high:.{digits}f}"
        return {
            "device": marked(self.mark, row.device),
            "CPUs": row.cluster,
            "threads": str(row.threads),
            "cache": row.cache,
            "face": row.face,
            "on": CATEGORY_TITLES[row.category],
            "layers": str(row.layers),
            "speed of": row.algorithm,
            "over": row.other,
            "ratio": f"{ratio.value:.{digits}f}",
            "95 %": bounds,
            "verdict": _WORDS.get(self.verdict, self.verdict),
        }


def answers_of(sentences: Iterable[Sentence]) -> list[Answer]:
    """The comparisons in the order of the sentences, as published before each at its best."""
    return [
        Answer(clause.row, clause.verdict, sentence.device.mark)
        for sentence in sentences
        for one in sentence.clauses
        for clause in (one, one.best)
        if clause is not None
    ]


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """Lines of a Markdown table; nothing for no answer."""
    rows = [answer.cells() for answer in answers]
    head = [title for title in _HEAD if title != "threads" or any(row["threads"] != "1" for row in rows)]
    return aligned(Table("answer", head, rows, _NUMBERS))
