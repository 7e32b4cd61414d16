"""Handover: one build as two workers that take turns, against itself, on six layers with the policy ``thorough``.

Shows whether comparing two builds in two processes is as good as comparing two variants in one: at least five
intervals of six should hold 1, and each estimate lie within 1 %.
"""

from __future__ import annotations

from benchmarks.commandline import start
from benchmarks.local import compare, measure, shown
from harness.model.policy import load_policy
from harness.model.suite import load_suite
from harness.plan.jobs import Variant

LAYERS = (
    "resnet18-conv1_7x7s2",
    "resnet18-conv2_3x3",
    "resnet18-conv4_3x3",
    "squeezenet_v1_0-fire4_squeeze_1x1",
    "resnet50-conv2_expand_1x1",
    "resnet18-conv3_proj_1x1s2",
)


def command() -> None:
    """Prints each layer's estimate and the two counts."""
    policy = load_policy("thorough").model_copy(update={"cache": ("hot",)})
    layers = [layer for layer in load_suite("quick").layers if layer.name in LAYERS]
    variants = [Variant(index, "indirect", "hot", build=index, label="indirect") for index in range(2)]
    samples = list(measure(layers, policy, variants, ["first", "second"]).samples)
    held = near = 0
    for layer in layers:
        found = compare(samples, layer.name, ("first", "indirect"), ("second", "indirect"))
        held += found.against_one() == 0
        near += abs(found.value - 1) <= 0.01
        print(f"{layer.name:<36} {shown(found)}")
    print(f"intervals that hold 1: {held} of {len(layers)}; estimates within 1 %: {near} of {len(layers)}")


if __name__ == "__main__":
    start(command)
