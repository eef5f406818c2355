"""Text recognition (Tesseract): a picture to words with their places and how sure each is. Only the child calls this."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backoffice.transform.reading.documents.page import Word

__all__ = ["Recognition"]


class Recognition:
    """Reads pictures in some languages; what it has to know of them is loaded with the first.

    :param folder: where the language packs (``deu.traineddata``, …) are.
    :param languages: the main one first.
    """

    def __init__(self, folder: str, languages: list[str]) -> None:
        self._folder, self._languages = folder, languages
        self._engine: Any = None

    def read(self, picture: tuple[bytes, int, int, int, int]) -> Iterator[Word]:
        """The words of a picture: its bytes (grey), width, height, bytes of a line, dots per inch."""
        import tesserocr

        if self._engine is None:
            self._engine = tesserocr.PyTessBaseAPI(
                path=self._folder, lang="+".join(self._languages), psm=tesserocr.PSM.AUTO
            )
        content, width, height, stride, dpi = picture
        self._engine.SetImageBytes(content, width, height, 1, stride)
        self._engine.SetSourceResolution(dpi)
        self._engine.Recognize()
        found = self._engine.GetIterator()
        if found is not None:
            level = tesserocr.RIL.WORD
            for one in tesserocr.iterate_level(found, level):
                if one.Empty(level):
                    continue
                text, box = one.GetUTF8Text(level).strip(), one.BoundingBox(level)
                if text and box is not None:
                    left, top, right, bottom = map(float, box)
                    yield Word(text, left, top, right, bottom, max(0.0, min(1.0, one.Confidence(level) / 100)))
        self._engine.Clear()
