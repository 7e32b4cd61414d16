"""Programs that tests start: one table of them and their Debian packages, which all that asks for them goes by."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from benchmarks.aarch64 import tools
from harness.errors import InfrastructureError
from harness.lab import root

pytestmark = pytest.mark.unit

TESTS = Path(__file__).resolve().parents[1]
STARTERS = ("run", "Popen", "check_output", "check_call", "call")
# What tools.sh itself is made of; the answers of apt-get and id are the test's.
UTILITIES = ("bash", "sed", "cut", "find", "mktemp", "uname", "touch", "rm", "dirname", "sort")

Packages = Mapping[tuple[str, ...], str]
ToolsScript = Callable[..., list[str]]


@pytest.fixture
def tools_script(tmp_path: Path, need_tool: Callable[[str], str], tool_packages: Packages) -> ToolsScript:
    """``tools_script("mksh", ...)``: what tools.sh installs, as root, where no program is there but those."""

    def run(*present: str) -> list[str]:
        programs = tmp_path / "bin"
        shutil.rmtree(programs, ignore_errors=True)
        programs.mkdir()
        for name in UTILITIES:
            (programs / name).symlink_to(shutil.which(name) or name)
        log = tmp_path / "log"
        log.write_text("")
        scripts = dict.fromkeys(present, "") | {"id": "echo 0", "apt-get": f'echo "$@" >>{log}'}
        for name, text in scripts.items():
            (programs / name).unlink(missing_ok=True)
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        command = [need_tool("bash"), str(TESTS / "tools.sh")]
        done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        asked = {word for line in log.read_text().splitlines() if line.startswith("install") for word in line.split()}
        return sorted(asked & set(tool_packages.values()))  # fonts and clang's runtime are not programs

    return run


def test_a_bare_system_gets_every_package(tools_script: ToolsScript, tool_packages: Packages) -> None:
    wanted = {package for programs, package in tool_packages.items() if not set(programs) & set(UTILITIES)}
    assert set(tools_script()) == wanted


def test_a_program_does_not_stand_for_one_of_another_name(tools_script: ToolsScript, tool_packages: Packages) -> None:
    """qemu-x86_64-static is there where qemu-aarch64, which takes plugins, is not."""
    for programs, package in tool_packages.items():
        others = [name for other in tool_packages if other != programs for name in other]
        if not set(programs) & set(UTILITIES):
            assert tools_script(*others) == [package]


def test_any_of_the_alternatives_will_do(tools_script: ToolsScript, tool_packages: Packages) -> None:
    assert tools_script(*(programs[-1] for programs in tool_packages)) == []


def started_programs(tree: ast.AST) -> Iterator[str]:
    """Programs that a module starts by a bare name, in the list itself or by way of a variable."""
    lists: dict[str, ast.List] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            lists |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTERS:
            if ast.unparse(node.func.value) != "subprocess" or not node.args:
                continue
            argv = node.args[0]
            found = lists.get(argv.id) if isinstance(argv, ast.Name) else argv
            first = found.elts[0] if isinstance(found, ast.List) else None
            if isinstance(first, ast.Constant):
                yield str(first.value)


def test_programs_started_by_name_are_seen() -> None:
    tree = ast.parse("a = ['git', 'x']\nsubprocess.run(a)\nsubprocess.Popen(['sh'])\nsubprocess.run([need('make')])")
    assert list(started_programs(tree)) == ["git", "sh"]


def test_every_program_is_asked_for_by_the_table(tool_packages: Packages) -> None:
    known = {name for programs in tool_packages for name in programs}
    for file in TESTS.rglob("*.py"):
        text = file.read_text()
        assert set(re.findall(r"""need_tool\(["']([^"']+)["']\)""", text)) <= known, file
        assert not list(started_programs(ast.parse(text))), f"{file} starts a program without need_tool"
        if file not in (TESTS / "conftest.py", Path(__file__)):
            assert "shutil.which(" not in text, f"{file} looks for a program without need_tool"


def test_the_lab_names_the_same_packages(tool_packages: Packages) -> None:
    wanted = {tool_packages[name,] for name in (*root.TOOLS, *root.EMULATORS.values())}
    assert set(root.APT_LINE.removeprefix("apt-get install -y ").split()) == wanted


def test_the_plugin_s_emulator_comes_from_the_same_package(
    tool_packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InfrastructureError, match="qemu-aarch64 is missing") as caught:
        tools.plugin_qemu()
    assert caught.value.remedy == f"apt-get install {tool_packages['qemu-aarch64',]}"
