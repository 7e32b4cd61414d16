"""Makes the tables: ``python -m benchmarks.aarch64``, or ``make bench-aarch64``."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.aarch64.arm32_instructions import ARM32
from benchmarks.aarch64.cores import CORES
from benchmarks.aarch64.counting import Counter
from benchmarks.aarch64.driver import Driver
from benchmarks.aarch64.instructions import ARM64
from benchmarks.aarch64.kernels import entry, kernel_loops
from benchmarks.aarch64.lines import COLUMNS, PUBLISHED, LineCounter
from benchmarks.aarch64.loops import main_loops
from benchmarks.aarch64.models import MODELS, Models, judge, shipped
from benchmarks.aarch64.panel import PANEL, PanelLayer
from benchmarks.aarch64.tables import changes, markdown
from benchmarks.aarch64.tools import llvm, plugin_qemu
from benchmarks.aarch64.x86_instructions import X86
from harness.errors import HarnessError, UsageError
from harness.paths import build_root
from harness.toolchain.builder import Built, build

# Algorithm and kernel as the library is asked for them; "-" is its own choice.
_VARIANTS = (
    ("im2col", "-"),
    ("im2col", "best"),
    ("direct", "-"),
    ("direct", "best"),
    ("indirect", "-"),
    ("indirect", "best"),
    ("auto", "-"),
)
_PARTS = ("kernels", "loops", "executed", "lines")
_SCHEMA = 2


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.aarch64", description=__doc__)
    parser.add_argument("--out", type=Path, default=build_root() / "aarch64", help="folder for result.json and .md")
    parser.add_argument("--baseline", type=Path, help="result.json of another commit: print what changed")
    parser.add_argument(
        "--kernels",
        default="default",
        help="default (what the library chooses, as `best` and as `auto`), all, or schedules separated by commas",
    )
    parser.add_argument("--layers", default="", help="only layers whose name contains this")
    parser.add_argument(
        "--most", type=float, default=120, help="million products above which a layer is cut (%(default)s)"
    )
    parser.add_argument("--parts", default=",".join(_PARTS), help="which tables (%(default)s)")
    return parser.parse_args()


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _loops(built: Built, result: dict[str, Any]) -> None:
    mca, version = llvm("llvm-mca")
    models = Models(mca)
    loops = []
    for loop in main_loops(llvm("llvm-objdump")[0], built.library):
        figures = {"instructions": len(loop.body), **loop.mix, "macs": loop.macs}
        place = {"function": loop.function, "shipped": shipped(loop, built.path)}
        loops.append({**place, **figures, "models": judge(loop, models)})
    result["loops"] = loops
    result["llvm"] = version
    result["peaks"] = {model: models.peak(model) for model in MODELS}
    result["missing_models"] = [model for model in MODELS if models.peak(model) is None]


def _kernels(built: Built, result: dict[str, Any]) -> None:
    """Of all instruction sets: the host's library is built, too, where it is an x86-64."""
    objdump = llvm("llvm-objdump")[0]
    found = kernel_loops(objdump, built.library, ARM64)
    found += kernel_loops(objdump, build("armeabi-v7a", "zig", say=_say).library, ARM32)
    if platform.machine() == "x86_64":
        found += kernel_loops(objdump, build("host", say=_say).library, X86)
    result["kernels"] = [entry(kernel) for kernel in found]


def _variants(driver: Driver, asked: str) -> list[tuple[str, str]]:
    if asked == "default":
        return list(_VARIANTS)
    known = driver.kernels()
    names = [name for name in known if not name.startswith("scalar")] if asked == "all" else asked.split(",")
    for name in names:
        if name.split("+", maxsplit=1)[0] not in known:
            raise UsageError(f"--kernels: no kernel {name!r}", f"there are: {', '.join(known)}")
    return [(algorithm, name) for algorithm in ("im2col", "direct", "indirect") for name in names]


def _layers(options: argparse.Namespace) -> list[tuple[PanelLayer, PanelLayer]]:
    """The layers asked for, each whole and cut."""
    found = [(layer, layer.cut(options.most * 1e6)) for layer in PANEL if options.layers in layer.name]
    if not found:
        names = ", ".join(layer.name for layer in PANEL)
        raise UsageError(f"--layers: no layer has {options.layers!r} in its name", f"there are: {names}")
    return found


def _executed(driver: Driver, options: argparse.Namespace, result: dict[str, Any]) -> None:
    counter = Counter(options.out, driver)
    variants = _variants(driver, options.kernels)
    for whole, layer in _layers(options):
        for algorithm, kernel in variants:
            counted = counter.count(layer, algorithm, kernel)
            if counted is None:
                continue
            share = counted.classes["fma"] / sum(counted.classes.values())
            asked = algorithm if kernel == "-" else f"{algorithm} {kernel}"
            _say(f"{layer.name:<20} {asked:<20} {counted.algorithm + '/' + counted.kernel:<30} {share:6.1%}")
            names = {"layer": layer.name, "asked": asked, "ran": f"{counted.algorithm}/{counted.kernel}"}
            size = {"macs": layer.macs, "height": layer.input_height, "cut": layer is not whole}
            result["executed"].append({**names, **size, "fma_share": share, "classes": counted.classes})


def _lines(driver: Driver, options: argparse.Namespace, result: dict[str, Any]) -> None:
    counter = LineCounter(options.out, driver)
    kernel = driver.kernels()[0]
    for whole, layer in _layers(options):
        for core in CORES:
            columns: dict[str, Any] = {}
            for column, algorithm, schedule in COLUMNS:
                moved = counter.moved(layer, core, algorithm, schedule.replace("KERNEL", kernel))
                if moved is not None:
                    figures = {"l1": moved.beyond_l1, "l2": moved.beyond_l2, "written": moved.written}
                    ran = {"ran": moved.ran.schedule, "order": moved.ran.order, "weights": moved.ran.weights_bytes}
                    columns[column] = {**ran, **figures}
                    _say(f"{layer.name:<20} {core.name:<15} {column:<19} {moved.beyond_l2:>9} lines")
            size = {"macs": layer.macs, "height": layer.input_height, "cut": layer is not whole}
            fits = columns[PUBLISHED]["weights"] <= core.l2.size
            result["lines"].append({"layer": layer.name, **size, "core": core.name, "fits": fits, "columns": columns})


def main() -> int:
    """Builds, measures, writes result.json and result.md; returns the exit code."""
    options = _options()
    parts = _parts(options.parts)
    baseline = _read(options.baseline) if options.baseline else None
    llvm("llvm-objdump")  # what is missing is said before minutes of work
    if "loops" in parts:
        llvm("llvm-mca")
    emulated = parts & {"executed", "lines"}
    if emulated:
        plugin_qemu()
    built = build("arm64-v8a", "zig", say=_say)
    result: dict[str, Any] = {"schema": _SCHEMA, "build_id": built.build_id, "commit": _commit()}
    result |= {"qemu": None} | {part: [] for part in _PARTS}
    if "kernels" in parts:
        _kernels(built, result)
    if "loops" in parts:
        _loops(built, result)
    if emulated:
        driver = Driver(options.out, built)
        result["qemu"] = driver.qemu_version
        if "executed" in parts:
            _executed(driver, options, result)
        if "lines" in parts:
            _lines(driver, options, result)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    xnnpack = json.loads((Path(__file__).parent / "xnnpack.json").read_text())
    text = markdown(result, xnnpack)
    (options.out / "result.md").write_text(text)
    print(text)
    if baseline is not None:
        found = changes(result, baseline)
        print(f"## Changes since {baseline['commit']}\n\n" + ("\n".join(found) or "none"))
    return 0


def _parts(asked: str) -> set[str]:
    parts = set(asked.split(","))
    if parts - set(_PARTS):
        raise UsageError(f"--parts {asked}: no part {min(parts - set(_PARTS))!r}", f"there are: {', '.join(_PARTS)}")
    return parts


def _read(path: Path) -> dict[str, Any]:
    try:
        baseline = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"--baseline {path}: {error}", "name a result.json that this program wrote") from None
    if not isinstance(baseline, dict) or baseline.get("schema") != _SCHEMA:
        raise UsageError(f"--baseline {path}: not a result of schema {_SCHEMA}", "make it again at that commit")
    return baseline


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(int(error.exit_code))
