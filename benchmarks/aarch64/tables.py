"""The result as Markdown, and what changed since another result."""

from __future__ import annotations

from typing import Any

from benchmarks.aarch64.kernels import kernels_text
from benchmarks.aarch64.lines_table import lines_text
from benchmarks.aarch64.markdown import table
from benchmarks.aarch64.models import CAVEATS, MODELS, OLDEST_LLVM

Json = dict[str, Any]
_SMALLEST_CHANGE = 0.002


def _loop_head() -> list[str]:
    return ["inner loop", "inst/FMA", "FMA", "loads", "spills", *MODELS]


def _loop_row(loop: Json) -> list[str]:
    cells = [loop["function"], f"{loop['instructions'] / loop['fma']:.2f}"]
    cells += [str(loop["fma"]), str(loop["load"]), str(loop["spills"])]
    for model in MODELS:
        figure = loop["models"].get(model)
        cells.append(f"{figure['rate']:.1f} ({figure['share']:.0%})" if figure else "-")
    return cells


def _xnnpack_row(loop: Json) -> list[str]:
    cells = [f"XNNPACK {loop['loop']}", f"{loop['instructions'] / loop['fma']:.2f}"]
    cells += [str(loop["fma"]), str(loop["loads"]), "0"]
    return cells + [f"{loop['share'][model]}%" if model in loop["share"] else "-" for model in MODELS]


def _largest(loops: list[Json]) -> list[Json]:
    best: dict[str, Json] = {}
    for loop in loops:
        member = loop["function"].split(":")[0]
        if member not in best or loop["fma"] > best[member]["fma"]:
            best[member] = loop
    return list(best.values())


def loops_text(result: Json, xnnpack: Json) -> list[str]:
    """The table of inner loops: the largest tile of each kernel, XNNPACK's, then every instance of ours."""
    peaks = ", ".join(f"{model} {peak:g}" for model, peak in result["peaks"].items() if peak)
    cores = "; ".join(f"{model}: {cores}" for model, cores in MODELS.items())
    lines = [
        "## Inner loops",
        "",
        f"Products per cycle and share of the model's peak ({peaks}).",
        f"Cores: {cores}.",
        "",
    ]
    rows = [_loop_row(loop) for loop in _largest(result["loops"])]
    lines += table(_loop_head(), rows + [_xnnpack_row(loop) for loop in xnnpack["loops"]])
    lines += ["", f"XNNPACK: {xnnpack['snapshot']}; {xnnpack['models']}."]
    lines += [f"llvm-mca {result['llvm']}. Missing models: {', '.join(result['missing_models']) or 'none'}."]
    if result["llvm"] < OLDEST_LLVM:
        lines += [f"Models before LLVM {OLDEST_LLVM} differ: these figures do not compare with XNNPACK's."]
    gone = [loop["function"] for loop in result["loops"] if not loop["shipped"]]
    lines += [f"Loops that the linked program does not hold: {', '.join(gone) or 'none'}.", ""]
    lines += [f"{i}. {caveat}" for i, caveat in enumerate(CAVEATS, 1)]
    lines += ["", "### Every height and width", ""]
    return lines + table(_loop_head(), [_loop_row(loop) for loop in result["loops"]])


def _split(classes: dict[str, int]) -> str:
    total = sum(classes.values())
    shares = sorted(((n / total, name) for name, n in classes.items() if name != "fma"), reverse=True)
    return ", ".join(f"{name.replace('_', ' ')} {share:.1%}" for share, name in shares if share >= 0.0005)


def executed_text(result: Json) -> list[str]:
    """The table of executed instructions."""
    lines = ["## Executed instructions of one run", ""]
    lines += [
        "All of a run counts: pointers, packing, copies, tails. FMA are instructions, of 4 products in the kernels."
    ]
    lines += [f"qemu {result['qemu']}. Set-up is left out.", ""]
    rows = []
    for entry in result["executed"]:
        total = sum(entry["classes"].values())
        cut = f" (cut to {entry['height']} rows)" if entry["cut"] else ""
        needed = entry["classes"]["fma"] * 4 / entry["macs"]
        cells = [
            entry["layer"] + cut,
            entry["asked"],
            entry["ran"],
            f"{entry['fma_share']:.1%}",
            f"{total / 1e6:.2f}",
            f"{needed:.3f}",
        ]
        rows.append([*cells, _split(entry["classes"])])
    head = ["layer", "asked for", "ran", "FMA share", "million", "products per nominal MAC", "the rest"]
    return lines + table(head, rows)


def markdown(result: Json, xnnpack: Json) -> str:
    """The tables that the result has figures for."""
    lines = ["# arm64 without an ARM core", "", f"Build {result['build_id'][:12]}, commit {result['commit']}.", ""]
    if result["kernels"]:
        lines += [*kernels_text(result["kernels"]), ""]
    if result["loops"]:
        lines += [*loops_text(result, xnnpack), ""]
    if result["executed"]:
        lines += [*executed_text(result), ""]
    if result["lines"]:
        lines += [*lines_text(result), ""]
    return "\n".join(lines)


def _figures(result: Json) -> dict[str, float]:
    found = {}
    for kernel in result["kernels"]:
        found[f"{kernel['kernel']}: instructions by multiplication"] = kernel["ratio"]
    for loop in result["loops"]:
        name = loop["function"]
        found[f"{name}: instructions per FMA"] = loop["instructions"] / loop["fma"]
        found[f"{name}: spills"] = float(loop["spills"])
        for model, figure in loop["models"].items():
            found[f"{name}: share of peak, {model}"] = figure["share"]
    for entry in result["executed"]:
        name = f"{entry['layer']}, {entry['asked']}"
        found[f"{name}: million instructions"] = sum(entry["classes"].values()) / 1e6
        found[f"{name}: FMA share"] = entry["fma_share"]
    for entry in result["lines"]:
        for column, figures in entry["columns"].items():
            found[f"{entry['layer']}, {entry['core']}, {column}: lines from beyond L2"] = float(figures["l2"])
    return found


def changes(result: Json, baseline: Json) -> list[str]:
    """Figures that differ by more than 0.2 % from those of ``baseline``, and those that only one of them has."""
    now, before = _figures(result), _figures(baseline)
    lines = []
    for name in sorted(now.keys() | before.keys()):
        if name not in now or name not in before:
            lines.append(f"{name}: {'new' if name in now else 'gone'}")
        elif abs(now[name] - before[name]) > _SMALLEST_CHANGE * abs(before[name]):
            change = f" ({now[name] / before[name] - 1:+.1%})" if before[name] else ""
            lines.append(f"{name}: {before[name]:.4g} -> {now[name]:.4g}{change}")
    if result["loops"] and baseline["loops"] and baseline["llvm"] != result["llvm"]:
        lines.insert(0, f"not the same llvm-mca: {baseline['llvm']} -> {result['llvm']}")
    return lines
