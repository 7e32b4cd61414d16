"""A variant: one way to compute a layer and to time it. What is asked for, and what is known of it once it ran.

A variant is compared field by field; ``name`` and ``asked`` are whole texts, which nobody takes apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

ElementType = Literal["f32"]  # of input, weights, bias and output; f16 and s8 are not covered so far
Layout = Literal["nhwc"]  # of a layer's input and output; a variant may bring them to another and back
Face = Literal["published", "best"]  # as in the paper; with better kernels and options, or chosen by the library
CacheMode = Literal["hot", "rotate"]

PUBLISHED: Face = "published"
BEST: Face = "best"

AUTO = "auto"  # the algorithm that the library chooses, with its schedule
# In the order of tables.
ALGORITHMS: tuple[str, ...] = ("indirect", "im2col", "direct", "naive", "im2col-nchw", AUTO, "winograd", "fft")

INEXACT: tuple[str, ...] = ("winograd", "fft")  # with an error of another kind than sums have: never as published

DEFAULT = "default"  # the schedule as published: the default kernel, no options
CHOSEN = "best"  # the schedule that the library chooses by layer and core
WITH_SCHEDULES: tuple[str, ...] = ("indirect", "im2col", "direct", "winograd")
WITH_ORDERS: tuple[str, ...] = (
    "indirect",
    "im2col",
    "direct",
    "im2col-nchw",
)  # the last one has kernels and orders alone
ORDERS = ("panels", "pixels")  # options that name the order of loops: the paper's comparison may run with them
_OPTION = re.compile(r"panels|pixels|regions|taps|ahead|f[246]|block[1-9][0-9]{0,5}|t(8|[1-9][0-9])")
_KERNEL = re.compile(r"[a-z0-9]{1,16}(_[a-z0-9]{1,16}){0,2}")
_COPY = "/aa"
ELEMENT_BYTES: dict[str, int] = {"f32": 4}


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

        What is further from the exact result than sums are, and what is not ours, is always best: it is in no
        comparison of the paper.
        """
        _, *options = self.schedule.split("+")
        is_plain = self.schedule != CHOSEN and set(options) <= set(ORDERS) and self.algorithm not in (AUTO, *INEXACT)
        return PUBLISHED if is_plain and not is_foreign(self.algorithm) else BEST

    @property
    def is_default(self) -> bool:
        """The algorithm as published, with nothing said of its schedule."""
        return self.schedule == DEFAULT


def is_foreign(algorithm: str) -> bool:
    """Whether that is no algorithm of ours but the name of a worker of somebody else's."""
    return algorithm not in ALGORITHMS


def parse_asked(name: str) -> Asked | None:
    """What a name asks for (``Asked.name``); None for one that asks for nothing there is."""
    algorithm, slash, schedule = name.partition("/")
    if algorithm not in ALGORITHMS or (slash and algorithm not in (*WITH_ORDERS, *INEXACT)):
        return None
    has_all = not slash or algorithm in (*WITH_SCHEDULES, *INEXACT)
    if not slash or (schedule == CHOSEN and has_all):
        return Asked(algorithm, schedule or DEFAULT)
    kernel, *options = schedule.split("+")
    kinds = [option.rstrip("0123456789") for option in options]
    is_known = all(map(_OPTION.fullmatch, options)) and len(kinds) == len(set(kinds))
    is_known = is_known and (has_all or set(options) <= set(ORDERS))
    is_named = options if kernel == DEFAULT else kernel != CHOSEN and _KERNEL.fullmatch(kernel)
    return Asked(algorithm, schedule) if is_known and is_named else None


def without_order(schedule: str) -> str:
    """A schedule without the option that names its order of loops."""
    kernel, *options = schedule.split("+")
    return "+".join([kernel, *(option for option in options if option not in ORDERS)])


def copy_name(asked: str) -> str:
    """What records call the second one of an A/A pair of what was asked for (``Asked.name``)."""
    return f"{asked}{_COPY}"


def copied(name: str) -> str:
    """What the copy of that name (``copy_name``) is one of; empty where the name is no copy's."""
    return name.removesuffix(_COPY) if name.endswith(_COPY) else ""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to compute a layer and to time it, as records and results have it.

    ``algorithm``, ``method``, ``kernel`` and ``schedule`` are what ran; before that is known ``algorithm`` is the one
    asked for and the others are empty. ``build``: first 12 hex digits of the program's build id, or the plan's name.
    """

    name: str  # for people, and what tells samples of a place apart: ``indirect/avx2_6x16+regions``
    asked: str
    algorithm: str
    method: str = field(default="", compare=False)  # naive, tiled, depthwise, nchw, winograd, fft
    kernel: str = field(default="", compare=False)  # the micro-kernel: ``avx2_6x16``
    schedule: str = field(default="", compare=False)  # kernel and options: ``avx2_6x16+regions``
    face: str = PUBLISHED
    type: str = "f32"
    layout: str = "nhwc"  # nchw of im2col-nchw
    threads: int = 1
    build: str = ""
    cache: str = ""

    @property
    def is_default(self) -> bool:
        """Whether the algorithm was asked for as published, with nothing said of its schedule."""
        return self.asked == self.algorithm and self.face == PUBLISHED

    @property
    def is_foreign(self) -> bool:
        """Whether it is measured by a worker of somebody else's, which ``algorithm`` names."""
        return is_foreign(self.algorithm)

    @property
    def is_copy(self) -> bool:
        """Whether it is the second one of an A/A pair: a variant measured once more under another name."""
        return self.name == copy_name(self.asked)

    @property
    def is_auto(self) -> bool:
        """Whether the library chose the algorithm."""
        return self.asked == AUTO
