"""What `harness run --against` says at its end: the decisions about its builds, with --confirm after a second look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.cli.compare import told
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.compare.builds import compare_builds
from harness.compare.comparison import Comparison
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.export.formats import Format
from harness.measure.run.confirm import plan_confirmation
from harness.measure.run.manifest import request_of
from harness.measure.run.runner import RunResult
from harness.store.rundir import RunDir


def beside_builds(
    done: RunResult,
    finish: Callable[[RunResult], Outcome],
    again: Callable[[], RunResult],
    threshold: float | None,
    asked: Sequence[Format] = (),
) -> Outcome:
    """The outcome of a run, ``finish``'s, and of comparing its builds.

    ``again``: measures what is planned and missing of it, for suspects of a run with --confirm.
    """
    try:
        found = compare_builds(done.directory, threshold)
        if done.code != ExitCode.INTERRUPTED and _plan_second_look(done.directory, found):
            done = _joined(done, again())
            found = compare_builds(done.directory, threshold)
        compared = told(found, found.new.path, [each for each in asked if each.for_comparisons])
    except HarnessError as error:  # what was measured is kept, and told
        ended = finish(done)
        say(f"harness: {error}")
        # Nothing that two builds share was measured: no fault of the command line.
        why = ExitCode.TOO_LITTLE_DATA if isinstance(error, UsageError) else error.exit_code
        code = worst([ended.code, why])
        return replace(ended, code=code, value={**ended.value, "exit_code": int(code), "compare": None})
    ended = finish(done)
    code = worst([ended.code, compared.code])
    value = {**ended.value, "exit_code": int(code), "compare": compared.value}
    return Outcome(code, (*compared.lines, *ended.lines), value)


def _plan_second_look(directory: Path, found: Comparison) -> bool:
    """Whether a second look at suspects is to be measured now."""
    run = RunDir(directory)
    request = request_of(run.manifest(), None)
    if not request.confirm:
        return False
    suspects: dict[tuple[str, str], list[str]] = {}
    slower = [row for row in found.rows if row.decision == "slower" and row.confirmed is None]
    for row in slower:
        key = row.new.key
        layers = suspects.setdefault((key.device, key.cluster), [])
        layers += [key.layer] * (key.layer not in layers)
    planned = plan_confirmation(run, request, suspects)
    if planned:
        say(f"{len(slower)} rows are slower: {planned} blocks (layer x launch) are measured again before that is said")
    return planned > 0


def _joined(first: RunResult, second: RunResult) -> RunResult:
    """The result of both: what the second one found, and what the first one had to say."""
    phases = dict.fromkeys([*first.seconds, *second.seconds])
    seconds = {phase: first.seconds.get(phase, 0.0) + second.seconds.get(phase, 0.0) for phase in phases}
    messages = list(dict.fromkeys([*first.messages, *second.messages]))
    return replace(
        second,
        code=worst([first.code, second.code]),
        seconds=seconds,
        messages=messages,
        timed_out=first.timed_out or second.timed_out,
    )
