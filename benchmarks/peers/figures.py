"""What the peers reached on one core of a Zen 4 with AVX-512, in per cent of its FMA peak by nominal FLOP.

Lower ends of what was measured on 2026-11-21 on the panel. A peer that is more than 10 points below its figure here is
set up wrongly, or the machine is busy; it is then reported as misconfigured, not as beaten. On any other kind of core
no peer is judged: what it reaches there is not known.
"""

from __future__ import annotations

from pathlib import Path

from harness.model.layer import Layer

SLACK = 10.0
SCALING = 0.7  # of the figures with more threads, for which none are known: a peer below waits for a CPU that is taken
_XNNPACK = {"7x7": 76.0, "3x3": 86.0, "1x1": 95.0}
_ANY = {"onnxruntime": 82.0, "onednn": 84.0, "torch_im2col": 58.0, "ncnn": 64.0}


def known_core(cpuinfo: str | None = None) -> bool:
    """Whether this machine has the kind of core that the figures were seen on; ``cpuinfo``: /proc/cpuinfo's text."""
    text = Path("/proc/cpuinfo").read_text() if cpuinfo is None else cpuinfo
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, _, value in lines}
    is_amd = (fields.get("vendor_id"), fields.get("cpu family")) == ("AuthenticAMD", "25")
    return is_amd and "avx512f" in fields.get("flags", "").split()  # Zen 3 is of this family, too, without AVX-512


def expected(peer: str, layer: Layer) -> float | None:
    """The least per cent of peak that the peer reached on such a layer; None where no figure is known."""
    if layer.groups > 1:
        return None
    if peer == "xnnpack":
        return _XNNPACK.get(f"{layer.kh}x{layer.kw}")
    return _ANY.get(peer)


def misconfigured(peer: str, layer: Layer, percent: float, threads: int = 1) -> bool:
    """Whether the peer is more than 10 points below what is known of it; ``percent`` of the threads' peak together."""
    known = expected(peer, layer)
    return known is not None and percent < (known - SLACK) * (SCALING if threads > 1 else 1)
