"""What `harness run --against` says at its end: the decisions about its builds, with --confirm after a second look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness.cli.compare import told
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.cli.signals import Interrupted, TimedOut, time_left
from harness.compare.builds import compare_builds
from harness.compare.comparison import Comparison
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode, worst
from harness.export.formats import Format
from harness.measure.outcome import code_of
from harness.measure.run.confirm import plan_confirmation
from harness.measure.run.manifest import request_of
from harness.measure.run.outcome import SessionOutcome
from harness.measure.run.runner import RunResult
from harness.measure.stop import TIMED_OUT
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
    compared: Outcome | None = None
    try:
        found = compare_builds(done.directory, threshold)
        was_cut_off = done.timed_out or done.code == ExitCode.INTERRUPTED
        if not was_cut_off and _plan_second_look(done.directory, found):
            done, found = _looked_again(done, found, again, threshold)
        compared = told(found, found.new.path, [each for each in asked if each.for_comparisons])
        code = compared.code
    except HarnessError as error:  # what was measured is kept, and told
        say(f"harness: {error}")
        # Nothing that two builds share was measured: no fault of the command line.
        code = ExitCode.TOO_LITTLE_DATA if isinstance(error, UsageError) else error.exit_code
    except Interrupted as signal:
        say(f"harness: {_why(signal)}")
        code = _code_of(signal)
    ended = finish(done)
    code = worst([ended.code, code])
    value = {**ended.value, "exit_code": int(code), "compare": None if compared is None else compared.value}
    return replace(ended, code=code, lines=(*(compared.lines if compared else ()), *ended.lines), value=value)


def _looked_again(
    done: RunResult, found: Comparison, again: Callable[[], RunResult], threshold: float | None
) -> tuple[RunResult, Comparison]:
    """The run and its decisions after a second look, as far as that came: what `harness compare RUN` says, too."""
    try:
        with time_left():
            second = again()
    except (HarnessError, OSError, Interrupted) as error:
        code = worst([done.code, _code_of(error)])
        why = f"the second look failed: {_why(error)}"
        status = "interrupted" if code == ExitCode.INTERRUPTED else "failed"
        with suppress(HarnessError, OSError):  # it may be a full disk that ended the look
            RunDir(done.directory).update_manifest(status=status, exit_code=int(code))
        done = replace(
            done,
            code=code,
            messages=[*done.messages, why],
            something_is_missing=True,
            timed_out=isinstance(error, TimedOut),
        )
        with suppress(HarnessError):
            found = compare_builds(done.directory, threshold)
        return done, found
    done = _joined(done, second)
    return done, compare_builds(done.directory, threshold)


def _code_of(error: BaseException) -> ExitCode:
    """At least INFRASTRUCTURE: what is planned is left unmeasured."""
    if isinstance(error, Interrupted) and not isinstance(error, TimedOut):
        return ExitCode.INTERRUPTED
    return ExitCode.INFRASTRUCTURE


def _why(error: BaseException) -> str:
    if isinstance(error, Interrupted):
        return TIMED_OUT if isinstance(error, TimedOut) else "interrupted"
    return str(error)


def _plan_second_look(directory: Path, found: Comparison) -> bool:
    """Whether a second look at suspects is to be measured now."""
    run = RunDir(directory)
    request = request_of(run.manifest(), None)
    if not request.confirm:
        return False
    suspects: dict[tuple[str, str], list[str]] = {}
    # What is on record as looked at again, and has no result, may lack launches that were never planned.
    slower = [
        row
        for row in found.rows
        if (row.decision == "slower" and row.confirmed is None) or (row.confirmed is False and row.difference is None)
    ]
    for row in slower:
        key = row.new.key
        layers = suspects.setdefault((key.device, key.cluster), [])
        layers += [key.layer] * (key.layer not in layers)
    planned = plan_confirmation(run, request, suspects)
    if planned:
        say(f"{len(slower)} rows are slower: {planned} blocks (layer x launch) are measured again before that is said")
    return planned > 0


def _joined(first: RunResult, second: RunResult) -> RunResult:
    """The result of both, whose code is the manifest's too: what the second one completed is missing no more."""
    phases = dict.fromkeys([*first.seconds, *second.seconds])
    seconds = {phase: first.seconds.get(phase, 0.0) + second.seconds.get(phase, 0.0) for phase in phases}
    before = {outcome.name: outcome for outcome in first.outcomes}
    now = {outcome.name: outcome for outcome in second.outcomes}
    both = [_merged(before[name], now[name]) for name in before if name in now]
    outcomes = list({**before, **now, **{outcome.name: outcome for outcome in both}}.values())
    is_left_out = first.some_unusable and bool(first.absent - set(now))
    code = worst([second.code, code_of(outcomes, some_unusable=is_left_out)])
    if code != second.code:
        status = "failed" if second.code == ExitCode.DONE else RunDir(second.directory).manifest().status
        RunDir(second.directory).update_manifest(status=status, exit_code=int(code))
    return replace(
        second,
        outcomes=outcomes,
        code=code,
        seconds=seconds,
        messages=list(dict.fromkeys([*first.messages, *second.messages])),
        something_is_missing=second.something_is_missing or is_left_out,
    )


def _merged(first: SessionOutcome, second: SessionOutcome) -> SessionOutcome:
    """What a device gave in both; that the first left something unmeasured is no fault once the second did not."""
    is_complete = first.unfinished and not second.unfinished
    codes = [code for code in first.codes if not (is_complete and code == ExitCode.INFRASTRUCTURE)]
    conditions = {condition.name: condition for condition in (*second.conditions, *first.conditions)}
    return replace(
        second,
        samples=first.samples + second.samples,
        codes=[*codes, *second.codes],
        messages=list(dict.fromkeys([*first.messages, *second.messages])),
        conditions=list(conditions.values()),
    )
