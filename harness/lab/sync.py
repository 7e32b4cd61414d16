"""adb's file service: STAT, LIST, SEND and RECV in both versions, as user shell on the phone's own files."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path
from typing import Protocol

from harness.lab.faults.traffic import Traffic, Treatment
from harness.lab.upload import Upload

_REQUEST = struct.Struct("<4sI")
_STAT1 = struct.Struct("<4s3I")
_STAT2 = struct.Struct("<4sI2Q4IQ3q")
_DENT1 = struct.Struct("<4s4I")
_DENT2 = struct.Struct("<4sI2Q4IQ3qI")
_SETUP = struct.Struct("<4s2I")
_WORD = 0xFFFFFFFF
_MAX_PATH = 1024
_MAX_DATA = 1 << 16
_COMPRESSED = 7  # brotli, lz4, zstd: not among our features
_DRY_RUN = 0x80000000


class Pipe(Protocol):
    """What a service needs of a stream."""

    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...


class _Gone(Exception):
    """The host ended the stream in the middle of something."""


class _Reader:
    def __init__(self, stream: Pipe) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self._stream.read()
            if not data:
                raise _Gone
            self._buffer += data
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def serve(stream: Pipe, traffic: Traffic | None = None) -> None:
    """Answers requests until QUIT, a failure that ends the session, or the host's end."""
    traffic = traffic or Traffic()
    reader = _Reader(stream)
    with contextlib.suppress(_Gone):
        while True:
            kind, length = _REQUEST.unpack(reader.take(_REQUEST.size))
            if kind == b"QUIT":
                return
            if length > _MAX_PATH:
                _fail(stream, "path too long")
                return
            path = reader.take(length)
            if not _answer(stream, reader, traffic, kind, path):
                return


def _answer(stream: Pipe, reader: _Reader, traffic: Traffic, kind: bytes, path: bytes) -> bool:
    """Serves one request; False ends the session."""
    if kind == b"STAT":
        stream.write(_stat1(path))
        return True
    if kind in (b"STA2", b"LST2"):
        stream.write(_stat2(kind, path))
        return True
    if kind in (b"LIST", b"LIS2"):
        _list(stream, path, second=kind == b"LIS2")
        return True
    return _transfer(stream, reader, traffic, kind, path)


def _transfer(stream: Pipe, reader: _Reader, traffic: Traffic, kind: bytes, path: bytes) -> bool:
    name, mode, flags = path, 0, 0
    if kind == b"RCV2":
        _, flags = _REQUEST.unpack(reader.take(_REQUEST.size))
    elif kind == b"SND2":
        _, mode, flags = _SETUP.unpack(reader.take(_SETUP.size))
    elif kind == b"SEND":
        name, _, digits = path.rpartition(b",")
        if not digits.isdigit() or not name:
            return _fail(stream, "missing mode")
        mode = int(digits)
    elif kind != b"RECV":
        return _fail(stream, f"unknown command {kind!r}")
    if flags & _COMPRESSED:
        return _fail(stream, f"unsupported flags {flags:#x}")
    verb = "pull" if kind in (b"RECV", b"RCV2") else "push"
    treatment = traffic.command(f"{verb} {os.fsdecode(name)}")
    if not traffic.hang(treatment, lambda: getattr(stream, "is_closed", False)):
        return False
    if verb == "pull":
        return _send_file(stream, name, treatment)
    return _take_file(stream, reader, Upload(Path(os.fsdecode(name)), mode, dry=bool(flags & _DRY_RUN)), treatment)


def _fail(stream: Pipe, reason: str) -> bool:
    text = reason.encode("utf-8", "surrogateescape")
    stream.write(_REQUEST.pack(b"FAIL", len(text)) + text)
    return False


def _stat1(path: bytes) -> bytes:
    try:
        info = os.lstat(path)
    except OSError:
        return _STAT1.pack(b"STAT", 0, 0, 0)
    return _STAT1.pack(b"STAT", info.st_mode, info.st_size & _WORD, int(info.st_mtime) & _WORD)


def _stat2(kind: bytes, path: bytes) -> bytes:
    try:
        file = Path(os.fsdecode(path))
        info = file.lstat() if kind == b"LST2" else file.stat()
    except OSError as error:
        return _STAT2.pack(kind, error.errno or 5, *[0] * 10)
    return _STAT2.pack(kind, 0, *_fields(info))


def _fields(info: os.stat_result) -> tuple[int, ...]:
    return (
        info.st_dev,
        info.st_ino,
        info.st_mode,
        info.st_nlink,
        info.st_uid,
        info.st_gid,
        info.st_size,
        int(info.st_atime),
        int(info.st_mtime),
        int(info.st_ctime),
    )


def _list(stream: Pipe, path: bytes, *, second: bool) -> None:
    folder = Path(os.fsdecode(path))
    try:
        names = [".", "..", *(member.name for member in folder.iterdir())]
    except OSError:
        names = []
    for text in names:
        name = os.fsencode(text)
        try:
            info = (folder / text).lstat()
        except OSError:
            continue
        if second:
            head = _DENT2.pack(b"DNT2", 0, *_fields(info), len(name))
        else:
            head = _DENT1.pack(b"DENT", info.st_mode, info.st_size & _WORD, int(info.st_mtime) & _WORD, len(name))
        stream.write(head + name)
    stream.write(_DENT2.pack(b"DONE", 0, *[0] * 11) if second else _DENT1.pack(b"DONE", 0, 0, 0, 0))


def _send_file(stream: Pipe, path: bytes, treatment: Treatment) -> bool:
    try:
        with Path(os.fsdecode(path)).open("rb", buffering=0) as file:
            while data := file.read(_MAX_DATA):
                data = treatment.stdout(data)
                stream.write(_REQUEST.pack(b"DATA", len(data)) + data)
    except OSError as error:
        return _fail(stream, error.strerror or str(error))
    stream.write(_REQUEST.pack(b"DONE", 0))
    return True


def _take_file(stream: Pipe, reader: _Reader, upload: Upload, treatment: Treatment) -> bool:
    """Stores what the host sends. A failure is told at once; the rest is read and thrown away, so that it arrives."""
    failed = False
    try:
        if treatment.push_reason:
            raise OSError(0, treatment.push_reason)
        upload.open()
    except OSError as error:
        failed = not _fail(stream, f"couldn't create file: {error.strerror}")
    try:
        while True:
            kind, length = _REQUEST.unpack(reader.take(_REQUEST.size))
            if kind == b"DONE":
                break
            if kind != b"DATA" or length > _MAX_DATA:
                return _fail(stream, "invalid data message")
            data = reader.take(length)
            try:
                if not failed:
                    upload.write(treatment.pushed(data))
            except OSError as error:
                upload.abandon()
                failed = not _fail(stream, f"couldn't write file: {error.strerror}")
        if failed:
            return False
        try:
            upload.finish(length)
        except OSError as error:
            return _fail(stream, f"couldn't finish file: {error.strerror}")
    finally:
        upload.close()
    stream.write(_REQUEST.pack(b"OKAY", 0))
    return True
