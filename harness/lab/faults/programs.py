"""Faults of programs that Android brings: another script stands in the program's place meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from harness.lab.faults.kind import End, Kind, Site, choice, number
from harness.lab.root import restore_program, substitute_program

_REAL = '/system/lab/{name} "$@"'
_JAVA = (
    "",
    "Exception occurred while executing '{verb}':",
    "java.lang.SecurityException: Permission denial: writing to settings requires "
    "android.permission.WRITE_SECURE_SETTINGS",
    "\tat com.android.providers.settings.SettingsProvider.enforceWritePermission(SettingsProvider.java:2350)",
    "\tat com.android.providers.settings.SettingsProvider.mutateGlobalSetting(SettingsProvider.java:1469)",
    "\tat com.android.providers.settings.SettingsService$MyShellCommand.onCommand(SettingsService.java:261)",
    "\tat com.android.modules.utils.BasicShellCommandHandler.exec(BasicShellCommandHandler.java:97)",
    "\tat android.os.Binder.execTransact(Binder.java:1249)",
)
_STACK = "\n".join(f"print -u2 -r -- '{line}'" for line in _JAVA).replace("'{verb}'", "'\\''put'\\''")
_WARNING = "WARNING: linker: /system/lib64/libx.so: unused DT entry: type 0x6ffffef5"

# What stands in the place of a program. $1 and on are its arguments.
_SCRIPTS = {
    "hang": "exec sleep 600",
    "fails": "print -u2 -r -- 'cmd: Failure calling service {name}: Failed transaction (2147483646)'\nexit 20",
    "empty": "exit 0",
    "noise": f"print -r -- '{_WARNING}'\nexec {_REAL}",
}
# For settings: reading goes on, unless the mode is about reading.
_WRITING = "case $1 in get | list) exec {real} ;; esac\n"
_SETTINGS = {
    "refused": f"{_WRITING}{_STACK}\nexit 255",
    "fails": f"{_WRITING}{_SCRIPTS['fails']}",
    "ignored": f"{_WRITING}exit 0",
    "hang": f"{_WRITING}exec sleep 600",
    "unreadable": f"case $1 in put | delete) exec {{real}} ;; esac\n{_STACK}\nexit 255",
    "noise": _SCRIPTS["noise"],
}


def _replace(names: tuple[str, ...], scripts: dict[str, str], site: Site, mode: str) -> End:
    for name in names:
        text = None
        if mode != "missing":
            real = _REAL.replace("{name}", name)
            text = "#!/system/bin/sh\n" + scripts[mode].replace("{real}", real).replace("{name}", name) + "\n"
        substitute_program(site.root, name, text)

    def end() -> None:
        for name in names:
            restore_program(site.root, name)

    return end


def _of(*names: str, scripts: dict[str, str] = _SCRIPTS) -> Callable[[Site, str], End]:
    return partial(_replace, names, scripts)


def _date(site: Site, seconds: int) -> End:
    text = f'#!/system/bin/sh\nexec toybox date -d @$(($(toybox date +%s) + {seconds})) "$@"\n'
    substitute_program(site.root, "date", text)
    return lambda: restore_program(site.root, "date")


_COMMON = ("missing", *_SCRIPTS)

KINDS: dict[str, Kind[Any]] = {
    "settings": Kind(
        "Changing a setting is refused (exit 255, a Java stack), fails (exit 20), has no effect (ignored) or never "
        "ends; reading is refused (unreadable); noise: a line before the value.",
        choice("missing", *_SETTINGS, default="refused"),
        _of("settings", scripts=_SETTINGS),
    ),
    "dumpsys": Kind("dumpsys is missing, never ends, fails, or says nothing.", choice(*_COMMON), _of("dumpsys")),
    "cmd": Kind("cmd is missing, never ends, fails, or says nothing.", choice(*_COMMON), _of("cmd")),
    "getprop": Kind("getprop is missing, never ends, fails, or says nothing.", choice(*_COMMON), _of("getprop")),
    "df": Kind("df is missing, never ends, fails, or says nothing.", choice(*_COMMON), _of("df")),
    "sha": Kind(
        "sha256sum and md5sum are missing, never end, fail, or say nothing.",
        choice(*_COMMON, default="missing"),
        _of("sha256sum", "md5sum"),
    ),
    "date": Kind(
        "date shows a time that is so many seconds off: -3600 is an hour back.",
        number("SECONDS", -(1 << 30), 1 << 30, default=-3600),
        _date,
    ),
}
