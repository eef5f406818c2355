"""One thing is made while the one before is in use: in order, no further ahead, and with its errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from backoffice.ahead import ahead


def test_order_and_number_are_the_same():
    assert list(ahead(range(1000))) == list(range(1000))
    assert list(ahead([])) == []
    assert list(ahead([None, False, 0])) == [None, False, 0]


def test_the_next_is_made_while_one_is_in_use_and_no_more():
    made: list[int] = []
    second = threading.Event()

    def things() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    with closing(ahead(things())) as coming:
        assert next(coming) == 0
        assert second.wait(10), "the next one is made by itself"
        assert made == [0, 1]


def test_what_goes_wrong_is_raised_where_it_is_asked_for():
    def things() -> Iterator[int]:
        yield 1
        raise ValueError("wrong")

    coming = ahead(things())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="wrong"):
        next(coming)


def test_closing_waits_for_what_is_being_made_and_leaves_no_thread():
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def things() -> Iterator[int]:
        yield 1
        begun.set()
        go_on.wait(10)
        ended.set()
        yield 2

    before = threading.active_count()
    coming = ahead(things())
    assert next(coming) == 1
    assert begun.wait(10)
    threading.Timer(0.2, go_on.set).start()
    coming.close()
    assert ended.is_set()
    assert threading.active_count() <= before + 1  # the timer may still be ending
