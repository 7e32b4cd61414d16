"""What a compiler made of the flags of a build: read back from the compiler itself, file by file."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.toolchain import cmake

COMMANDS = "compile_commands.json"
# Of the compiler proper: level, core, order of instructions, position, stack protector, macros, what else changes code.
_ALONE = re.compile(
    r"-(O\w*|std=.*|pic-is-pie|m(arch|cpu|tune|abi)=.*|f(?!debug|coverage|gnuc|message|error|color|caret|no-spell).*)"
)
_LIBRARY = "indirectconv.dir"  # CMake's folder of its objects
_WITH_VALUE = ("-target-cpu", "-tune-cpu", "-mrelocation-model", "-pic-level", "-stack-protector", "-D")
_JOBS = 2


def read_back(folder: Path) -> dict[str, Any]:
    """The flags that the compiler proper got for the library, by a dry run of each command of a CMake build.

    ``every_file`` are those that all files have, ``further`` maps a file's name to what it has beside them; both are
    empty where the compiler tells nothing.
    """
    try:
        commands = json.loads((folder / COMMANDS).read_text("utf-8"))
    except (OSError, ValueError):
        return {"every_file": [], "further": {}}
    of_library = [entry for entry in commands if _LIBRARY in entry["command"] and entry["file"].endswith(".c")]
    wanted = {Path(entry["file"]).name: entry for entry in of_library}
    alike: dict[str, list[str]] = {}  # file names by the rest of their command: one question for all of them
    for name, entry in wanted.items():
        alike.setdefault(_without_names(entry), []).append(name)
    with ThreadPoolExecutor(_JOBS) as pool:
        answers = list(pool.map(_asked, [wanted[names[0]] for names in alike.values()]))
    told = {name: got for names, got in zip(alike.values(), answers, strict=True) for name in names if got}
    if not told:
        return {"every_file": [], "further": {}}
    common = [flag for flag in next(iter(told.values())) if all(flag in got for got in told.values())]
    further = {name: [flag for flag in got if flag not in common] for name, got in sorted(told.items())}
    return {"every_file": common, "further": {name: more for name, more in further.items() if more}}


def _without_names(entry: dict[str, str]) -> str:
    words = [word for word in shlex.split(entry["command"]) if not word.endswith((".c", ".o", ".d"))]
    return shlex.join(words)


def _asked(entry: dict[str, str]) -> list[str]:
    argv = [*shlex.split(entry["command"]), "-###"]
    try:
        done = subprocess.run(
            argv, cwd=entry["directory"], env=cmake.environment(), capture_output=True, check=False, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return seen(done.stderr.decode("utf-8", "replace"))


def seen(text: str) -> list[str]:
    """The flags of the compiler proper in what ``-###`` printed, without paths; of several levels the last one."""
    line = next((line for line in text.splitlines() if re.search(r'cc1"? ', line)), "")
    try:
        words = shlex.split(line)
    except ValueError:
        return []
    kept: list[str] = []
    for at, word in enumerate(words):
        if word in _WITH_VALUE and at + 1 < len(words):
            kept.append(f"{word} {words[at + 1]}")
        elif words[at - 1] == "-target-feature":  # zig names all that its target lacks, -fp16fml among them
            continue
        elif "/" not in word and _ALONE.fullmatch(word):
            kept.append(word)
    levels = [word for word in kept if re.fullmatch(r"-O[0-9a-z]*", word)]
    dropped = set(levels[:-1]) - set(levels[-1:])
    return list(dict.fromkeys(word for word in kept if word not in dropped))
