"""What a confined child may not do, tried from within one: each call really made, each file really opened."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any

import pytest

from backoffice.child import Child
from backoffice.sandbox import CALLS, has_landlock

MODULE = """
import ctypes, errno, json, os, socket, sys, threading
from backoffice.child import confine
from backoffice.sandbox import CALLS

def tried(work):
    try:
        work()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def main():
    confine()
    order = json.loads(sys.stdin.buffer.read())
    said = {}
    libc = ctypes.CDLL(None, use_errno=True)
    for name, numbers in CALLS.items():
        ctypes.set_errno(0)
        answer = libc.syscall(ctypes.c_long(numbers[order["column"]]), *([ctypes.c_long(-1)] * 5))
        said[name] = errno.errorcode.get(ctypes.get_errno(), "done") if answer < 0 else "done"
    for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        said[name] = tried(lambda: socket.socket(socket.AF_INET, kind))
    said["local socket"] = tried(lambda: socket.socket(socket.AF_UNIX))
    said["program"] = tried(lambda: os.execv("/bin/true", ["true"]))
    said["in a thread"] = ""
    def other():
        said["in a thread"] = tried(lambda: socket.socket())
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    for name, path, flags in order["files"]:
        said[name] = tried(lambda: os.open(path, flags))
    if os.fork() == 0:
        os._exit(0 if tried(lambda: os.open(order["files"][0][1], os.O_RDONLY)) == "done" else 7)
    said["a child's child"] = os.waitstatus_to_exitcode(os.wait()[1])
    os.write(1, json.dumps(said).encode())
    os._exit(0)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How each attempt ended: ``done``, or the error."""
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "code").mkdir()
    (folder / "code" / "attempts_of_a_child.py").write_text(MODULE)
    secret, given, other = folder / "master.key", folder / "given", folder / "given for reading"
    for file in (secret, given, other):
        file.write_text("content")
    sys.path.append(str(folder / "code"))
    handed, read = os.open(given, os.O_RDWR), os.open(other, os.O_RDONLY)
    files = [
        ("another file", str(secret), os.O_RDONLY),
        ("a new file", str(folder / "new"), os.O_WRONLY | os.O_CREAT),
        ("a new file among the code", str(folder / "code" / "new"), os.O_WRONLY | os.O_CREAT),
        ("a shared memory", "/dev/shm/new", os.O_WRONLY | os.O_CREAT),
        ("another process", f"/proc/{os.getpid()}/environ", os.O_RDONLY),
        ("another's descriptors", f"/proc/{os.getpid()}/fd", os.O_RDONLY),
        ("the system's users", "/etc/passwd", os.O_RDONLY),
        ("the terminal", "/dev/tty", os.O_RDWR),
        ("code", str(folder / "code" / "attempts_of_a_child.py"), os.O_RDONLY),
        ("what it was given", f"/proc/self/fd/{handed}", os.O_RDWR | os.O_TRUNC),
        ("what it was given to read", f"/proc/self/fd/{read}", os.O_RDONLY),
        ("chance", "/dev/urandom", os.O_RDONLY),
    ]
    try:
        order = {"column": ("x86_64", "aarch64").index(platform.machine()), "files": files}
        with Child("attempts_of_a_child", order, descriptors=[handed, read]) as child:
            text = child.answers.read()
            assert child.ended() == 0, text
    finally:
        sys.path.remove(str(folder / "code"))
        os.close(handed)
        os.close(read)
    assert not (folder / "new").exists()
    return json.loads(text)


@pytest.mark.parametrize("call", [*CALLS, "tcp", "udp", "local socket", "program", "in a thread"])
def test_no_network_no_program_no_other_process(said: dict[str, Any], call: str):
    assert said[call] == "EPERM"


landlock = pytest.mark.skipif(
    not has_landlock(), reason="this kernel has no Landlock: children can open what their user can"
)


@landlock
@pytest.mark.parametrize(
    "file",
    [
        "another file",
        "a new file",
        "a new file among the code",
        "a shared memory",
        "another process",
        "another's descriptors",
        "the system's users",
        "the terminal",
    ],
)
def test_no_file_of_others_is_opened(said: dict[str, Any], file: str):
    assert said[file] in ("EACCES", "ENXIO")
    assert said["a child's child"] == 7


@pytest.mark.parametrize("file", ["code", "what it was given", "what it was given to read", "chance"])
def test_code_and_what_it_was_given_are_open_to_it(said: dict[str, Any], file: str):
    assert said[file] == "done"
