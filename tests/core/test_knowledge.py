"""The snapshot that is answered from."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.entries import Entry
from service.core.knowledge import build_knowledge, version_of
from service.core.texts import Texts
from tests.support.salon import SALON_FILE, read_salon
from tests.support.shop import ENTRIES, entry, make_shop

SHOP = make_shop()


def test_every_entry_is_known_by_its_id() -> None:
    assert dict(SHOP.entries) == {known.id: known for known in ENTRIES}


def test_keywords_are_the_heading_and_the_phrasings_as_compared() -> None:
    assert dict(SHOP.keywords) == {"クーポン": "coupon", "coupon": "coupon"}


def test_keywords_are_matched_to_the_letter_and_never_by_meaning() -> None:
    assert "coupon" not in SHOP.index.ids
    assert set(SHOP.index.ids) == {"hours", "parking", "cut", "color", "complaint"}


def test_drafts_and_what_is_off_are_kept_but_never_found() -> None:
    """A button that was sent while an entry was served may be tapped once it is off."""
    shop = build_knowledge(
        (
            *ENTRIES,
            entry("draft", "下書きの質問", action="suggest"),
            entry("off", "休みの質問", action="off"),
            entry("offword", "合言葉", match="keyword", action="off"),
            entry("draftword", "下書き語", match="keyword", action="suggest"),
        )
    )
    assert {"draft", "off", "offword", "draftword"} <= set(shop.entries)
    assert not {"draft", "off", "offword", "draftword"} & {*shop.index.ids, *shop.keywords.values()}


def test_a_shop_without_entries_knows_nothing() -> None:
    empty = build_knowledge(())
    assert (dict(empty.entries), dict(empty.keywords), empty.rank("駐車場").candidates) == ({}, {}, ())


@given(st.permutations(ENTRIES))
def test_the_version_does_not_depend_on_the_order(entries: list[Entry]) -> None:
    assert version_of(entries) == SHOP.version


def test_the_version_does_not_depend_on_where_an_entry_stands() -> None:
    moved = [msgspec.structs.replace(known, file="moved.md", line=99) for known in ENTRIES]
    assert version_of(moved) == SHOP.version


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"question": "ほかの質問"},
        {"phrasings": ("ほかの言い方",)},
        {"bubbles": ("ほかの答え",)},
        {"bubbles": ("駐車場はありますかの", "答えです。")},
        {"match": "keyword"},
        {"action": "handoff"},
        {"tags": ("営業案内",)},
    ],
    ids=str,
)
def test_the_version_changes_with_whatever_an_entry_says(change: dict[str, object]) -> None:
    parking = msgspec.convert(msgspec.to_builtins(SHOP.entries["parking"]) | change, Entry)
    changed = [parking if known.id == "parking" else known for known in ENTRIES]
    assert version_of(changed) != SHOP.version
    assert version_of(ENTRIES[1:]) != SHOP.version


@pytest.mark.parametrize(
    "change",
    [
        "name: すみれ",
        "phone: 03-1234-5678",
        "hours: {daily: 10-19}",
        "special: {2026-12-30: 10-15}",
        SALON_FILE,
        "closed: [3rd tue]",
        "when_closed: staff_first",
        "max_wrong_answers: 3%",
        "first_reply_target: 2h",
        "synonyms: [[カラー, 染める]]",
        "starters: [hours]",
    ],
)
def test_the_version_changes_with_whatever_the_shop_says(change: str) -> None:
    changed = build_knowledge(ENTRIES, read_salon(f"{change}\n"), before=SHOP)
    assert changed.version != SHOP.version
    assert changed.version == version_of(ENTRIES, changed.shop)
    assert (changed.index is SHOP.index) == ("synonyms" not in change and change is not SALON_FILE)


def test_the_version_does_not_depend_on_the_order_of_the_shops_file() -> None:
    lines = ["name: すみれ", "special: {2026-12-30: 10-15, 2026-12-29: 11-15}"]
    swapped = ["special: {2026-12-29: 11-15, 2026-12-30: 10-15}", "name: すみれ"]
    first, second = (read_salon("\n".join(each)) for each in (lines, swapped))
    assert version_of(ENTRIES, first) == version_of(ENTRIES, second)


def test_the_version_changes_with_the_shops_own_texts() -> None:
    versions = {version_of(ENTRIES, texts=Texts(own)) for own in ({}, {"media.ja": ()}, {"media.ja": ("拝見します",)})}
    assert len(versions) == 3


@pytest.mark.parametrize(
    "change", [{"question": "ほか"}, {"phrasings": ()}, {"match": "keyword"}, {"action": "off"}], ids=str
)
def test_the_index_is_built_again_when_what_it_is_made_of_has_changed(change: dict[str, object]) -> None:
    parking = msgspec.convert(msgspec.to_builtins(SHOP.entries["parking"]) | change, Entry)
    changed = [parking if known.id == "parking" else known for known in ENTRIES]
    assert build_knowledge(changed, before=SHOP).index is not SHOP.index
    answer = [msgspec.structs.replace(known, bubbles=("新しい答え",), tags=("新",)) for known in ENTRIES]
    assert build_knowledge(answer, before=SHOP).index is SHOP.index


def test_starters_are_those_that_are_served_in_the_shops_order() -> None:
    entries = (*ENTRIES, entry("draft", "下書きの質問", action="suggest"))
    salon = read_salon("starters: [complaint, gone, draft, hours, coupon]\n")
    assert build_knowledge(entries, salon).starters == ("complaint", "hours", "coupon")


def test_half_an_emoji_has_a_version_too() -> None:
    assert len(version_of([entry("x", "\ud83d")])) == 12
