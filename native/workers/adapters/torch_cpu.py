"""Imports torch without the CUDA packages that its wheel asks for.

The wheel's libraries are linked against those packages' libraries even where no GPU is used. TORCH_STUBS names a
folder of empty stubs (see harness/comparators/stubs.py); without it torch is imported as it is. Nothing of CUDA is
called.
"""

from __future__ import annotations

import ctypes
import os
import sys
import types
from pathlib import Path
from typing import Any

_DISTRIBUTED = ("_c10d_init", "_rpc_init", "_dist_autograd_init", "_faulty_agent_init")


class _NoDistributed:
    """Takes the distributed part, which needs NCCL, away as soon as something wants to import it."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        core = sys.modules.get("torch._C")
        if core is not None and name.startswith("torch.distributed"):
            for function in _DISTRIBUTED:
                if hasattr(core, function):
                    delattr(core, function)


def load() -> Any:
    """The module torch."""
    folder = os.environ.get("TORCH_STUBS")
    if folder:
        for file in sorted(Path(folder).iterdir()):
            ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
        sys.meta_path.insert(0, _NoDistributed())
        sys.modules["torch._native"] = types.ModuleType("torch._native")  # GPU kernels; asks for CUDA's dispatch table
    import torch  # noqa: PLC0415 - only after the stubs

    torch.set_grad_enabled(False)
    return torch
