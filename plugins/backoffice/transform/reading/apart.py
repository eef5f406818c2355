"""Both ends of reading in a process apart: what the child says, and what is made of its silence.

The child writes messages to its standard output: a line of JSON, then as many bytes as that line says. Cells travel by
column, in pieces. A refusal is a message too; where not even that can be written, an exit code or a signal is the answer.
Light: the children import it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any

from backoffice.child import confine, limit
from backoffice.errors import DropRejected, EngineError

if TYPE_CHECKING:
    from backoffice.child import Child

__all__ = ["CPU_SECONDS", "MEMORY", "Answers", "Said", "refuse_if_it_failed", "serve"]

MEMORY = 1536 << 20
"""Bytes that a child may take. A sheet of 1,048,576 rows and ten columns takes about 1 GB."""
CPU_SECONDS = 180

_NO_MEMORY, _UNREADABLE, _PROTECTED = 20, 21, 22


class Answers:
    """In the child: where it writes what it found."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def say(self, buffers: Iterable[bytes] = (), /, **said: Any) -> None:
        """One message."""
        self._out.write(json.dumps(said).encode() + b"\n")
        for one in buffers:
            self._out.write(one)


def serve(
    read: Callable[[dict[str, Any], Answers], None],
    *,
    memory: int = MEMORY,
    cpu_seconds: int = CPU_SECONDS,
    protected: Callable[[BaseException], bool] = lambda error: type(error).__name__ == "PasswordError",
) -> None:
    """In the child: carry out one order; never returns.

    :param read: reads as the order says, and answers; may raise whatever it likes. ``written`` in the order: bytes that it
        may write into a file.
    :param memory: bytes that it may take.
    :param cpu_seconds: of processor time.
    :param protected: whether an error means a password; never by words that may be a cell's.
    """
    confine()
    order = json.loads(sys.stdin.buffer.read())
    limit(memory=memory, cpu_seconds=cpu_seconds, written=order.get("written", 0))
    gc.disable()  # millions of cells, none in a cycle
    code = 0
    out = os.fdopen(1, "wb", buffering=1 << 20, closefd=False)
    try:
        answers = Answers(out)
        try:
            read(order, answers)
            answers.say(done=True)
        except DropRejected as refused:
            answers.say(refused=[refused.code, refused.message, refused.hint])
        out.flush()
    except MemoryError:
        code = _NO_MEMORY
    except BaseException as error:  # noqa: BLE001 - a panic of native code too; its words may be cells
        code = _PROTECTED if protected(error) else _UNREADABLE
    os._exit(code)


class Said:
    """In the parent: what the child says, message by message. Where it breaks off, ``fault`` is set."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.fault = False
        self.refused: list[str] | None = None
        self.line: dict[str, Any] = {}

    def next_line(self) -> dict[str, Any]:
        """The next message; nothing after a fault."""
        if self.fault:
            return {}
        text = self._stream.readline()
        self.line = json.loads(text) if text.endswith(b"\n") else {}
        self.refused = self.line.get("refused")
        self.fault = not self.line or self.refused is not None
        return self.line

    def buffer(self, size: int) -> bytes:
        """The bytes that a message has announced."""
        found = self._stream.read(size)
        self.fault = self.fault or len(found) < size
        return found


_LARGE = "Is there a cell far below or beside the table? Delete the empty rows and columns, or send CSV."
_SLOW = "Send it in parts, or as CSV."
_DAMAGED = "Open it in the program that it comes from and save it again."


def refuse_if_it_failed(
    child: Child, said: Said, what: str, *, large: str = _LARGE, slow: str = _SLOW, damaged: str = _DAMAGED
) -> None:
    """At the end: raise what the child refused, or what its death means.

    :param what: was read, in words for the client.
    :param large: what to do where it takes too much memory.
    :param slow: what to do where it takes too long.
    :param damaged: what to do where it cannot be read.
    """
    if not said.fault:
        said.next_line()
    if said.refused:
        kind, message, hint = said.refused
        raise DropRejected(kind, message, hint=hint)
    if said.line.get("done"):
        return
    code = child.ended()
    if code == _PROTECTED:
        raise DropRejected("protected", f"The {what} is protected with a password.", hint="Send it without one.")
    if code in (_NO_MEMORY, -signal.SIGABRT, -signal.SIGKILL):  # native code aborts where memory ends
        raise DropRejected("too-large", f"The {what} takes more memory than reading may use.", hint=large)
    if code in (-signal.SIGXCPU, -signal.SIGALRM):
        raise DropRejected("too-large", f"The {what} takes too long to read.", hint=slow)
    if code in (_UNREADABLE, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGTRAP, -signal.SIGFPE):
        raise DropRejected("format", f"The {what} is damaged, or not what its format says.", hint=damaged)
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    raise EngineError(f"The process that reads the {what} ended with {ended}.", hint="It was not judged: try again.")
