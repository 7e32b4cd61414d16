"""The commands there are, and the help that lists them. Imports nothing: ``harness --help`` is answered at once."""

from __future__ import annotations

# A command's module is harness.cli.<name>; it is imported when the command is called.
SUMMARIES = {
    "run": "Measure a suite on every attached phone (or --device local: this machine) and write a report.",
    "report": "Render a run directory again, from its records alone; never needs a device.",
    "compare": "Compare two runs: what is faster, slower, the same, or not proven to be any of it.",
    "export": "Write a run's results for another tool: Google Benchmark, Bencher, GitHub actions, JUnit, CSV, Parquet.",
    "bundle": "Make one file of a run, without serial numbers, with digests and its report; signed on demand.",
    "history": "Many runs over time: add them, list them, show what changed and when, plot it as pages.",
    "devices": "List attached phones and their clusters; with --device local, this machine.",
    "doctor": "Name what is wrong with each phone, and with this host, for measuring; and the remedies.",
    "suites": "List the suites, or the layers of one.",
    "build": "Build for a phone (or --abi host: this machine); prints the program's path.",
    "verify": "Compare every output of every algorithm with a double-precision reference, on each device.",
    "tune": "Measure which algorithm, kernel and blocks are best for each layer, on each cluster of each device.",
    "calibrate": "Measure a variant beside itself: the noise floor of each device and cluster, kept for later runs.",
    "selfcheck": "Ask the doctor, measure `smoke` and calibrate: one file to send back, without serial numbers.",
    "restore": "Put back settings left changed on attached phones.",
    "clean": "Remove old runs, builds and state, by age or by name; never a run that can be resumed unless named.",
    "farm": "Recipes for AWS Device Farm, GitHub and GitLab; one run directory of many jobs' artefacts.",
    "host": "Offer the phones of this machine to a lab's scheduler; or make the certificates of a lab.",
    "comparators": "Other libraries to measure beside ours (ACL, XNNPACK, onnxruntime, ...): list them, fetch them.",
    "lab": "Virtual phones: a real adb server in front, an emulated CPU behind. Needs root.",
}

HELP_OPTIONS = ("-h", "--help")
_OPTIONS = {
    "--version": "Print the version and exit.",
    "--install-completion": "Let the shell complete commands, options and names; --show-completion prints how.",
    ", ".join(HELP_OPTIONS): "Show this message and exit.",
}
# What each means, of whatever command (harness.exit_codes has their names, and which of several wins).
EXIT_CODES = {
    0: "done, skips included",
    1: "a wrong result, or something is slower",
    2: "usage or configuration: an option, a file, a key",
    3: "a device or the infrastructure failed, or --timeout was over",
    4: "too little valid data to judge",
    5: "no usable device",
    130: "ended by a signal",
}
_EVERYWHERE = (
    "Every command has --json (docs/json.md), --quiet, --timeout S, and --help with its exit codes and examples."
)
_WIDTH = 80


def overview() -> str:
    """The text of ``harness --help``: what it is for, its options, its commands."""
    return "\n".join(
        [
            "Usage: harness [OPTIONS] COMMAND [ARGS]...",
            "",
            *wrapped(
                "Benchmark the indirect convolution against im2col + GEMM and direct 1x1, on Android phones and here.",
                "  ",
                "  ",
            ),
            "",
            *section("Options", _OPTIONS),
            "",
            *section("Commands", SUMMARIES),
            "",
            *wrapped(_EVERYWHERE, "  ", "  "),
            "",
            *section("Exit codes", {str(code): words for code, words in EXIT_CODES.items()}),
            "",
            "Examples:",
            "  harness run --device local      measure this machine, and write a report",
            "  harness run                     the same on every attached phone",
        ]
    )


def section(title: str, entries: dict[str, str]) -> list[str]:
    """Lines of a title and what stands below it: names with their words."""
    column = max(map(len, entries)) + 4
    lines = [f"{title}:"]
    for name, words in entries.items():
        lines += wrapped(words, f"  {name}".ljust(column), " " * column)
    return lines


def wrapped(text: str, first: str, rest: str) -> list[str]:
    """The words in lines of at most _WIDTH; textwrap would bring ``re``, a tenth of all the time.

    ``first``, ``rest``: how the first line begins, and the others.
    """
    lines, line = [], first
    for word in text.split():
        if len(line) + len(word) > _WIDTH:
            lines.append(line.rstrip())
            line = rest
        line += word + " "
    return [*lines, line.rstrip()]
