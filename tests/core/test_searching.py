"""Handoffs found by tag, by who holds them, and by words in any spelling."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import Handoff
from service.core.handoffs import open_handoff
from service.core.records import HandoffRecord, Note
from service.core.searching import MOST_CHARACTERS, Wanted, fits, pattern, search_line
from tests.support.shop import CUSTOMER, DUE, NOON, turn


def record(*lines: str, tags: tuple[str, ...] = (), assignee: str | None = None, **more: object) -> HandoffRecord:
    opened = open_handoff("h1", Handoff("asked"), turn(*lines), customer=CUSTOMER, knowledge="v1", now=NOON, due_at=DUE)
    return msgspec.structs.replace(opened, tags=tags, assignee=assignee, **more)


def found(wanted: Wanted, handoff: HandoffRecord) -> bool:
    return fits(search_line(handoff), pattern(wanted))


@pytest.mark.parametrize(
    "words",
    [
        "カット",
        "ｶｯﾄ",
        "かっと",
        "CUT",
        "ｃｕｔ",
        "はるか カット",
        "カット　ハルカ",
        "田中",
        "はるかさん",
        "折り返し",
        "",
        " ",
    ],
)
def test_words_are_found_in_any_spelling_wherever_they_stand(words: str) -> None:
    handoff = record(
        "明日カットをお願い",
        "Cut please",
        display_name="田中",
        nickname="はるかさん",
        notes=(Note(NOON, "佐藤", "折り返し"),),
    )
    assert found(Wanted(words=words), handoff)


def test_all_words_must_occur() -> None:
    assert not found(Wanted(words="カット カラー"), record("明日カットをお願い"))


def test_a_tag_and_a_name_are_found_whole_only() -> None:
    handoff = record("x", tags=("VIP 会員", "予約"), assignee="佐藤 健")
    assert found(Wanted(tag="予約", assignee="佐藤 健"), handoff)
    assert found(Wanted(tag="VIP 会員"), handoff)
    for wanted in (
        Wanted(tag="VIP"),
        Wanted(tag="会員"),
        Wanted(assignee="佐藤"),
        Wanted(assignee="健"),
        Wanted(words="vip"),
    ):
        assert not found(wanted, handoff), wanted


def test_nobody_s_is_not_somebody_s() -> None:
    assert not found(Wanted(assignee="佐藤"), record("佐藤"))


def test_of_a_long_talk_the_newest_part_is_looked_through() -> None:
    handoff = record("最初の話")
    long = (*handoff.turns, *(msgspec.structs.replace(handoff.turns[0], text="あ" * 900),) * 3)
    newest = msgspec.structs.replace(handoff.turns[0], text="最後の話")
    line = search_line(msgspec.structs.replace(handoff, turns=(*long, newest)))
    assert len(line) <= MOST_CHARACTERS + 10
    assert fits(line, pattern(Wanted(words="最後")))
    assert not fits(line, pattern(Wanted(words="最初")))


TEXT = st.text(max_size=20)


@given(text=TEXT, tag=TEXT, name=TEXT, words=TEXT)
def test_no_text_breaks_a_line_or_a_search(text: str, tag: str, name: str, words: str) -> None:
    line = search_line(record(text, tags=(tag,), assignee=name))
    assert line.count("\n") == 2
    for wanted in (Wanted(words=words), Wanted(tag=tag), Wanted(assignee=name), Wanted(words=text)):
        fits(line, pattern(wanted))
    assert fits(line, pattern(Wanted(words=text))), "what was written is found"
