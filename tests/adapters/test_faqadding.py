"""Additions on disk: written whole, into what is there now, and refused in plain words where nothing can be written."""

import os
import threading
from pathlib import Path

import pytest

from service.adapters.faqadding import FaqAdder
from service.adapters.faqfiles import create, read_sources
from service.core.additions import NEW_FILE, Addition, sight
from service.core.contents import read_contents
from tests.support.faqhouse import FILES, write_files

HOURS = "01-営業案内.md"
PARKING = Addition(entry="parking", question="車で行けますか")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "faq")


def seen(folder: Path, addition: Addition = PARKING) -> Addition:
    entries = {entry.id: entry for entry in read_contents(read_sources(folder)).faq.entries}
    return Addition(entry=addition.entry, seen=sight(entries[addition.entry]), question=addition.question)


def test_a_trial_writes_nothing(folder: Path) -> None:
    assert FaqAdder(folder).add(seen(folder), is_trial=True).status == "done"
    assert (folder / HOURS).read_text(encoding="utf-8") == FILES[HOURS]


def test_permissions_stay_and_nothing_else_is_left_behind(folder: Path) -> None:
    (folder / HOURS).chmod(0o640)
    assert FaqAdder(folder).add(seen(folder), is_trial=False).status == "done"
    assert (folder / HOURS).stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def test_a_folder_whose_files_cannot_be_replaced_is_called_unwritable(folder: Path) -> None:
    # The name leaves no room for that of the file that would take its place: true for root, too.
    (folder / HOURS).rename(folder / f"{'a' * 250}.md")
    assert FaqAdder(folder).add(seen(folder), is_trial=False).status == "unwritable"
    assert (folder / f"{'a' * 250}.md").read_text(encoding="utf-8") == FILES[HOURS]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_called_unwritable(folder: Path) -> None:
    addition = seen(folder)
    folder.chmod(0o555)
    try:
        assert FaqAdder(folder).add(addition, is_trial=False).status == "unwritable"
    finally:
        folder.chmod(0o755)


def test_a_folder_that_is_gone_is_called_unwritable(tmp_path: Path) -> None:
    new = Addition(question="傘は", answer="はい。", file=NEW_FILE)
    assert FaqAdder(tmp_path / "none").add(new, is_trial=False).status == "unwritable"


def test_additions_of_many_workers_at_once_are_all_in_the_file_or_told_to_have_failed(folder: Path) -> None:
    outcomes: dict[str, str] = {}

    def add(words: str) -> None:
        addition = Addition(entry="parking", seen=sight_now, question=words)
        outcomes[words] = FaqAdder(folder).add(addition, is_trial=False).status

    sight_now = seen(folder).seen
    threads = [threading.Thread(target=add, args=(f"車で{number}人で行けますか",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = (folder / HOURS).read_text(encoding="utf-8")
    assert {words for words, status in outcomes.items() if status == "done"} == {
        words for words in outcomes if f"> - {words}\n" in text
    }


def test_a_file_that_somebody_made_meanwhile_is_not_replaced(folder: Path) -> None:
    (folder / "new.md").write_text("## 先に\n", encoding="utf-8")
    assert not create(folder / "new.md", b"mine")
    assert (folder / "new.md").read_text(encoding="utf-8") == "## 先に\n"
