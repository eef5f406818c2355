"""Reading one YAML file of ours, keeping where everything stands.

The files are plain data: mappings, lists and scalars. Anchors and aliases (which can grow a small file into gigabytes),
tags, several documents in one file and duplicate keys are mistakes. Scalars follow YAML 1.2's core schema, not 1.1's:
``NO`` is the country code of Norway and not "false", ``on`` is a word, and dates stay text until a model reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from backoffice.contract.mistakes import Mistake, Place, refuse
from backoffice.errors import ContractError

__all__ = ["Document", "Loc", "read"]

Loc = tuple[str | int, ...]
"""The way to a value: keys of mappings and indices of lists."""

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Document:
    """One file: its data, its lines, and the place of every key and value."""

    path: Path
    content: bytes
    lines: tuple[str, ...]
    data: Any
    values: dict[Loc, Place] = field(repr=False)
    keys: dict[Loc, Place] = field(repr=False)

    def place(self, loc: Loc, *, key: bool = False) -> Place:
        """Where ``loc`` stands: its value, or its key. Of something that is not there: its nearest holder's key."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while loc:
            found = first.get(loc) or second.get(loc)
            if found is not None:
                return found
            loc, first, second = loc[:-1], self.keys, self.values
        return Place(1, 1, 1)

    def mistake(self, loc: Loc, message: str, *, hint: str = "", key: bool = False) -> Mistake:
        """A mistake at ``loc``."""
        return self.mistake_at(self.place(loc, key=key), message, hint=hint)

    def mistake_at(self, place: Place, message: str, *, hint: str = "") -> Mistake:
        """A mistake at a place."""
        return Mistake.at(self.path, self.lines, place, message, hint=hint)


def read(path: Path) -> Document:
    """Read ``path`` as a mapping.

    :raises ContractError: the file is missing, unreadable, not UTF-8, or not the plain YAML described above.
    """
    content = _bytes(path)
    text = _text(path, content)
    lines = tuple(_LINE_BREAK.split(text))
    builder = _Builder(path, lines)
    fault: Mistake | None = None
    data: Any = None
    try:
        data = builder.build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        fault = _syntax(path, lines, error)
    except _StopError as stop:
        fault = stop.mistake
    if fault is not None:
        refuse([*builder.mistakes, fault])
    if builder.mistakes:
        refuse(builder.mistakes)
    if not isinstance(data, dict):
        what = "is empty" if data is None else "must be a mapping: lines of `key: value`"
        refuse([Mistake.at(path, lines, Place(1, 1, 1), f"The file {what}.")])
    return Document(path, content, lines, data, builder.values, builder.keys)


def _bytes(path: Path) -> bytes:
    reason, content = "", b""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        reason = "does not exist"
    except IsADirectoryError:
        reason = "is a folder"
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    if reason:
        raise ContractError(f"{path} {reason}.", hint="Check the path.")
    if len(content) > MAX_BYTES:
        raise ContractError(f"{path} is larger than {MAX_BYTES // 1024} KiB.", hint="This is no SOW or DPA.")
    return content


def _text(path: Path, content: bytes) -> str:
    bad, text = -1, ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        before = content[:bad].decode("utf-8", "replace")
        lines = tuple(_LINE_BREAK.split(content.decode("utf-8", "replace")))
        refuse([Mistake.at(path, lines, _end(before), "The file is not UTF-8 from here on.", hint="Save it as UTF-8.")])
    found = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]", text)
    if found:
        lines = tuple(_LINE_BREAK.split(text))
        message = f"A control character (U+{ord(found.group()):04X}) stands here."
        refuse([Mistake.at(path, lines, _end(text[: found.start()]), message, hint="Delete it.")])
    return text


def _end(before: str) -> Place:
    parts = _LINE_BREAK.split(before)
    return Place(len(parts), len(parts[-1]) + 1, 1)


def _syntax(path: Path, lines: tuple[str, ...], error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1, 1) if mark else Place(1, 1, 1)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        place = Place(place.line, indent.index("\t") + 1, 1)
        return Mistake.at(path, lines, place, "A tab indents this line.", hint="YAML indents with spaces only.")
    reason = " ".join(part for part in (error.context, error.problem) if part)
    hint = "Is a quote, a bracket or a colon missing, here or just above?"
    return Mistake.at(path, lines, place, f"This is not YAML: {reason}.", hint=hint)


class _StopError(Exception):
    """Reading cannot go on."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


class _Builder:
    """Builds data from parser events. Depth is bounded, so a file cannot exhaust the stack."""

    def __init__(self, path: Path, lines: tuple[str, ...]) -> None:
        self.path, self.lines = path, lines
        self.values: dict[Loc, Place] = {}
        self.keys: dict[Loc, Place] = {}
        self.mistakes: list[Mistake] = []

    def build(self, events: Iterator[Any]) -> Any:
        documents = 0
        data: Any = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "A second document starts here.", "One file holds one document: delete `---`.")
                data = self._value(events, next(events), ())
        return data

    def _value(self, events: Iterator[Any], event: Any, loc: Loc) -> Any:
        if len(loc) > MAX_DEPTH:
            self._stop(event, f"More than {MAX_DEPTH} levels are nested here.", "No SOW or DPA needs that.")
        self._plain(event)
        self.values[loc] = self._place(event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                items.append(self._value(events, item, (*loc, len(items))))
            return items
        return self._mapping(events, loc)

    def _mapping(self, events: Iterator[Any], loc: Loc) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            self._plain(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(event, "A key must be a word.", "Is a quote missing around `{…}` or `[…]`?")
            key, place = event.value, self._place(event)
            if key in mapping:
                before = self.keys[(*loc, key)]
                message = f"`{key}` is here twice; it was given on line {before.line} already."
                self.mistakes.append(Mistake.at(self.path, self.lines, place, message, hint="Keep one of the two."))
                kept = {table: dict(getattr(self, table)) for table in ("values", "keys")}
                self._value(events, next(events), (*loc, key))
                self.values, self.keys = kept["values"], kept["keys"]
                continue
            self.keys[(*loc, key)] = place
            mapping[key] = self._value(events, next(events), (*loc, key))
        return mapping

    def _plain(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._stop(
                event, "Anchors (`&`) and aliases (`*`) are not used here.", "Write it out; quote a leading sign."
            )
        if getattr(event, "tag", None) is not None:
            self._stop(event, "Tags (`!`) are not used here.", "Quote the value if it begins with an exclamation mark.")

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return Place(start.line + 1, start.column + 1, max(1, width))

    def _stop(self, event: Any, message: str, hint: str) -> None:
        raise _StopError(Mistake.at(self.path, self.lines, self._place(event), message, hint=hint))


def _scalar(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema. A number with a leading zero is text: postcodes and phone numbers."""
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if re.match(r"[-+]?0[0-9]", text):
        return text
    if _INT.fullmatch(text):
        return int(text) if len(text) < 19 else text
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
