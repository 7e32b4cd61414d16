"""What to do about each kind of weakness: one line a kind. A test holds the table against the checks."""

from __future__ import annotations

from collections.abc import Mapping

_AGAIN = "measure those rows again (“again” in the tables) on a quiet device"
_LAUNCHES = "measure with a policy of more launches (--policy default has them)"

REMEDIES: Mapping[str, str] = {
    "aa": "find what differs between equals (other programs, heat, the governor: harness doctor), then measure again",
    "affinity": "close other programs, keep the phone awake and plugged in; where it stays, take other --clusters",
    "apart": "nothing, if the ratio is not needed; else measure the layer again in a run of its own (--layers)",
    "baseline": "go by “each at its best”; add im2col/best to --algorithms where that is missing",
    "budget": "raise block_budget_s in the policy, or measure fewer layers (--layers)",
    "builds": "measure one build a run, or two in the same rounds: harness run --against; harness compare",
    "calibration": "harness calibrate --device this one, under the same policy, then harness report again",
    "charger": "leave the cable as it is for the whole run",
    "clock": "let the device cool, switch battery savers off; on a phone try settings.fixed_performance in the policy",
    "condition": "its remedy stands beside it; harness doctor tells whether it is still there",
    "disturbed": "close what else runs on the device, then measure again",
    "emulated": "measure on the phone itself",
    "error": "see the message in the row; harness verify --layers … repeats it without timing",
    "evidence": "raise min_ms in the policy: longer samples make its share smaller",
    "faults": "close other programs: memory is short",
    "files": "put the file back from a copy, or measure again",
    "gate": "let the device rest in a cooler place, out of its case, off the charger; raise gate_cap_s in the policy",
    "git": "commit, then measure again where the code has to be found later",
    "incomplete": "harness run --resume RUN measures what is missing",
    "kernels": "name one schedule in --algorithms, such as indirect/KERNEL",
    "launches": _LAUNCHES,
    "lines": "harness run --resume RUN measures what the missing lines held",
    "llc": "go by hot, or by a device whose system tells its caches",
    "missing": "harness run --resume RUN measures what is missing",
    "peak": "nothing for ratios; for shares of peak let the device cool and close other programs",
    "placement": "nothing for a first look; for a firm result measure with more launches",
    "records": "harness run --resume RUN measures what those lines held",
    "rounds": "harness run --resume RUN, or raise block_budget_s in the policy",
    "schedule": "harness tune, then harness run --tuned DIR: the table goes by what was measured",
    "screen": "set settings.stay_awake in the policy, and unlock the phone",
    "session": "see the message; harness doctor --device this one, then harness run --resume RUN",
    "settle": "close other programs, let the device cool; the clock did not come to rest",
    "short": "raise min_ms in the policy",
    "status": "harness run --resume RUN measures what is missing",
    "switches": "close other programs; on a phone end what syncs in the background",
    "topology": "nothing: it tells which CPUs were to be had",
    "unjudged": _AGAIN,
    "worker": "see that worker's own message; harness verify --worker … repeats it without timing",
    "wrong": "do not use that variant: harness verify --layers … --dump DIR has its output for comparison",
}
