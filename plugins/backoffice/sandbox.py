"""What a child may ask of the kernel: nothing of the network, of other processes, of files but the code that it runs.

Whoever takes over a parser with a file of theirs has its process, and none of the keys beside it. Two means of Linux, open to
any user, and for good: seccomp(2) answers calls with "not permitted"; Landlock(7) opens files below the given places alone, and
for reading. What a child was given as open descriptors it may open again.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterable

__all__ = ["CALLS", "forbid_calls", "has_landlock", "read_only_below", "where_code_lies"]

CALLS: dict[str, tuple[int, int]] = {
    # The network: also the ways around these calls.
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    # Other programs and processes.
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    # The kernel itself: what no parser needs, and where its own faults have been.
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_by_handle_at": (304, 265), "kexec_load": (246, 104),
    "init_module": (175, 105), "finit_module": (313, 273),
}  # fmt: skip
"""The calls that are refused: their numbers on x86-64 and on AArch64 (asm/unistd_64.h, asm-generic/unistd.h)."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Which of the numbers, and what the kernel calls the machine (linux/audit.h)."""
_SECCOMP = (317, 277)
_LANDLOCK = 444  # create_ruleset; add_rule and restrict_self follow: the same everywhere

_LOAD, _EQUAL, _AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # linux/seccomp.h; 1 is EPERM
_OTHER_ABI = 0x40000000  # x32 numbers the same calls anew

_WRITE, _READ, _LIST, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14  # linux/landlock.h
_OF_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All that Landlock knows of files, by its version."""
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/stat", "/sys/devices/system/cpu", "/dev/null", "/dev/zero", "/dev/urandom",
)  # fmt: skip


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("place", ctypes.c_int32))


def forbid_calls() -> None:
    """Refuse :data:`CALLS` from here on, in every thread and every process that this one makes.

    :raises OSError: the kernel knows no such filter, or the machine is none that we know the calls of.
    """
    if os.uname().machine not in _MACHINES:
        raise OSError(f"no list of system calls for {os.uname().machine}")
    column, machine = _MACHINES[os.uname().machine]
    numbers = sorted({numbers[column] for numbers in CALLS.values()})
    refuse = len(numbers) + 1  # as many lines further, from the first of them: over the rest, and over "allow"
    asked = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, machine),
        (_ANSWER, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, refuse, 0, _OTHER_ABI),
        *((_EQUAL, refuse - at, 0, number) for at, number in enumerate(numbers, start=1)),
        (_ANSWER, 0, 0, _ALLOW),
        (_ANSWER, 0, 0, _REFUSE),
    ]
    instructions = (_Instruction * len(asked))(*(_Instruction(*one) for one in asked))
    program = _Program(len(asked), instructions)
    _call(_SECCOMP[column], 1, 1, ctypes.byref(program))  # SECCOMP_SET_MODE_FILTER, for all threads


def has_landlock() -> bool:
    """Whether this kernel can keep a process to some files."""
    return _landlock_version() > 0


def read_only_below(places: Iterable[str]) -> None:
    """Open no file any more but below these, and for reading; connect to nothing. Without Landlock, nothing is done."""
    version = _landlock_version()
    if not version:
        return
    of_files = _OF_FILES[max(known for known in _OF_FILES if known <= version)]
    wanted = (ctypes.c_uint64 * 3)(of_files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    rules = _call(_LANDLOCK, ctypes.byref(wanted), 8 * (3 if version >= 6 else 2 if version >= 4 else 1), 0)
    try:
        for place in {os.path.realpath(one) for one in places}:
            _allow(rules, place, _READ | (_LIST if os.path.isdir(place) else 0))  # noqa: PTH112 - every child imports this
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names
            _allow(rules, f"/proc/self/fd/{name}", (_READ | _WRITE | _TRUNCATE) & of_files)
        _call(_LANDLOCK + 2, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, place: str, rights: int) -> None:
    try:
        found = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # there is none here
        return
    try:
        _call(_LANDLOCK + 1, rules, 1, ctypes.byref(_Beneath(rights, found)), 0)
    except OSError as error:  # a pipe or a file in memory needs no rule, and no other descriptor is asked for
        if error.errno not in (errno.EBADFD, errno.EINVAL):
            raise
    finally:
        os.close(found)


def where_code_lies() -> set[str]:
    """What a process of ours has to read as it goes on: Python, the modules, the libraries of the system."""
    return {*_SYSTEM, sys.base_prefix, sys.prefix, *filter(None, sys.path)}


def _landlock_version() -> int:
    try:
        return _call(_LANDLOCK, None, 0, 1)
    except OSError:  # not in this kernel, not switched on, or refused by a container's own filter
        return 0


def _call(number: int, *arguments: object) -> int:
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(ctypes.c_long(number), *given)
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return answer
