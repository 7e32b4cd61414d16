"""Facts that may not be known: a probe that fails makes a condition unknown, and ends nothing."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


class NotKnown(Exception):
    """Why a fact is not known. It stands in the place of the fact, and is raised where the fact is asked for."""

    @property
    def why(self) -> str:
        """The first line of the reason."""
        return (str(self).splitlines() or ["no reason given"])[0]


def known(fact: T | NotKnown) -> T:
    """The fact. Raises NotKnown."""
    if isinstance(fact, NotKnown):
        raise fact
    return fact
