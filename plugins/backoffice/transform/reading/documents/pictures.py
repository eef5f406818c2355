"""Pictures of pages: PNG, JPEG, and TIFF with as many pages as it has. Only the child calls this."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backoffice.errors import DropRejected

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["drawn", "opened", "pages_of"]

_MOST_PIXELS = 100_000_000
"""Of one picture: an A4 page at 1,000 dots per inch."""
_ENOUGH_PIXELS = 40_000_000
_DPI = 300


def opened(descriptor: int, kind: str) -> Image.Image:
    """An open file as a picture; nothing of it is unpacked yet.

    :param kind: ``png``, ``jpg`` or ``tif``.
    :raises DropRejected: ``format``.
    """
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and holds before anything is unpacked
    warnings.simplefilter("ignore")
    picture = None
    try:
        file = open(descriptor, "rb", closefd=False)  # noqa: SIM115 - a descriptor, open as long as the picture
        picture = Image.open(file, formats=[{"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}[kind]])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001, S110 - whatever the file makes of the library
        pass
    if picture is None:
        raise DropRejected("format", "It is damaged, or no picture.", hint="Scan it again, or send a PDF.")
    return picture


def pages_of(picture: Image.Image) -> int:
    """How many pages it has; a TIFF may have several, and is walked through for it."""
    return getattr(picture, "n_frames", 1)


def drawn(picture: Image.Image) -> Iterator[tuple[bytes, int, int, int, int]]:
    """Each page in grey, upright: its bytes, width, height, bytes of a line, and dots per inch.

    :raises DropRejected: ``too-large``, before the page is unpacked.
    """
    from PIL import ImageOps

    for number in range(pages_of(picture)):
        picture.seek(number)
        pixels = picture.width * picture.height
        if pixels > _MOST_PIXELS:
            message = f"A picture has {pixels:,} dots; {_MOST_PIXELS:,} can be read."
            raise DropRejected("too-large", message, hint="Scan it at 300 dots per inch.")
        said = picture.info.get("dpi", (_DPI, _DPI))[0]
        dpi = int(said) if 70 <= float(said or 0) <= 2400 else _DPI
        page = _upright(picture)
        if pixels > _ENOUGH_PIXELS:
            share = (_ENOUGH_PIXELS / pixels) ** 0.5
            page, dpi = page.resize((int(page.width * share), int(page.height * share))), int(dpi * share)
        page = ImageOps.exif_transpose(page)
        yield page.tobytes(), page.width, page.height, page.width, dpi


def _upright(picture: Image.Image) -> Image.Image:
    """In grey, on white where it is transparent."""
    from PIL import Image

    exif = picture.getexif()
    if picture.mode in ("LA", "RGBA", "PA") or "transparency" in picture.info:
        over = picture.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        ground.alpha_composite(over)
        grey = ground.convert("L")
    elif picture.mode in ("I", "F", "I;16", "I;16B", "I;16L"):
        grey = picture.convert("F").point(lambda value: value / 257).convert("L")
    else:
        grey = picture.convert("L")
    grey.info["exif"] = exif.tobytes() if exif else b""
    return grey
