"""The sample shop in faq/: what a new owner sees first has to be right."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.adapters.faqfiles import read_sources
from service.adapters.faqfolder import FaqFolder
from service.core.contents import read_contents
from service.core.entries import Entry, words_of
from service.core.folder import read_folder
from service.core.normalize import normalize
from service.core.placeholders import fill
from service.core.words import asks_for_person, is_courtesy

FOLDER = Path(__file__).parent.parent / "faq"
TEXTS = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.md"))}
ENTRIES = read_folder(TEXTS).entries
SHOP = read_contents(read_sources(FOLDER)).shop
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])


def test_the_folder_reads_without_any_problem() -> None:
    assert not read_folder(TEXTS).problems


def test_the_shops_own_files_read_without_any_problem_and_agree_with_the_entries() -> None:
    contents = read_contents(read_sources(FOLDER))
    assert contents.problems == ()
    assert contents.shop.name == "ヘアサロン すみれ"


def test_the_folder_is_served_whole() -> None:
    folder = FaqFolder(FOLDER)
    assert folder.load() == []
    assert (
        folder.current.starters
        == folder.current.shop.starters
        == (
            *("hours", "booking-new", "menu"),
            *("hours-en", "booking-en", "price-en"),
        )
    )


def test_it_shows_every_kind_of_entry() -> None:
    assert len(ENTRIES) >= 45
    to_staff = {"booking-new", "booking-check", "booking-en", "lost", "recruiting", "complaint", "reaction"}
    assert {entry.id for entry in ENTRIES if entry.action == "handoff"} == to_staff
    assert {entry.id for entry in ENTRIES if entry.action == "suggest"} == {"template-booked", "template-full"}
    assert {entry.id for entry in ENTRIES if entry.match == "keyword"} == {"coupon", "wifi", "instagram"}
    assert {entry.id for entry in ENTRIES if entry.quiet} == {"coupon", "wifi", "instagram"}
    assert {entry.id for entry in ENTRIES if entry.urgent} == {"reaction"}
    assert {entry.id for entry in ENTRIES if entry.ask} == {"booking-new", "booking-check", "booking-en", "lost"}
    assert {entry.id for entry in ENTRIES if entry.valid_until} == {"new-year"}
    assert sum(entry.lang == "en" for entry in ENTRIES) == 6


@each_entry
def test_every_entry_has_four_to_ten_phrasings(entry: Entry) -> None:
    least = 1 if entry.action == "suggest" else 4
    assert least <= len(entry.phrasings) <= 10


@each_entry
def test_no_phrasing_is_lost_as_a_repetition(entry: Entry) -> None:
    section = re.split(r"^## ", TEXTS[entry.file], flags=re.MULTILINE)
    (own,) = [part for part in section if f"{{#{entry.id}}}" in part]
    assert len(entry.phrasings) == own.count("\n> -")


@each_entry
def test_every_id_is_written_down(entry: Entry) -> None:
    assert f"{{#{entry.id}}}" in TEXTS[entry.file].splitlines()[entry.line - 1]


@each_entry
def test_no_phrasing_is_taken_for_courtesy_or_for_asking_for_a_person(entry: Entry) -> None:
    texts = (entry.question, *entry.phrasings)
    assert not [text for text in texts if is_courtesy(text) or asks_for_person(text)]


@each_entry
def test_answers_hold_no_marks_and_only_addresses_that_cannot_exist(entry: Entry) -> None:
    now = datetime(2026, 11, 25, 3, tzinfo=UTC)
    answer = "\n".join(
        fill(words_of(bubble), SHOP, now, "en" if entry.lang == "en" else "ja") for bubble in entry.bubbles
    )
    assert answer
    assert not re.search(r"[*|#{}\[\]<>]|\]\(", answer)
    assert set(re.findall(r"https?://([^/\s]+)", answer)) <= {"shop.example"}
    assert normalize(answer)


def test_a_table_of_the_sample_shop_reads_well() -> None:
    (menu,) = [entry for entry in ENTRIES if entry.id == "menu"]
    assert "カット　料金 4,400円／時間の目安 60分\n前髪カット　料金 1,100円／時間の目安 15分" in words_of(
        menu.bubbles[0]
    )
