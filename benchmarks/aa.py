"""A/A: the same variant twice under two names. What differs is false; over 10 % false alarms is a fault to find.

Forty layers with working sets around the size of the L2 cache, where the placement of buffers matters most.
"""

from __future__ import annotations

import numpy as np

from benchmarks.commandline import start
from benchmarks.local import compare, info, measure, program, shown
from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.variant import Asked
from harness.plan.jobs import PlannedVariant

BLOCKS = 40
POLICY = Policy(name="aa", launches=8, rounds=8, min_ms=5, block_budget_s=20, cache=("hot",))


def layers(l2_bytes: int) -> list[Layer]:
    """3x3 layers whose input, weights, output and pointers take from half to twice the L2."""
    found = []
    for index, share in enumerate(np.geomspace(0.5, 2.0, BLOCKS)):
        channels = (32, 48, 64)[index % 3]
        per_pixel = 2 * 4 * channels + 8 * 9
        pixels = (share * l2_bytes - 4 * 9 * channels * channels) / per_pixel
        side = max(7, round(float(pixels) ** 0.5))
        found.append(
            Layer(name=f"aa{index}", h=side, w=side, kh=3, kw=3, pad=(1, 1, 1, 1), cin=channels, cout=channels)
        )
    return found


def command() -> None:
    """Prints each block's estimate, and the share of false alarms."""
    blocks = layers(info(program().path)["caches"]["l2"] or 1 << 20)
    names = ("indirect/a", "indirect/b")
    variants = [PlannedVariant(index, Asked("indirect"), "hot", label=name) for index, name in enumerate(names)]
    samples = list(measure(blocks, POLICY, variants, ["same"]).samples)
    alarms, estimates, half = 0, [], []
    for layer in blocks:
        found = compare(samples, layer.name, ("same", names[0]), ("same", names[1]))
        alarm = found.against_one() != 0
        alarms += alarm
        estimates.append(abs(found.value - 1))
        half.append(((found.high or 1) - (found.low or 1)) / 2)
        print(f"{layer.name:<6} {layer.h:>3}x{layer.w:<3} {layer.cin:>3} channels  {shown(found)}{'  FALSE' * alarm}")
    print(f"false alarms: {alarms} of {BLOCKS} ({alarms / BLOCKS:.0%}; 5 % is what a 95 % interval promises)")
    print(f"largest estimate off by {max(estimates):.2%}, median half-width {float(np.median(half)):.2%}")


if __name__ == "__main__":
    start(command)
