"""`harness report` on runs of three sizes: time, memory and size of the page against what they may be.

The time's measure is json.loads of the same lines by the same Python, each in a process of its own. Seconds are the
CPU's, user and system; on an idle machine they are the clock's, for nothing here waits or runs beside itself.
"""

from __future__ import annotations

import itertools
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import synthetic
from benchmarks.commandline import start
from harness.errors import InfrastructureError
from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONES = 5
CLUSTERS = (("0-3", "Cortex-A55", 1766), ("4-6", "Cortex-A75", 2803), ("7", "Cortex-X1", 2995))
LAUNCHES = (2, 4, 8)  # of the three sizes
ROUNDS = 5
# What a report may take.
MOST_TIMES_PARSING, MOST_MORE_S = 3.0, 3.0
MOST_FOR_TWICE = 2.2
MOST_MEMORY, MOST_HTML = 1_000_000_000, 5_000_000
MOST_SCRIPTING_S, MOST_PAINT_S = 1.0, 1.0
LAYERS = 36  # by default; at the limit 100

_PARSE = """
import json, pathlib, sys, time
began = time.process_time()
for path in pathlib.Path(sys.argv[1]).glob("devices/*/records.jsonl"):
    for line in path.read_bytes().splitlines():
        json.loads(line)
print(time.process_time() - began)
"""


@dataclass(frozen=True)
class Figures:
    """What one report took. ``parse_s``: json.loads of its lines.

    In a browser, None where none was there: ``scripting_s``, and ``paint_s`` until the first content was painted.
    """

    samples: int
    seconds: float
    parse_s: float
    memory: int  # bytes, at most
    html: int  # bytes
    scripting_s: float | None
    paint_s: float | None = None

    @property
    def line(self) -> str:
        """The row of the table."""
        scripting, paint = ("-" if s is None else f"{s:.2f}" for s in (self.scripting_s, self.paint_s))
        return (
            f"{self.samples:>8} {self.seconds:>8.2f} {self.parse_s:>8.2f} {self.seconds / self.parse_s:>7.1f} "
            f"{self.memory / 1e6:>7.0f} {self.html / 1e6:>8.2f} {scripting:>10} {paint:>6}"
        )


def layers(count: int = LAYERS) -> list[dict[str, Any]]:
    """Layers of distinct shapes: of 36, 12 larger, 4 of 1x1 stride 2, 15 of 1x1 stride 1, 5 grouped."""
    larger = [synthetic.layer(f"net_a-conv{n}_3x3", 7 + 4 * n, 3, 32, 64) for n in range(count // 3)]
    strided = [synthetic.layer(f"net_a-proj{n}_1x1s2", 14 + 14 * n, 1, 64, 128, stride=2) for n in range(count // 9)]
    grouped = [synthetic.layer(f"net_c-dw{n}_3x3", 14 + 7 * n, 3, 64, 64, groups=64) for n in range(count // 7)]
    rest = range(count - len(larger) - len(strided) - len(grouped))
    pointwise = [synthetic.layer(f"net_b-expand{n}_1x1", 7 + 3 * n, 1, 64, 256) for n in rest]
    return larger + strided + pointwise + grouped


def make(path: Path, launches: int, faces: bool, count: int = LAYERS) -> int:
    """Makes a run directory; returns its number of samples."""
    phones = [
        synthetic.Phone(f"phone-{n}", f"Phone {n}", f"SERIAL{n}", clusters=CLUSTERS, caps=True, faces=faces)
        for n in range(PHONES)
    ]
    synthetic.make_run(path, phones, layers(count), launches, ROUNDS)
    return sum(file.read_bytes().count(b'"sample"') for file in path.glob("devices/*/records.jsonl"))


def measured(path: Path, samples: int) -> Figures:
    """Runs the report and the parser on a run directory. Raises InfrastructureError where the report fails."""
    parse_s = min(float(_output([sys.executable, "-c", _PARSE, str(path)])) for _ in range(3))
    with subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "report", str(path)], stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (ExitCode.DONE, ExitCode.TOO_LITTLE_DATA):
        raise InfrastructureError(f"harness report ended with {process.returncode}", "what it said stands above")
    html = path / "report.html"
    seconds = usage.ru_utime + usage.ru_stime
    memory, size = usage.ru_maxrss * 1024, html.stat().st_size
    return Figures(samples, seconds, parse_s, memory, size, scripting(html), painting(html))


def scripting(html: Path) -> float | None:
    """Seconds that headless Chromium spends on scripts of the page; None without Chromium or playwright."""

    def spent(page: Page) -> float:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(html.as_uri(), wait_until="load", timeout=120_000)
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return float(metrics["ScriptDuration"])

    return _in_browser(spent)


def painting(html: Path) -> float | None:
    """Seconds until headless Chromium has painted the first content of the page; None as for ``scripting``."""

    def painted(page: Page) -> float:
        page.goto(html.as_uri(), wait_until="load", timeout=120_000)
        return float(page.evaluate(_PAINTED)) / 1000

    return _in_browser(painted)


_PAINTED = """() => new Promise(told => new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (each.name == 'first-contentful-paint') told(each.startTime);
}).observe({type: 'paint', buffered: true}))"""


def _in_browser(look: Callable[[Page], float]) -> float | None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  of the tests' tools
    except ImportError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = look(browser.new_page())
        browser.close()
    return found


def shortfalls(found: Sequence[Figures]) -> list[str]:
    """Where a report took more than it may; ``found`` by rising number of samples."""
    texts: list[str] = []
    for each in found:
        limits = (
            ("seconds", each.seconds, MOST_TIMES_PARSING * each.parse_s + MOST_MORE_S),
            ("MB of memory", each.memory / 1e6, MOST_MEMORY / 1e6),
            ("MB of HTML", each.html / 1e6, MOST_HTML / 1e6),
            ("seconds of scripting", each.scripting_s or 0.0, MOST_SCRIPTING_S),
            ("seconds to the first paint", each.paint_s or 0.0, MOST_PAINT_S),
        )
        texts += [
            f"{each.samples} samples: {value:.2f} {what}, at most {most:.2f}"
            for what, value, most in limits
            if value > most
        ]
    for fewer, more in itertools.pairwise(found):
        for_twice = twice(fewer, more)
        if for_twice > MOST_FOR_TWICE:
            texts.append(f"{fewer.samples} to {more.samples} samples: twice take {for_twice:.2f} times as long")
    return texts


def twice(fewer: Figures, more: Figures) -> float:
    """How many times as long a report of twice the samples takes, by two reports of any two sizes."""
    return float(2 ** (math.log(more.seconds / fewer.seconds) / math.log(more.samples / fewer.samples)))


def _output(argv: Sequence[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def command(
    faces: Annotated[bool, typer.Option("--faces", help="Face best beside published: 2.3 times the rows.")] = False,
    launches: Annotated[
        str, typer.Option("--launches", metavar="N,M,...", help="Launches of each size, from the smallest.")
    ] = ",".join(map(str, LAUNCHES)),
    count: Annotated[int, typer.Option("--layers", metavar="N", min=9, help="How many layers.")] = LAYERS,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Leave the run directories there.")] = None,
) -> None:
    """`harness report` on 5 phones x 3 clusters: time, memory, size of the page. About a minute, of 100 layers three.

    Exit 1 where a report takes more than 3 times json.loads of its lines and 3 s, 1 GB, 5 MB of HTML, 1 s of
    scripting or 1 s to the first paint, or twice the samples more than 2.2 times the time.
    """
    try:
        sizes = sorted(int(each) for each in launches.split(","))
    except ValueError:
        raise typer.BadParameter(f"--launches {launches}: numbers like 2,4,8 are wanted") from None
    found: list[Figures] = []
    heads = ("seconds", 8), ("parsing", 8), ("times", 7), ("mem MB", 7), ("html MB", 8), ("scripting", 10), ("paint", 6)
    print(f"{'samples':>8}", *(f"{name:>{width}}" for name, width in heads))
    with tempfile.TemporaryDirectory() as folder:
        for launched in sizes:
            path = (keep or Path(folder)) / f"launches-{launched}"
            if path.exists():
                shutil.rmtree(path)
            found.append(measured(path, make(path, launched, faces, count)))
            print(found[-1].line, flush=True)
    texts = shortfalls(found)
    for text in texts:
        print(f"FALLS SHORT  {text}")
    if found[-1].scripting_s is None:
        print("scripting and paint not measured: needs chromium, and playwright (make setup-test)")
    raise typer.Exit(ExitCode.WRONG_RESULT if texts else ExitCode.DONE)


if __name__ == "__main__":
    start(command)
