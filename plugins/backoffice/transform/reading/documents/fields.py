"""Finding the agreed fields in a document's pages: beside a label, below one, or by their form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from backoffice.transform.reading.documents.page import Line, Page, Word, runs_of

__all__ = ["Found", "find_field", "labels_in"]

_AFTER_LABEL = " \t:;.=#"
_FAR = 4.0
"""A value below its label is at most so many times the label's height away."""


class Found(NamedTuple):
    """A value, and how sure its reading is: the least sure of its words."""

    text: str
    sure: float


def find_field(pages: Sequence[Page], rule: dict[str, Any]) -> Found | None:
    """The value of a field; ``None``: it is not there.

    :param rule: a ``DocumentField`` of the contract, as plain data.
    """
    looked = pages if rule["pages"] == "all" else pages[:1] if rule["pages"] == "first" else pages[-1:]
    pattern = _compiled(rule["pattern"])
    last = rule["which"] == "last"
    if not (rule["right_of"] or rule["below"]):
        return _one(_by_form(looked, pattern), last=last)
    for label in rule["right_of"]:
        found = _one(_right_of(looked, label, pattern), last=last)
        if found is not None:
            return found
    for label in rule["below"]:
        found = _one(_below(looked, label, pattern, rule["lines"]), last=last)
        if found is not None:
            return found
    return None


def labels_in(line: Line, label: str) -> Iterator[tuple[int, int]]:
    """Where a label stands in a line: as whole words, whatever their case."""
    wanted = " ".join(label.casefold().split()).rstrip(":").rstrip()
    begin = line.folded.find(wanted)
    while begin >= 0:
        end = begin + len(wanted)
        if not (_joins(line.folded, begin - 1, wanted[0]) or _joins(line.folded, end, wanted[-1])):
            yield begin, end
        begin = line.folded.find(wanted, begin + 1)


def _joins(text: str, place: int, beside: str) -> bool:
    return 0 <= place < len(text) and text[place].isalnum() and beside.isalnum()


def _one(found: Iterator[Found], *, last: bool) -> Found | None:
    if not last:
        return next(found, None)
    kept = None
    for one in found:
        kept = one
    return kept


def _compiled(pattern: str | None) -> Any:
    """RE2: it takes time that grows with the text, whatever the pattern and whatever the text."""
    if pattern is None:
        return None
    import re2

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _by_form(pages: Sequence[Page], pattern: Any) -> Iterator[Found]:
    for page in pages:
        yield from _matches(pattern, page.lines)


def _matches(pattern: Any, lines: Sequence[Line]) -> Iterator[Found]:
    """Every place of some lines where a pattern matches."""
    text = "\n".join(line.text for line in lines)
    for match in pattern.finditer(text):
        group = 1 if pattern.groups else 0
        value = (match.group(group) or "").strip()
        if value:
            begin, end = match.span(group)
            words: list[Word] = []
            place = 0
            for line in lines:
                if place < end and place + len(line.text) > begin:
                    words += line.words_in(begin - place, end - place)
                place += len(line.text) + 1
            yield _found(value, words)


def _found(text: str, words: Sequence[Word]) -> Found:
    return Found(text, min((word.sure for word in words), default=1.0))


def _right_of(pages: Sequence[Page], label: str, pattern: Any) -> Iterator[Found]:
    for page in pages:
        for line in page.lines:
            for _, end in labels_in(line, label):
                start = end + len(line.text[end:]) - len(line.text[end:].lstrip(_AFTER_LABEL))
                rest = line.text[start:]
                if pattern is not None:
                    found = _first_in(pattern, line, start)
                elif rest.strip():
                    found = _up_to_a_gap(line, start)
                else:
                    found = None
                if found is not None:
                    yield found


def _first_in(pattern: Any, line: Line, start: int) -> Found | None:
    match = pattern.search(line.text[start:])
    group = 1 if pattern.groups else 0
    if match is None or not (match.group(group) or "").strip():
        return None
    begin, end = match.span(group)
    return _found(match.group(group).strip(), line.words_in(start + begin, start + end))


def _up_to_a_gap(line: Line, start: int) -> Found | None:
    words = line.words_in(start, len(line.text))
    if not words:
        return None
    run = runs_of(words, line.height)[0]
    text = run.text
    inside = start - line.starts[line.words.index(words[0])]
    if inside > 0:  # the label ends within the word: `No.:4711`
        text = text[inside:]
    text = text.strip()
    return _found(text, run.words) if text else None


def _below(pages: Sequence[Page], label: str, pattern: Any, count: int) -> Iterator[Found]:
    for page in pages:
        for index, line in enumerate(page.lines):
            for begin, end in labels_in(line, label):
                block = _block(page.lines[index + 1 :], line, line.words_in(begin, end), count)
                if not block:
                    continue
                if pattern is not None:
                    found = next(_matches(pattern, block), None)
                    if found is not None:
                        yield found
                else:
                    words = [word for one in block for word in one.words]
                    yield _found("\n".join(one.text for one in block), words)


def _block(lines: Sequence[Line], label: Line, words: Sequence[Word], count: int) -> list[Line]:
    """What stands below a label, in its column: at most so many lines, and none after a gap."""
    left, right = words[0].left, words[-1].right
    bottom, height = label.bottom, label.height
    found: list[Line] = []
    for line in lines:
        if line.top - bottom > _FAR * height or len(found) == count:
            break
        runs = runs_of(line.words, line.height)
        over = [run for run in runs if run.left < right and run.right > left]
        if not over:  # values set apart from their labels begin where those do
            over = [run for run in runs if abs(run.left - left) <= height]
        if over:
            found.append(Line(over[0].words))
            bottom, height = line.bottom, max(height, line.height)
    return found
