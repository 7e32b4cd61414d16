"""The commands there are, and the help that lists them. Imports nothing: ``harness --help`` is answered at once."""

from __future__ import annotations

# A command's module is harness.cli.<name>; it is imported when the command is called.
SUMMARIES = {
    "run": "Measure a suite on every attached phone (or --device local: this machine) and write a report.",
    "report": "Render a run directory again, from its records alone; never needs a device.",
    "compare": "Compare two runs: what is faster, slower, the same, or not proven to be any of it.",
    "export": "Write a run's results for another tool: Google Benchmark, Bencher, GitHub actions, JUnit, CSV, Parquet.",
    "bundle": "Make one file of a run, without serial numbers, with digests and its report; signed on demand.",
    "devices": "List attached phones and their clusters; with --device local, this machine.",
    "doctor": "Name what is wrong with each phone, and with this host, for measuring; and the remedies.",
    "suites": "List the suites, or the layers of one.",
    "build": "Build for a phone (or --abi host: this machine); prints the program's path.",
    "verify": "Compare every output of every algorithm with a double-precision reference, on each device.",
    "tune": "Measure which algorithm, kernel and blocks are best for each layer, on each cluster of each device.",
    "calibrate": "Measure a variant beside itself: the noise floor of each device and cluster, kept for later runs.",
    "restore": "Put back settings left changed on attached phones.",
    "clean": "Remove old runs, builds and state, by age or by name; never a run that can be resumed unless named.",
    "lab": "Virtual phones: a real adb server in front, an emulated CPU behind. Needs root.",
}

HELP_OPTIONS = ("-h", "--help")
_WIDTH = 80


def overview() -> str:
    """The text of ``harness --help``: what it is for, its options, its commands."""
    options = {"--version": "Print the version and exit.", ", ".join(HELP_OPTIONS): "Show this message and exit."}
    return "\n".join(
        [
            "Usage: harness [OPTIONS] COMMAND [ARGS]...",
            "",
            *_wrapped(
                "Benchmark the indirect convolution against im2col + GEMM and direct 1x1, on Android phones and here.",
                "  ",
                "  ",
            ),
            "",
            *_list("Options", options),
            "",
            *_list("Commands", SUMMARIES),
        ]
    )


def _list(title: str, entries: dict[str, str]) -> list[str]:
    column = max(map(len, entries)) + 4
    lines = [f"{title}:"]
    for name, words in entries.items():
        lines += _wrapped(words, f"  {name}".ljust(column), " " * column)
    return lines


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    """The words in lines of at most _WIDTH; textwrap would bring ``re``, a tenth of all the time."""
    lines, line = [], first
    for word in text.split():
        if len(line) + len(word) > _WIDTH:
            lines.append(line.rstrip())
            line = rest
        line += word + " "
    return [*lines, line.rstrip()]
