"""Makes both tables: ``python -m benchmarks.aarch64``, or ``make bench-aarch64``."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.aarch64.counting import Counter
from benchmarks.aarch64.loops import main_loops
from benchmarks.aarch64.models import MODELS, Models, judge, shipped
from benchmarks.aarch64.panel import PANEL
from benchmarks.aarch64.tables import changes, markdown
from benchmarks.aarch64.tools import llvm, plugin_qemu
from harness.build.builder import Built, build
from harness.errors import HarnessError, UsageError
from harness.paths import build_root

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
_SCHEMA = 1


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
        "--most", type=float, default=250, help="million products above which a layer is cut (%(default)s)"
    )
    parser.add_argument("--loops-only", action="store_true", help="leave out the executed instructions")
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


def _variants(counter: Counter, asked: str) -> list[tuple[str, str]]:
    if asked == "default":
        return list(_VARIANTS)
    known = counter.kernels()
    names = [name for name in known if not name.startswith("scalar")] if asked == "all" else asked.split(",")
    for name in names:
        if name.split("+", maxsplit=1)[0] not in known:
            raise UsageError(f"--kernels: no kernel {name!r}", f"there are: {', '.join(known)}")
    return [(algorithm, name) for algorithm in ("im2col", "direct", "indirect") for name in names]


def _executed(built: Built, options: argparse.Namespace, result: dict[str, Any]) -> None:
    counter = Counter(options.out, built)
    result["qemu"] = counter.qemu_version
    if not any(options.layers in layer.name for layer in PANEL):
        names = ", ".join(layer.name for layer in PANEL)
        raise UsageError(f"--layers: no layer has {options.layers!r} in its name", f"there are: {names}")
    for whole in PANEL:
        layer = whole.cut(options.most * 1e6)
        if options.layers not in layer.name:
            continue
        for algorithm, kernel in _variants(counter, options.kernels):
            counted = counter.count(layer, algorithm, kernel)
            if counted is None:
                continue
            share = counted.classes["fma"] / sum(counted.classes.values())
            asked = algorithm if kernel == "-" else f"{algorithm} {kernel}"
            _say(f"{layer.name:<20} {asked:<20} {counted.algorithm + '/' + counted.kernel:<30} {share:6.1%}")
            names = {"layer": layer.name, "asked": asked, "ran": f"{counted.algorithm}/{counted.kernel}"}
            size = {"macs": layer.macs, "height": layer.input_height, "cut": layer is not whole}
            result["executed"].append({**names, **size, "fma_share": share, "classes": counted.classes})


def main() -> int:
    """Builds, measures, writes result.json and result.md; returns the exit code."""
    options = _options()
    baseline = _read(options.baseline) if options.baseline else None
    llvm("llvm-mca"), llvm("llvm-objdump")  # what is missing is said before minutes of work
    if not options.loops_only:
        plugin_qemu()
    built = build("arm64-v8a", "zig", say=_say)
    result: dict[str, Any] = {"schema": _SCHEMA, "build_id": built.build_id, "commit": _commit()}
    result |= {"qemu": None, "executed": []}
    _loops(built, result)
    if not options.loops_only:
        _executed(built, options, result)
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
