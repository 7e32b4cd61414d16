"""``--shard I/N``: what of a request is a shard's, told alike on every host that is asked the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from harness.errors import UsageError
from harness.measure.request import Request
from harness.model.shard import Shard
from harness.model.sustained import SUSTAINED
from harness.plan.jobs import LAUNCH_OVERHEAD_S, estimate_s, make_jobs, make_variants
from harness.plan.shards import blended, divide


def common_seed(request: Request) -> int:
    """A seed for shards that were given none: one plan has one, whoever asks. At most 48 bits."""
    return int(_digest(_asked(replace(request, seed=0)))[:12], 16)


def sharded(request: Request, index: int, count: int, measured: Mapping[str, float]) -> Request:
    """The request of one shard. ``measured``: seconds of layers in an earlier run, the same for all shards.

    Raises UsageError where there are more shards than layers.
    """
    if count > len(request.layers):
        raise UsageError(
            f"--shard {index}/{count}: {len(request.layers)} layers are too few for so many shards",
            f"a layer is measured in one shard: take {len(request.layers)} at most",
        )
    of = divide(blended(_estimated(request), measured), count)
    shard = Shard(
        index=index,
        count=count,
        plan=_digest({**_asked(request), "shards": of}),
        layers=[layer.name for layer in request.layers if of[layer.name] == index],
    )
    return replace(request, shard=shard)


def _estimated(request: Request) -> dict[str, float]:
    """Seconds of each layer in all its launches, on one cluster of a device that nobody knows."""
    policy, names = request.budgeted, request.worker_names
    others = len(request.against)
    variants = make_variants(
        request.algorithms, policy.cache, request.faces, names, request.threads, aa=request.aa, others=others
    )
    if request.mode == SUSTAINED:
        return {layer.name: 1.0 for layer in request.layers}
    overhead = policy.launches * LAUNCH_OVERHEAD_S
    return {
        layer.name: estimate_s(make_jobs([layer], policy, 0, variants=variants), [layer], policy) - overhead
        for layer in request.layers
    }


def _asked(request: Request) -> dict[str, Any]:
    """What the jobs of every device follow from."""
    return {
        "suite": request.suite,
        "mode": request.mode,
        "layers": [layer.model_dump(mode="json") for layer in request.layers],
        "policy": request.policy.model_dump(mode="json"),
        "algorithms": request.algorithms,
        "faces": request.faces,
        "clusters": request.cpus,
        "threads": request.threads,
        "workers": request.worker_names,
        "against": [other.name for other in request.against],
        "aa": request.aa,
        "confirm": request.confirm,
        "abi": request.abi,
        "seed": request.seed,
    }


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
