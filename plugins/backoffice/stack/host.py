"""What a host must not do with memory, where plaintext and keys are: write it to a disk in the clear (P7)."""

from __future__ import annotations

import os
from pathlib import Path

from backoffice.errors import StackError

__all__ = ["refuse_swap", "swap_in_the_clear"]

_TOLD = "BACKOFFICE_HOST_ENCRYPTS_SWAP"


def refuse_swap() -> None:
    """See that no memory is swapped to a disk in the clear, or that somebody has said so.

    :raises StackError: swap is on, and nothing shows that it is encrypted.
    """
    found = swap_in_the_clear()
    if found and os.environ.get(_TOLD) != "1":
        raise StackError(
            f"Swap is on, and nothing shows that it is encrypted: {', '.join(found)}. Memory with clients' data and keys "
            "would be written there.",
            hint=f"`swapoff -a`, or encrypt it (dm-crypt is seen by itself), or say that the host does: {_TOLD}=1",
        )


def swap_in_the_clear(swaps: Path = Path("/proc/swaps"), sys: Path = Path("/sys")) -> list[str]:
    """Swap areas that are not known to be encrypted, nor compressed memory (zram) without a disk behind it."""
    try:
        lines = swaps.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return []  # a kernel without swap
    found = [line.split() for line in lines if line.strip()]
    return [fields[0] for fields in found if not _is_safe(_device(fields[0], fields[1], sys), sys)]


def _device(name: str, kind: str, sys: Path) -> Path | None:
    """Where the kernel tells about the device that an area lies on; None: it cannot be known."""
    path = Path(name.replace("\\040", " "))
    try:
        if kind == "file":
            number = path.stat().st_dev
            place = sys / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
        else:
            place = sys / "class" / "block" / path.resolve().name
        return place.resolve(strict=True)
    except OSError:
        return None


def _is_safe(device: Path | None, sys: Path) -> bool:
    if device is None:
        return False
    if device.name.startswith("zram"):
        return _read(device / "backing_dev") in ("", "none")
    if _read(device / "dm" / "uuid").startswith("CRYPT-"):
        return True
    try:  # a logical volume is as safe as all of what it lies on
        below = [(sys / "class" / "block" / one.name).resolve() for one in (device / "slaves").iterdir()]
    except OSError:
        return False
    return bool(below) and all(_is_safe(one, sys) for one in below)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
