"""PDFs: words with their places, and pages as pictures. PDFium is native code; only the child calls this."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backoffice.errors import DropRejected
from backoffice.transform.reading.documents.page import Word

if TYPE_CHECKING:
    import pypdfium2

__all__ = ["draw", "opened", "words_on"]

_MOST_SIGNS = 200_000
"""Of one page. An A4 page in the smallest print has about 15,000."""
_MOST_PIXELS = 40_000_000
"""Of a page that is drawn: A3 at 400 dots per inch. A larger one is drawn more coarsely."""
_COARSEST = 70
_UNREADABLE = {0xFFFD, 0xFFFE, 0xFFFF}


def opened(descriptor: int) -> pypdfium2.PdfDocument:
    """An open file as a document.

    :raises DropRejected: ``protected``, ``format``.
    """
    import pypdfium2
    import pypdfium2.raw as raw

    # By hand: the library's own way looks for a file of that name, and what is in memory has none.
    document = raw.FPDF_LoadDocument(f"/proc/self/fd/{descriptor}".encode(), None)
    if document:
        return pypdfium2.PdfDocument(document)
    fault = raw.FPDF_GetLastError()
    if fault == 4:  # FPDF_ERR_PASSWORD
        raise DropRejected("protected", "It is protected with a password.", hint="Send it without one.")
    if fault == 5:  # FPDF_ERR_SECURITY
        raise DropRejected(
            "protected", "It is encrypted in a way that is not read.", hint="Send it without encryption."
        )
    raise DropRejected("format", "It is damaged, or no PDF.", hint="Open it, print it to a new PDF and send that.")


def words_on(page: pypdfium2.PdfPage) -> list[Word]:
    """The words of a page, wherever they stand. None, where most of its signs have no meaning: it is to be recognised."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        if count > _MOST_SIGNS:
            message = f"A page has {count:,} signs; {_MOST_SIGNS:,} can be read."
            raise DropRejected("too-large", message, hint="Send the document in parts.")
        words = list(_words(textpage.raw, count, _turning(page)))
    finally:
        textpage.close()
    signs = sum(len(word.text) for word in words)
    strange = sum(ord(sign) in _UNREADABLE or 0xE000 <= ord(sign) <= 0xF8FF for word in words for sign in word.text)
    return words if strange * 2 <= signs else []


def _words(textpage: Any, count: int, turned: Any) -> Iterator[Word]:
    """Signs to words: white space ends one, and so does a place that does not follow."""
    import ctypes

    import pypdfium2.raw as raw

    box = raw.FS_RECTF()
    here = ctypes.byref(box)
    box_of = raw.FPDFText_GetLooseCharBox
    signs: list[str] = []
    left = top = right = bottom = 0.0
    for place, sign in _signs(textpage, count, raw.FPDFText_GetUnicode):
        if not sign:  # nothing that is seen
            continue
        blank = sign.isspace() or sign < " "
        known = not blank and box_of(textpage, place, here)
        if known:
            begin, high, end, low = turned(box.left, box.bottom, box.right, box.top)
            height = bottom - top
            follows = -0.6 * height <= begin - right <= 0.35 * height and _level(high, low, top, bottom)
        else:
            begin = high = end = low = 0.0
            follows = not blank
        if signs and not follows:
            yield Word("".join(signs), left, top, right, bottom)
            signs = []
        if blank or not (known or signs):
            continue
        if not signs:
            left, top, right, bottom = begin, high, end, low
        elif known:
            left, right, top, bottom = min(left, begin), max(right, end), min(top, high), max(bottom, low)
        signs.append(sign)
    if signs:
        yield Word("".join(signs), left, top, right, bottom)


def _signs(textpage: Any, count: int, sign_of: Any) -> Iterator[tuple[int, str]]:
    """The signs of a page with their places; those beyond 16 bits come in two halves."""
    high = 0
    for place in range(count):
        code = sign_of(textpage, place)
        if 0xD800 <= code <= 0xDBFF:
            high = code
            continue
        if 0xDC00 <= code <= 0xDFFF:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        if code == 2:  # PDFium's own sign for a hyphen at a line's end
            yield place, "-"
        else:
            yield place, "" if code in (0, 0xAD) else chr(code) if code <= 0x10FFFF else "\ufffd"


def _level(high: float, low: float, top: float, bottom: float) -> bool:
    """Whether two boxes are at the same height."""
    return min(low, bottom) - max(high, top) > 0.3 * min(low - high, bottom - top)


def _turning(page: pypdfium2.PdfPage) -> Any:
    """From a box in the page's own places (from the bottom left) to one as it is looked at (from the top left)."""
    width, height = page.get_size()
    rotation = page.get_rotation()

    def turned(left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        if rotation == 90:
            return bottom, left, top, right
        if rotation == 180:
            return width - right, bottom, width - left, top
        if rotation == 270:
            return width - top, height - right, width - bottom, height - left
        return left, height - top, right, height - bottom

    return turned


def draw(page: pypdfium2.PdfPage, dpi: int) -> tuple[bytes, int, int, int, int]:
    """A page as a picture in grey: its bytes, width, height, bytes of a line, and dots per inch.

    :raises DropRejected: ``too-large``.
    """
    width, height = page.get_size()
    inches = max(width, 1) * max(height, 1) / 72**2
    dpi = min(dpi, int((_MOST_PIXELS / inches) ** 0.5))
    if dpi < _COARSEST:
        raise DropRejected("too-large", "A page is larger than can be drawn.", hint="Send it on sheets of up to A2.")
    scale: Any = dpi / 72
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=True)
    try:
        return bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, dpi
    finally:
        bitmap.close()
