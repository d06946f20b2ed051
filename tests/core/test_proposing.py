"""Proposed phrasings: what is worth proposing, how it is written into a file, and that nothing uses it unaccepted."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.faq import fix_text, read_file
from service.core.folder import read_folder
from service.core.normalize import normalize
from service.core.proposing import Dropped, insert, may_leave, screen, siblings
from service.core.ranking import build_index
from tests.support.shop import ENTRIES

BY_ID = {each.id: each for each in ENTRIES}
INDEX = build_index(ENTRIES)
FILE = """---
タグ: 営業案内
---

# 案内

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか
> - 今日やってる?

10時からです。

## 駐車場はありますか {#parking}
ございません。

## 支払い {#pay}

カードが使えます。
"""


def taken() -> set[str]:
    return {normalize(text) for each in ENTRIES for text in (each.question, *each.phrasings)}


def kept(entry_id: str, *phrases: str) -> tuple[str, ...]:
    return screen(BY_ID[entry_id], phrases, INDEX, taken()).kept


def why(entry_id: str, phrase: str) -> Dropped:
    (dropped,) = screen(BY_ID[entry_id], [phrase], INDEX, taken()).dropped
    return dropped


def test_a_new_way_to_ask_for_the_entry_is_kept() -> None:
    assert kept("parking", "駐車場あります？", "P ある", "くるま停めれますか") == (
        "駐車場あります？",
        "P ある",
        "くるま停めれますか",
    )


@pytest.mark.parametrize(
    "text",
    ["- 駐車場あります？", "> - 駐車場あります？", "1. 駐車場あります？", "・駐車場あります？", "? 駐車場あります？"],
)
def test_marks_of_a_list_are_taken_off(text: str) -> None:
    assert kept("parking", text) == ("駐車場あります？",)


def test_what_stands_there_or_was_proposed_already_is_dropped() -> None:
    assert why("parking", "車停められる？！") == Dropped("車停められる？！", "repeated")
    assert why("parking", "カットいくら") == Dropped("カットいくら", "repeated")
    assert kept("parking", "駐車場あります？", "駐車場、あります") == ("駐車場あります？",)


def test_what_another_entry_would_get_is_dropped_and_named() -> None:
    assert why("color", "髪を切る値段を教えて") == Dropped("髪を切る値段を教えて", "elsewhere", "cut")


def test_what_could_be_either_of_two_entries_is_dropped() -> None:
    dropped = why("cut", "料金はいくらですか")
    assert (dropped.why in {"too_close", "elsewhere"}, dropped.entry) == (True, "color")


@pytest.mark.parametrize(
    "text", ["", "？", "。。。", "長" * 101, "<!-- 駐車場", "`駐車場`", "{phone}は", "駐車場\nあり", "駐車\0場"]
)
def test_what_is_no_phrasing_is_dropped(text: str) -> None:
    assert why("parking", text).why == "unusable"


def test_private_and_keyword_entries_never_leave() -> None:
    assert may_leave(BY_ID["hours"])
    assert may_leave(BY_ID["complaint"])
    assert not may_leave(BY_ID["coupon"])
    assert not may_leave(msgspec.structs.replace(BY_ID["hours"], private=True))
    assert not may_leave(msgspec.structs.replace(BY_ID["hours"], action="off"))


def test_the_nearest_other_entries_are_named_but_no_private_one() -> None:
    assert siblings(BY_ID["cut"], BY_ID, INDEX)[0] == BY_ID["color"].question
    private = {**BY_ID, "color": msgspec.structs.replace(BY_ID["color"], private=True)}
    assert BY_ID["color"].question not in siblings(BY_ID["cut"], private, INDEX)


PROPOSALS = {"hours": ("なんじまで", "何時閉店？"), "parking": ("P ある",), "pay": ("カード可？",)}
WRITTEN = """---
タグ: 営業案内
---

# 案内

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか
> - 今日やってる?
> - ? なんじまで
> - ? 何時閉店？

10時からです。

## 駐車場はありますか {#parking}

> - ? P ある

ございません。

## 支払い {#pay}

> - ? カード可？

カードが使えます。
"""


def test_proposals_stand_under_the_phrasings_of_their_entry() -> None:
    assert insert("a.md", FILE, PROPOSALS) == WRITTEN


def test_proposals_are_not_read_as_phrasings_and_change_no_entry() -> None:
    before, after = (read_file("a.md", text) for text in (FILE, WRITTEN))
    assert [each.phrasings for each in after.entries] == [each.phrasings for each in before.entries]
    assert after.proposals == PROPOSALS
    assert not before.proposals


def test_the_check_says_how_many_wait_and_where() -> None:
    problems = [problem for problem in read_folder({"a.md": WRITTEN}).problems if "proposed" in problem.en]
    assert [(problem.line, problem.severity) for problem in problems] == [
        (11, "warning"),
        (18, "warning"),
        (24, "warning"),
    ]
    assert "確認待ちの言い回しの案が2件" in problems[0].ja


def test_deleting_the_mark_accepts_a_proposal() -> None:
    (hours, *_) = read_file("a.md", WRITTEN.replace("> - ? なんじまで", "> - なんじまで")).entries
    assert hours.phrasings[-1] == "なんじまで"


@pytest.mark.parametrize(
    "line", ["> ? なんじまで", ">？なんじまで", "> - ？　なんじまで", "＞・? なんじまで", ">- ?なんじまで"]
)
def test_a_proposal_may_be_typed_in_any_width(line: str) -> None:
    file = read_file("a.md", f"## 営業時間 {{#hours}}\n\n> - 何時\n{line}\n\n10時。\n")
    assert file.proposals == {"hours": ("なんじまで",)}
    assert file.entries[0].phrasings == ("何時",)


def test_a_question_mark_at_the_end_or_alone_is_no_proposal() -> None:
    file = read_file("a.md", "## 営業時間 {#hours}\n\n> - 今日やってる?\n> - ？\n\n10時。\n")
    assert not file.proposals
    assert file.entries[0].phrasings == ("今日やってる?",)


def test_mending_leaves_proposals_as_they_are() -> None:
    assert fix_text(WRITTEN) == WRITTEN


def test_writing_the_same_again_changes_nothing() -> None:
    assert insert("a.md", WRITTEN, PROPOSALS) == WRITTEN


def test_accepted_ones_are_not_proposed_again() -> None:
    accepted = WRITTEN.replace("> - ? ", "> - ")
    assert insert("a.md", accepted, PROPOSALS) == accepted


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_other_character_stays_as_it_stands(end: str, mark: str) -> None:
    text = mark + FILE.replace("\n", end)
    after = insert("a.md", text, PROPOSALS)
    assert after == mark + WRITTEN.replace("\n", end)


def test_a_file_without_an_end_of_line_is_fine() -> None:
    text = "---\n扱い: スタッフ\n---\n## 予約したい {#book}"
    assert insert("a.md", text, {"book": ("予約お願い",)}) == f"{text}\n\n> - ? 予約お願い"


def test_nothing_is_written_into_a_comment() -> None:
    text = "## 営業時間 {#hours}\n\n> - 何時 <!-- あとで\n直す -->\n\n10時。\n"
    assert insert("a.md", text, {"hours": ("なんじまで",)}) is None


texts = st.text(st.sampled_from("## >＞-?？\n\r{}#a何時。<!->`"), max_size=60)


@given(texts, st.lists(st.sampled_from(["なんじ", "P ある", "カード可？"]), max_size=3))
def test_whatever_stands_in_a_file_nothing_is_lost(text: str, phrases: list[str]) -> None:
    ids = {each.id: tuple(phrases) for each in read_file("a.md", text).entries}
    after = insert("a.md", text, ids)
    if after is not None:
        rest = iter(after)
        assert all(char in rest for char in text)
        before, again = read_file("a.md", text), read_file("a.md", after)
        assert [each.phrasings for each in again.entries] == [each.phrasings for each in before.entries]
        assert insert("a.md", after, ids) == after


def test_an_entry_that_is_proposed_for_must_be_in_the_file() -> None:
    assert insert("a.md", FILE, {"elsewhere": ("なにか",)}) == FILE
    assert insert("a.md", FILE, {}) == FILE
