"""The world's telephone numbering plans, compiled from the metadata of Google's libphonenumber (``phonenumbers``).

``phonenumbers`` interprets its metadata anew for each number. Here each region's rules become a few compiled patterns,
once and when first needed; what they answer for a row of plain digits is what ``phonenumbers`` answers, and a test
holds the two together. Everything else (letters, extensions, other digits than 0 to 9) is left to ``phonenumbers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from backoffice.transform.values.automaton import Automaton, Node

__all__ = ["TYPES", "UNUSUAL", "Answer", "Found", "Plan", "international", "plan", "written"]

TYPES = {
    0: "fixed", 1: "mobile", 2: "fixed_or_mobile", 3: "toll_free", 4: "premium_rate", 5: "shared_cost", 6: "voip",
    7: "personal", 8: "pager", 9: "uan", 10: "voicemail",
}  # fmt: skip
"""``phonenumbers.PhoneNumberType`` -> our word for it. In some countries (US, CA, …) numbers do not show which of the
two they are: ``fixed_or_mobile``."""


class Answer(NamedTuple):
    """What is known of a valid number, but for its digits."""

    code: str
    """The country calling code (ITU-T E.164), without a plus."""
    country: str
    """ISO 3166-1 alpha-2; ``001`` where the code belongs to no country."""
    type: str
    """One of :data:`TYPES`."""
    plus: str
    """A plus and the code."""
    extension: str = ""


UNUSUAL = Answer("", "", "", "")
"""The answer: ask ``phonenumbers``."""

Found = tuple[Answer | None, str]
"""An answer (``None``: not valid), and the national significant number."""

# As phonenumbers asks, in its order; the numbers are the types above.
_KINDS = (
    (4, "premium_rate"), (3, "toll_free"), (5, "shared_cost"), (6, "voip"), (7, "personal_number"), (8, "pager"),
    (9, "uan"), (10, "voicemail"),
)  # fmt: skip
_LONGEST = 17
"""Digits of a national number, at most (as in phonenumbers)."""
_BEGIN = 3
"""Digits looked up at once. Every node that is free leads to free ones only."""
_DIGITS = 64
"""More than any input has."""


class Plan:
    """How numbers are dialled and written within one region.

    :param metadata: a ``phonenumbers.PhoneMetadata``.
    """

    def __init__(self, metadata: Any) -> None:
        self.region, self.code = str(metadata.id), str(metadata.country_code)
        abroad = metadata.international_prefix
        self._abroad = re.compile(abroad).match if abroad else None
        self._abroad_literal = abroad if abroad and abroad.isdigit() else ""
        prefix = metadata.national_prefix_for_parsing
        self._prefix = re.compile(prefix).match if prefix else None
        self.prefix_literal: str = prefix if prefix and prefix.isdigit() else ""
        """The prefix for calls within the region, where it is one."""
        self._rule: str | None = metadata.national_prefix_transform_rule or None
        lengths = metadata.general_desc.possible_length
        local = metadata.general_desc.possible_length_local_only
        self._too_long = frozenset(n for n in range(_DIGITS) if n not in local and n > lengths[-1])
        self._possible = self._too_long | {n for n in lengths if n not in local}
        self._calling: _Calling | None = None
        self._general = -1

    @property
    def calling(self) -> _Calling:
        """The country calling code that it shares."""
        if self._calling is None:
            self.belong(_calling(self.code))
        assert self._calling is not None  # noqa: S101 - just set
        return self._calling

    def belong(self, calling: _Calling) -> None:
        """Say which country calling code it shares."""
        self._calling, self._general = calling, calling.general[self.region]

    def read(self, digits: str) -> Found:
        """A number as it is dialled in this region: digits only, 5 to 63 of them."""
        if self._abroad_literal:
            end = len(self._abroad_literal) if digits.startswith(self._abroad_literal) else 0
        else:
            abroad = self._abroad(digits) if self._abroad else None
            end = abroad.end() if abroad else 0
        if end and digits[end : end + 1] != "0":
            return international(digits[end:])
        if digits.startswith(self.code):  # the country calling code, without a plus?
            rest = self._stripped(digits[len(self.code) :])
            if len(digits) in self._too_long or (self._fits(rest) and not self._fits(digits)):
                return self.calling.read(rest)
        return self.national(digits)

    def national(self, digits: str) -> Found:
        """Without the prefix for calls within the region, if what remains can be a number."""
        look = (self._calling or self.calling).look
        if self.prefix_literal:  # most regions; in this order most numbers are looked at once
            if not digits.startswith(self.prefix_literal):
                return look(digits)[0], digits
            rest = digits[len(self.prefix_literal) :]
            answer, matching = look(rest)
            if self._general in matching and len(rest) in self._possible:
                return answer, rest
        stripped = self._stripped(digits)
        number = stripped if len(stripped) in self._possible else digits
        return look(number)[0], number

    def _stripped(self, digits: str) -> str:
        if self.prefix_literal:
            if not digits.startswith(self.prefix_literal):
                return digits
            rest = digits[len(self.prefix_literal) :]
        else:
            found = self._prefix(digits) if self._prefix and digits else None
            if found is None:
                return digits
            rest = digits[found.end() :]
            if self._rule is not None and found.groups() and found.groups()[-1] is not None:
                rest = found.expand(self._rule) + rest
        return digits if not self._fits(rest) and self._fits(digits) else rest

    def _fits(self, digits: str) -> bool:
        """Whether digits fit the general pattern of the region."""
        calling = self._calling or self.calling
        return self._general in calling.look(digits)[1]


_Look = tuple[Answer | None, frozenset[int]]
"""The answer, and the numbers of the patterns that match."""


class _Calling:
    """A country calling code, and the regions that share it."""

    def __init__(self, code: str, regions: list[Any]) -> None:
        self.code, self._regions = code, regions
        self.main = Plan(regions[0])
        self._patterns: dict[tuple[str, bool], int] = {}
        for metadata in regions:
            for desc in _descriptions(metadata):
                if desc.national_number_pattern:
                    self._number(desc.national_number_pattern)
            if metadata.leading_digits:
                self._number(metadata.leading_digits, beginning=True)
        self.general = {str(one.id): self._number(one.general_desc.national_number_pattern) for one in regions}
        self.main.belong(self)
        self._root = Automaton(list(self._patterns)).root
        self._begun: dict[str, Node] = {}
        self._answers: dict[tuple[str, int], Answer] = {}

    def read(self, digits: str) -> Found:
        """A number of the code's main region, that may begin with the prefix for calls within it."""
        return self.main.national(digits)

    def look(self, number: str) -> _Look:
        """Hold a national number against every pattern at once."""
        begin = number[:_BEGIN]
        node = self._begun.get(begin)
        if node is None:
            node = self._begun[begin] = self._walked(begin)
        if not node.free:
            for digit in number[_BEGIN:]:
                node = node[digit]
                if node.free:
                    break
        known = node.known.get(len(number))
        if known is None:
            accepts = self._walked(number).accepts
            known = node.known[len(number)] = (self._answer(accepts, len(number)), accepts)
        return known

    def _walked(self, digits: str) -> Node:
        node = self._root
        for digit in digits:
            node = node[digit]
        return node

    def _number(self, pattern: str, *, beginning: bool = False) -> int:
        return self._patterns.setdefault((pattern, beginning), len(self._patterns))

    def _answer(self, matching: frozenset[int], length: int) -> Answer | None:
        """Region and type as phonenumbers finds them. A region with leading digits takes every number that begins with
        them, valid or not."""
        if not 2 <= length <= _LONGEST:
            return None
        for metadata in self._regions:
            shared = len(self._regions) > 1 and metadata.leading_digits
            if shared and self._patterns[metadata.leading_digits, True] not in matching:
                continue
            kind = self._type(metadata, matching, length)
            if kind is not None:
                return self._answered(str(metadata.id), kind)
            if shared:
                return None
        return None

    def _answered(self, region: str, kind: int) -> Answer:
        if (region, kind) not in self._answers:
            self._answers[region, kind] = Answer(self.code, region, TYPES[kind], f"+{self.code}")
        return self._answers[region, kind]

    def _type(self, metadata: Any, matching: frozenset[int], length: int) -> int | None:
        def matches(desc: Any) -> bool:
            if desc is None or not desc.national_number_pattern:
                return False
            possible = not desc.possible_length or length in desc.possible_length
            return possible and self._patterns[desc.national_number_pattern, False] in matching

        if not matches(metadata.general_desc):
            return None
        for kind, name in _KINDS:
            if matches(getattr(metadata, name)):
                return kind
        same = metadata.same_mobile_and_fixed_line_pattern
        if matches(metadata.fixed_line):
            return 2 if same or matches(metadata.mobile) else 0
        return 1 if not same and matches(metadata.mobile) else None


def _descriptions(metadata: Any) -> list[Any]:
    names = ("general_desc", "fixed_line", "mobile", *(name for _, name in _KINDS))
    return [desc for name in names if (desc := getattr(metadata, name)) is not None]


def _full(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern).fullmatch


def international(digits: str) -> Found:
    """A number that begins with a country calling code, without the plus."""
    calling = _CALLING.get(digits[:2]) or _CALLING.get(digits[:3]) or _CALLING.get(digits[:1])
    if calling is None:
        code = next((digits[:length] for length in (1, 2, 3) if digits[:length] in _codes()), None)
        if code is None:
            return UNUSUAL, digits
        calling = _calling(code)
    rest = digits[len(calling.code) :]
    if len(rest) < 2:
        return None, rest
    prefix = calling.main.prefix_literal
    if prefix and not rest.startswith(prefix):  # as in `national`, one call less
        return calling.look(rest)[0], rest
    return calling.main.national(rest)


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
