"""How the commands of this noun end when something is in the way: one clear line, never a traceback.

A traceback would show an author our insides and, of a file's content, perhaps a cell.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from backoffice.discretion import kind_of, line_of
from backoffice.errors import BackofficeError

__all__ = ["Guarded"]

_WHAT_TO_DO = {
    errno.ENOSPC: "The disk is full: make room, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: make room, or choose another folder.",
    errno.EFBIG: "The file would be larger than the system allows.",
    errno.EACCES: "Check who may read and write there.",
    errno.EPERM: "Check who may read and write there.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.ENOENT: "Check the path.",
    errno.EISDIR: "Give a file, not a folder.",
    errno.ENOTDIR: "A part of the path is a file, not a folder.",
    errno.ENAMETOOLONG: "The name is too long.",
}


class Guarded(TyperGroup):
    """A group of commands that never shows a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and hand on what went wrong as an error of ours."""
        fault, hint = "", ""
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
            return found
        except BrokenPipeError:  # `| head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (BackofficeError, typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except OSError as error:
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            fault = f"{where}{error.strerror or kind_of(error)}."
            hint = _WHAT_TO_DO.get(error.errno or 0, "")
            if error.errno == errno.ENOSPC and error.filename is None:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # it may be what is full
        except MemoryError:
            fault, hint = "The machine's memory is used up.", "Try a smaller test file."
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # wrong usage: typer says what
                raise
            fault = f"A fault of ours: {kind_of(error)} at {line_of(error)}."
            hint = "Report it with the SOW; the file is not needed."
        # Raised here, after the block: the error's own text may show cells.
        raise BackofficeError(fault, hint=hint)
