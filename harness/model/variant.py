"""A variant: one way to compute a layer and to time it. What is asked for, and what is known of it once it ran.

A variant is compared field by field; ``name`` and ``asked`` are whole texts, which nobody takes apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

ElementType = Literal["f32"]  # of input, weights, bias and output; f16 and s8 are not covered so far
Layout = Literal["nhwc"]  # of input and output; nchw is not covered so far
Face = Literal["published", "best"]  # as in the paper; with better kernels and options, or chosen by the library
CacheMode = Literal["hot", "rotate"]

PUBLISHED: Face = "published"
BEST: Face = "best"

AUTO = "auto"  # the algorithm that the library chooses, with its schedule
ALGORITHMS: tuple[str, ...] = ("naive", "im2col", "direct", "indirect", AUTO)

DEFAULT = "default"  # the schedule as published: the default kernel, no options
CHOSEN = "best"  # the schedule that the library chooses by layer and core
WITH_SCHEDULES: tuple[str, ...] = ("im2col", "direct", "indirect")
_SCHEDULE = re.compile(r"[a-z0-9_]{1,31}((?:\+[a-z]{1,8}[0-9]{0,6}){0,4})\Z")
_ORDERS = ("", "+panels", "+pixels")  # of loops: options that the paper's comparison may run with


@dataclass(frozen=True)
class Asked:
    """What a plan asks for: an algorithm, and its schedule (default, best, default+OPTIONS or KERNEL+OPTIONS).

    A worker of somebody else's is asked for by its name, as if that were an algorithm.
    """

    algorithm: str
    schedule: str = DEFAULT

    @property
    def name(self) -> str:
        """``indirect``, ``indirect/best``, ``im2col/default+pixels``, ``auto``: also what users and records say."""
        return self.algorithm if self.schedule == DEFAULT else f"{self.algorithm}/{self.schedule}"

    @property
    def face(self) -> Face:
        """Published: a kernel in an order of loops; best: options beyond that, and whatever the library chooses.

        What is not ours is always best: it is in no comparison of the paper.
        """
        if is_foreign(self.algorithm):
            return BEST
        options = self.schedule.partition("+")
        plain = self.schedule != CHOSEN and options[1] + options[2] in _ORDERS
        return PUBLISHED if plain and self.algorithm != AUTO else BEST


def is_foreign(algorithm: str) -> bool:
    """Whether that is no algorithm of ours but the name of a worker of somebody else's."""
    return algorithm not in ALGORITHMS


def parse_asked(name: str) -> Asked | None:
    """What a name asks for (``Asked.name``); None for one that asks for nothing there is."""
    algorithm, slash, schedule = name.partition("/")
    if algorithm not in ALGORITHMS or (slash and algorithm not in WITH_SCHEDULES):
        return None
    if not slash:
        return Asked(algorithm)
    return Asked(algorithm, schedule) if _SCHEDULE.match(schedule) and schedule != DEFAULT else None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to compute a layer and to time it, as records and results have it.

    ``algorithm``, ``method``, ``kernel`` and ``schedule`` are what ran; before that is known ``algorithm`` is the one
    asked for and the others are empty. ``build``: first 12 hex digits of the program's build id, or the plan's name.
    """

    name: str  # for people, and what tells samples of a place apart: ``indirect/avx2_6x16+regions``
    asked: str
    algorithm: str
    method: str = field(default="", compare=False)  # naive, tiled, depthwise
    kernel: str = field(default="", compare=False)  # the micro-kernel: ``avx2_6x16``
    schedule: str = field(default="", compare=False)  # kernel and options: ``avx2_6x16+regions``
    face: str = PUBLISHED
    type: str = "f32"
    layout: str = "nhwc"
    threads: int = 1
    build: str = ""
    cache: str = ""

    @property
    def is_foreign(self) -> bool:
        """Whether it is measured by a worker of somebody else's, which ``algorithm`` names."""
        return is_foreign(self.algorithm)

    @property
    def is_auto(self) -> bool:
        """Whether the library chose the algorithm."""
        return self.asked == AUTO
