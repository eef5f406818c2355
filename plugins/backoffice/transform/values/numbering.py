"""The world's telephone numbering plans, compiled from the metadata of Google's libphonenumber (``phonenumbers``).

``phonenumbers`` interprets its metadata anew for each number. Here each region's rules become a few compiled patterns,
once and when first needed; what they answer for a row of plain digits is what ``phonenumbers`` answers, and a test
holds the two together. Everything else (letters, extensions, other digits than 0 to 9) is left to ``phonenumbers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from backoffice.transform.values.reach import DIGITS, Reach, first_digits, prefix_lengths, reach

__all__ = ["TYPES", "UNUSUAL", "Answer", "Found", "Plan", "forget", "international", "plan", "written"]

TYPES = {
    0: "fixed", 1: "mobile", 2: "fixed_or_mobile", 3: "toll_free", 4: "premium_rate", 5: "shared_cost", 6: "voip",
    7: "personal", 8: "pager", 9: "uan", 10: "voicemail",
}  # fmt: skip
"""``phonenumbers.PhoneNumberType`` -> our word for it. In some countries (US, CA, …) numbers do not show which of the
two they are: ``fixed_or_mobile``."""


class Answer(NamedTuple):
    """A valid number, and every other of the same length that begins with the same digits.

    The rest of the digits does not matter to any rule, so it is left out: see :class:`_Memo`.
    """

    code: str
    """The country calling code (ITU-T E.164), without a plus."""
    head: str
    """What the national significant number begins with, instead of …"""
    skip: int
    """… so many of the digits."""
    country: str
    """ISO 3166-1 alpha-2; ``001`` where the code belongs to no country."""
    type: str
    """One of :data:`TYPES`."""
    start: str
    """A plus, the code and ``head``."""
    extension: str = ""


UNUSUAL = Answer("", "", 0, "", "", "")
"""The answer: ask ``phonenumbers``."""

Found = tuple[Answer | None, str]
"""An answer (``None``: not valid), and the digits that it is about."""

# As phonenumbers asks, in its order; the numbers are the types above.
_KINDS = (
    (4, "premium_rate"), (3, "toll_free"), (5, "shared_cost"), (6, "voip"), (7, "personal_number"), (8, "pager"),
    (9, "uan"), (10, "voicemail"),
)  # fmt: skip
_LONGEST = 17
"""Digits of a national number, at most (as in phonenumbers)."""
_MEMO = 100_000


class _Memo:
    """Answers by the first digits and the length of a number.

    A plan looks at the length and at the first few digits (trunk prefix, area code, network); what follows is ``\\d{7}``
    to it. So once ``0316 123456`` is answered, so is ``0316 987654``. How many digits matter, ``reach``, is read off the
    plan's patterns.
    """

    def __init__(self, reach: Reach, answer: Callable[[str], tuple[str, str, str, str] | None]) -> None:
        self._reach, self._answer = reach, answer
        self._by_length: list[dict[str, Answer | None]] = [{} for _ in range(DIGITS)]
        _MEMOS.append(self)

    def __call__(self, digits: str) -> Answer | None:
        try:
            return self._by_length[len(digits)][digits[: self._reach[digits[0]]]]
        except KeyError:
            return self._learnt(digits)

    def _learnt(self, digits: str) -> Answer | None:
        reach = self._reach[digits[0]]
        known = self._by_length[len(digits)]
        if len(known) >= _MEMO:
            known.clear()
        found = None
        if valid := self._answer(digits):
            code, number, country, kind = valid
            head = number[: len(number) - len(digits[reach:])]
            found = Answer(code, head, reach, country, kind, f"+{code}{head}")
        known[digits[:reach]] = found
        return found

    def clear(self) -> None:
        """Forget the client's digits."""
        for one in self._by_length:
            one.clear()


_MEMOS: list[_Memo] = []


def forget() -> None:
    """Forget every digit of the client's."""
    for one in _MEMOS:
        one.clear()


class Plan:
    """How numbers are dialled and written within one region.

    :param metadata: a ``phonenumbers.PhoneMetadata``.
    """

    def __init__(self, metadata: Any) -> None:
        self.region, self.code = str(metadata.id), str(metadata.country_code)
        pattern = metadata.general_desc.national_number_pattern
        self._general = _full(pattern) if pattern else _never
        abroad = metadata.international_prefix
        self._abroad = re.compile(abroad).match if abroad else _never
        self._abroad_begins = first_digits(abroad) if abroad else frozenset()
        prefix = metadata.national_prefix_for_parsing
        self._prefix = re.compile(prefix).match if prefix else None
        self._rule: str | None = metadata.national_prefix_transform_rule or None
        lengths = metadata.general_desc.possible_length
        local = metadata.general_desc.possible_length_local_only
        self._too_long = frozenset(n for n in range(DIGITS) if n not in local and n > lengths[-1])
        self._possible = self._too_long | {n for n in lengths if n not in local}
        self.prefix_lengths = prefix_lengths(prefix) if prefix else dict.fromkeys("0123456789", 0)
        self.reach = reach(pattern)[1] if pattern else 0
        self._within: _Memo | None = None
        self._with_code: _Memo | None = None

    def read(self, digits: str) -> Found:
        """A number as it is dialled in this region: digits only, 5 to 63 of them."""
        if digits[0] in self._abroad_begins:
            abroad = self._abroad(digits)
            if abroad is not None and digits[abroad.end() : abroad.end() + 1] != "0":
                return international(digits[abroad.end() :])
        if digits.startswith(self.code):
            if self._with_code is None:
                calling = _calling(self.code)
                far = len(self.code) + max(self.prefix_lengths.values()) + max(calling.reach_within.values())
                self._with_code = _Memo(dict.fromkeys("0123456789", far), self._read_with_code)
            return self._with_code(digits), digits
        if self._within is None:
            own = max(self.reach, _calling(self.code).reach)
            far = {first: length + own for first, length in self.prefix_lengths.items()}
            self._within = _Memo(far, lambda text: _calling(self.code).valid(self.national(text)))
        return self._within(digits), digits

    def _read_with_code(self, digits: str) -> tuple[str, str, str, str] | None:
        """It may begin with the country calling code, without a plus."""
        calling = _calling(self.code)
        rest = self._stripped(digits[len(self.code) :])
        if len(digits) in self._too_long or (self._general(rest) and not self._general(digits)):
            return calling.valid(calling.main.national(rest))
        return calling.valid(self.national(digits))

    def national(self, digits: str) -> str:
        """Without the prefix for calls within the region, if what remains can be a number."""
        stripped = self._stripped(digits)
        return stripped if len(stripped) in self._possible else digits

    def _stripped(self, digits: str) -> str:
        found = self._prefix(digits) if self._prefix and digits else None
        if found is None:
            return digits
        rest = digits[found.end() :]
        if self._rule is not None and found.groups() and found.groups()[-1] is not None:
            rest = found.expand(self._rule) + rest
        if self._general(rest) is None and self._general(digits) is not None:
            return digits
        return rest


class _Calling:
    """A country calling code, and the regions that share it."""

    def __init__(self, code: str, regions: list[Any]) -> None:
        self.code, self._regions = code, regions
        self.main = Plan(regions[0])
        self._by_length: dict[int, tuple[Callable[[str], re.Match[str] | None], dict[int, tuple[str, str]]]] = {}
        self._patterns: dict[str, Callable[[str], re.Match[str] | None]] = {}
        patterns = [one.leading_digits for one in regions]
        for one in regions:
            patterns += [desc.national_number_pattern for desc in _descriptions(one)]
        self.reach = max(reach(pattern)[1] for pattern in patterns if pattern)
        self.reach_within = {first: length + self.reach for first, length in self.main.prefix_lengths.items()}
        """With the prefix for calls within the region."""
        self.answer = _Memo(self.reach_within, lambda digits: self.valid(self.main.national(digits)))

    def valid(self, number: str) -> tuple[str, str, str, str] | None:
        """The code, the number, its region and its type, if it is valid."""
        length = len(number)
        if length not in self._by_length:
            if not 2 <= length <= _LONGEST:
                return None
            self._by_length[length] = self._compiled(length)
        match, labels = self._by_length[length]
        found = match(number)
        label = labels.get(found.lastindex or 0) if found else None
        return (self.code, number, *label) if label else None

    def _compiled(self, length: int) -> tuple[Callable[[str], re.Match[str] | None], dict[int, tuple[str, str]]]:
        """One pattern for all valid numbers of a length; the group that matched says which region and type it is.

        A region with leading digits takes every number that begins with them, valid or not.
        """
        labels: dict[int, tuple[str, str]] = {}
        regions: list[str] = []
        groups = 0
        for metadata in self._regions:
            begins = metadata.leading_digits if len(self._regions) > 1 else None
            ahead = f"(?={begins})" if begins else ""
            groups += re.compile(ahead).groups
            alternatives: list[str] = []
            for pattern, kind in _valid(metadata, length):
                alternatives.append(f"({pattern})")
                labels[groups + 1] = (str(metadata.id), TYPES[kind])
                groups += 1 + re.compile(pattern).groups
            if alternatives:
                general = _ahead(metadata.general_desc.national_number_pattern)
                regions.append(f"{ahead}{general}(?:{'|'.join(alternatives)})")
            if begins:
                regions.append(rf"{ahead}\d*")
        pattern = "|".join(regions)
        if pattern not in self._patterns:
            self._patterns[pattern] = re.compile(pattern).fullmatch if pattern else _never
        return self._patterns[pattern], labels


def _valid(metadata: Any, length: int) -> Iterator[tuple[str, int]]:
    """The patterns of a region's valid numbers of one length, and their types, in the order that they are asked in."""
    if not _has(metadata.general_desc, length):
        return
    for kind, name in _KINDS:
        desc = getattr(metadata, name)
        if _has(desc, length):
            yield desc.national_number_pattern, kind
    fixed, mobile, same = metadata.fixed_line, metadata.mobile, metadata.same_mobile_and_fixed_line_pattern
    if _has(fixed, length):
        if same:
            yield fixed.national_number_pattern, 2
        elif _has(mobile, length):
            yield f"{_ahead(mobile.national_number_pattern)}(?:{fixed.national_number_pattern})", 2
        yield fixed.national_number_pattern, 0
    if _has(mobile, length) and not same:
        yield mobile.national_number_pattern, 1


def _descriptions(metadata: Any) -> list[Any]:
    names = ("general_desc", "fixed_line", "mobile", *(name for _, name in _KINDS))
    return [desc for name in names if (desc := getattr(metadata, name)) is not None]


def _has(desc: Any, length: int) -> bool:
    """Whether numbers of this sort and length can be."""
    if desc is None or not desc.national_number_pattern:
        return False
    return not desc.possible_length or length in desc.possible_length


def _ahead(pattern: str) -> str:
    return rf"(?=(?:{pattern})\Z)"


def _full(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern).fullmatch


def _never(_: str) -> None:
    return None


def international(digits: str) -> Found:
    """A number that begins with a country calling code, without the plus."""
    calling = _CALLING.get(digits[:2]) or _CALLING.get(digits[:3]) or _CALLING.get(digits[:1])
    if calling is None:
        code = next((digits[:length] for length in (1, 2, 3) if digits[:length] in _codes()), None)
        if code is None:
            return UNUSUAL, digits
        calling = _calling(code)
    rest = digits[len(calling.code) :]
    return (calling.answer(rest) if len(rest) > 1 else None), rest


@cache
def plan(region: str) -> Plan | None:
    """A region's plan; ``None``: there is no such region (ISO 3166-1 alpha-2, capitals)."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    return Plan(metadata) if metadata is not None else None


@cache
def _codes() -> frozenset[str]:
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE

    return frozenset(map(str, _COUNTRY_CODE_TO_REGION_CODE))


_CALLING: dict[str, _Calling] = {}


def _calling(code: str) -> _Calling:
    if code not in _CALLING:
        _CALLING[code] = _called(code)
    return _CALLING[code]


def _called(code: str) -> _Calling:
    from phonenumbers import PhoneMetadata
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE

    regions = _COUNTRY_CODE_TO_REGION_CODE[int(code)]
    return _Calling(code, [PhoneMetadata.metadata_for_region_or_calling_code(int(code), one) for one in regions])


def written(code: str, number: str, *, national: bool) -> str:
    """The number as it is written in its country, or with blanks in the international way (ITU-T E.123)."""
    text = number
    for begins, match, template in _formats(code, national=national):
        if (begins is None or begins(number)) and (found := match(number)):
            text = found.expand(template)
            break
    return text if national else f"+{code} {text}"


@cache
def _formats(code: str, *, national: bool) -> list[tuple[Any, Callable[[str], re.Match[str] | None], str]]:
    from phonenumbers import PhoneMetadata
    from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE

    region = _COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    if metadata is None:
        return []
    found = []
    one: Any
    for one in metadata.number_format if national else metadata.intl_number_format or metadata.number_format:
        template = one.format
        if national and one.national_prefix_formatting_rule:
            template = re.sub(r"(\\\d)", one.national_prefix_formatting_rule, template, count=1)
        begins = re.compile(one.leading_digits_pattern[-1]).match if one.leading_digits_pattern else None
        found.append((begins, _full(one.pattern), template))
    return found
