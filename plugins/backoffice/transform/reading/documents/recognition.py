"""Text recognition (Tesseract): a picture to words with their places and how sure each is. Only the child calls this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backoffice.transform.reading.documents.page import Word

__all__ = ["Picture", "Recognition"]

Picture = tuple[bytes, int, int, int, int]
"""Bytes (grey), width, height, bytes of a line, dots per inch."""
_SURE_ENOUGH = 0.6
"""Of a page's signs, on average: measured on letters, lists and invoices, 0.91 to 0.97 upright and 0.24 to 0.43 turned."""


class Recognition:
    """Reads pictures in some languages; what it has to know of them is loaded with the first.

    :param folder: where the language packs (``deu.traineddata``, …) are.
    :param languages: the main one first.
    """

    def __init__(self, folder: str, languages: list[str]) -> None:
        self._folder, self._languages = folder, languages
        self._engine: Any = None

    def read(self, picture: Picture) -> list[Word]:
        """The words of a page; their places are those of the page once it is upright.

        A page that lies on its side or stands on its head is turned, and read again: it shows in words that are hardly
        sure (under a half, where upright ones are at 0.9), or in lines that run up or down. What no turning makes surer stays
        as it lies.
        """
        words, lies = self._words(picture)
        sure = _sureness(words)
        if words and not lies and sure >= _SURE_ENOUGH:
            return words
        best = (0.0 if lies else _weight(words), words)
        for quarters in (1, 3) if lies or not words else (2, 1, 3):
            words, lies = self._words(_turned(picture, quarters))
            if not lies and _weight(words) > best[0]:
                best = (_weight(words), words)
                if _sureness(words) >= _SURE_ENOUGH:
                    break
        return best[1]

    def _words(self, picture: Picture) -> tuple[list[Word], bool]:
        """The words of a picture as it lies, and whether most of them run up or down."""
        import tesserocr

        if self._engine is None:
            self._engine = tesserocr.PyTessBaseAPI(
                path=self._folder, lang="+".join(self._languages), psm=tesserocr.PSM.AUTO
            )
        content, width, height, stride, dpi = picture
        self._engine.SetImageBytes(content, width, height, 1, stride)
        self._engine.SetSourceResolution(dpi)
        self._engine.Recognize()
        words: list[Word] = []
        across = 0
        found = self._engine.GetIterator()
        if found is not None:
            level = tesserocr.RIL.WORD
            for one in tesserocr.iterate_level(found, level):
                if one.Empty(level):
                    continue
                text, box = one.GetUTF8Text(level).strip(), one.BoundingBox(level)
                if text and box is not None:
                    left, top, right, bottom = map(float, box)
                    words.append(Word(text, left, top, right, bottom, max(0.0, min(1.0, one.Confidence(level) / 100))))
                    across += one.Orientation()[1] != tesserocr.WritingDirection.TOP_TO_BOTTOM
        self._engine.Clear()
        return words, across * 2 < len(words)


def _weight(words: Sequence[Word]) -> float:
    """Signs that were told, each as far as it is sure."""
    return sum(len(word.text) * word.sure for word in words)


def _sureness(words: Sequence[Word]) -> float:
    return _weight(words) / max(1, sum(len(word.text) for word in words))


def _turned(picture: Picture, quarters: int) -> Picture:
    """The picture, turned to the left by so many quarters."""
    from PIL import Image

    content, width, height, stride, dpi = picture
    how = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}[quarters]
    turned = Image.frombuffer("L", (width, height), content, "raw", "L", stride, 1).transpose(how)
    return turned.tobytes(), turned.width, turned.height, turned.width, dpi
