"""The FAQ folder on a real disk: what is read, what is said about it, and how edits go live while the service runs."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from service.adapters.faqfiles import read_sources
from service.adapters.faqfolder import FaqFolder
from service.core.entries import Bubble, Problem
from service.errors import KnowledgeError
from tests.support.waiting import cancel, tick

HOURS = "## 営業時間を教えてください {#hours}\n\n> - 何時まで開いていますか\n\n10時から20時までです。\n"
PARKING = "## 駐車場はありますか {#parking}\n\n> - 車で行けますか\n\n店の裏に2台あります。\n"
PNG = b"\x89PNG\r\n\x1a\n"
BROKEN = "# 見出し\n\n## 答えのない質問 {#empty}\n\n> - 答えは\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A folder of two files."""
    folder = tmp_path / "お店の faq"
    (folder / "料金").mkdir(parents=True)
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    (folder / "料金" / "parking.md").write_text(PARKING, encoding="utf-8")
    return folder


@pytest.fixture
def folder(directory: Path) -> FaqFolder:
    """The folder, loaded."""
    found = FaqFolder(directory)
    found.load()
    return found


class Watch:
    """A running watch over a folder."""

    def __init__(self, folder: FaqFolder) -> None:
        self.folder = folder
        self.reloads = 0
        self.changed = asyncio.Condition()

    async def run(self) -> None:
        async for _ in self.folder.watch():
            async with self.changed:
                self.reloads += 1
                self.changed.notify_all()

    async def until_answer(self, entry: str, answer: str | None) -> None:
        """Wait for the reload after which the entry has this answer, or (None) is gone."""
        await self.until(lambda: answer_of(self.folder, entry) == answer)

    async def until(self, condition: Callable[[], bool], *, within_s: float = 10) -> None:
        """Wait for the reload, or the new calibration, after which the condition holds."""
        async with asyncio.timeout(within_s), self.changed:
            await self.changed.wait_for(condition)

    async def until_reloaded(self, times: int = 1) -> None:
        """Wait for so many more reloads, good or bad."""
        goal = self.reloads + times
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.reloads >= goal)


@pytest.fixture
async def watch(folder: FaqFolder) -> AsyncIterator[Watch]:
    """A watch that has looked at the folder once."""
    watching = Watch(folder)
    task = asyncio.create_task(watching.run())
    await watching.until_reloaded()
    yield watching
    assert not task.done(), "the watch goes on, whatever happened"
    await cancel(task)


def answer_of(folder: FaqFolder, entry: str) -> Bubble | None:
    found = folder.current.entries.get(entry)
    return found.bubbles[0] if found else None


def save(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def put_in_place(directory: Path, other: Path) -> None:
    """Move a folder away and have its name lead to another one."""
    directory.rename(directory.with_name("release-1"))
    directory.symlink_to(other)


def empty(directory: Path) -> None:
    for path in list(directory.rglob("*.md")):
        path.unlink()


# Reading


def test_folders_inside_are_read_and_named_in_problems(directory: Path) -> None:
    save(directory / "料金" / "z.md", BROKEN)
    folder = FaqFolder(directory)
    (problem,) = [problem for problem in folder.load() if problem.severity == "error"]
    assert (problem.file, problem.line) == ("料金/z.md", 3)
    assert set(folder.current.entries) == {"hours", "parking"}


@pytest.mark.parametrize(
    "name",
    [
        "_draft/new.md",
        "_draft/_shop.yaml",
        "menu.yaml",
        ".hidden.yaml",
        ".hidden.md",
        ".git/x.md",
        "note.txt",
        "hours.md~",
    ],
)
def test_what_is_no_faq_file_is_not_read(directory: Path, name: str) -> None:
    save(directory / name, BROKEN)
    assert sorted(source.name for source in read_sources(directory)) == ["hours.md", "料金/parking.md"]


def test_a_folder_below_a_hidden_one_is_read(tmp_path: Path) -> None:
    """Only what is inside the folder counts: the folder itself may stand anywhere."""
    folder = tmp_path / "_shop" / ".config" / "faq"
    folder.mkdir(parents=True)
    save(folder / "hours.md", HOURS)
    assert [source.name for source in read_sources(folder)] == ["hours.md"]


def test_a_file_in_another_encoding_is_not_served_and_said_to_be(directory: Path) -> None:
    (directory / "hours.md").write_bytes(HOURS.encode("shift_jis"))
    folder = FaqFolder(directory)
    (problem,) = folder.load()
    assert (problem.file, problem.line, problem.severity) == ("hours.md", 1, "error")
    assert "Shift_JIS" in problem.en
    assert set(folder.current.entries) == {"parking"}


def test_a_mark_before_the_first_character_does_not_matter(directory: Path) -> None:
    (directory / "hours.md").write_bytes(HOURS.encode("utf-8-sig"))
    folder = FaqFolder(directory)
    assert [problem.severity for problem in folder.load()] == ["warning"]
    assert set(folder.current.entries) == {"hours", "parking"}


def test_a_file_that_may_not_be_read_is_a_problem_of_that_file(directory: Path) -> None:
    (directory / "hours.md").unlink()
    (directory / "hours.md").symlink_to(directory / "gone.md")
    folder = FaqFolder(directory)
    (problem,) = folder.load()
    assert (problem.file, problem.line) == ("hours.md", 1)
    assert "No such file" in problem.en
    assert set(folder.current.entries) == {"parking"}


def test_a_folder_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="faq: no such folder"):
        FaqFolder(tmp_path / "faq").load()
    save(tmp_path / "file", "")
    with pytest.raises(KnowledgeError, match="file: no such folder"):
        FaqFolder(tmp_path / "file").load()


def test_a_folder_with_nothing_to_serve_names_every_problem(tmp_path: Path) -> None:
    save(tmp_path / "a.md", BROKEN)
    save(tmp_path / "b.md", "---\ntags 営業案内\n---\n")
    with pytest.raises(KnowledgeError) as caught:
        FaqFolder(tmp_path).load()
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["a.md:3", "b.md:1", "b.md:2"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="There is not one FAQ entry"):
        FaqFolder(tmp_path).load()


def test_there_is_no_knowledge_before_the_first_load(directory: Path) -> None:
    with pytest.raises(KnowledgeError):
        _ = FaqFolder(directory).current


def test_the_same_files_give_the_same_knowledge_and_are_not_fitted_again(folder: FaqFolder) -> None:
    before = folder.current
    folder.load()
    assert folder.current is before


# The shop's own files


SHOP = 'name: すみれ\nhours: {daily: "10-19"}\nstarters: [hours, parking]\n'


def test_shop_and_texts_are_part_of_the_knowledge_and_of_its_version(folder: FaqFolder, directory: Path) -> None:
    versions = {folder.current.version}
    save(directory / "_shop.yaml", SHOP)
    save(directory / "_messages.md", "## media\n拝見します。\n")
    assert folder.load() == []
    assert folder.current.shop.name == "すみれ"
    assert folder.current.texts.bubbles("media", "ja") == ("拝見します。",)
    assert folder.current.starters == ("hours", "parking")
    versions.add(folder.current.version)
    for name, text in (("_shop.yaml", SHOP.replace("10-19", "10-20")), ("_messages.md", "## media\n")):
        save(directory / name, text)
        folder.load()
        versions.add(folder.current.version)
    assert len(versions) == 4


def test_a_changed_answer_or_shop_does_not_have_the_index_built_again(folder: FaqFolder, directory: Path) -> None:
    index = folder.current.index
    save(directory / "_shop.yaml", SHOP)
    save(directory / "hours.md", HOURS.replace("20時", "21時"))
    folder.load()
    assert answer_of(folder, "hours") == "10時から21時までです。"
    assert folder.current.index is index
    save(directory / "hours.md", HOURS.replace("何時まで", "いつまで"))
    folder.load()
    assert folder.current.index is not index


def test_changed_synonyms_have_the_index_built_again(folder: FaqFolder, directory: Path) -> None:
    index = folder.current.index
    save(directory / "_shop.yaml", "synonyms: [[駐車場, パーキング]]\n")
    folder.load()
    assert folder.current.index is not index
    assert folder.current.rank("パーキングはありますか").candidates[0].entry == "parking"


@pytest.mark.parametrize("content", [b"nmae: x\n", b"name: [\n", "name: すみれ".encode("shift_jis")])
def test_a_broken_shop_file_keeps_its_last_good_version_alone(
    folder: FaqFolder, directory: Path, content: bytes
) -> None:
    save(directory / "_shop.yaml", SHOP)
    folder.load()
    (directory / "_shop.yaml").write_bytes(content)
    save(directory / "hours.md", HOURS.replace("20時", "21時"))
    (problem,) = folder.load()
    assert (problem.file, problem.severity) == ("_shop.yaml", "error")
    assert folder.current.shop.name == "すみれ"
    assert answer_of(folder, "hours") == "10時から21時までです。"


# What was good when the service last ran


def test_a_file_that_is_broken_at_the_start_is_served_as_it_was_good_last(directory: Path) -> None:
    save(directory / "_shop.yaml", SHOP)
    before = FaqFolder(directory)
    before.load()
    save(directory / "hours.md", BROKEN)
    save(directory / "_shop.yaml", "nmae: x\n")
    save(directory / "料金" / "parking.md", PARKING.replace("2台", "3台"))
    after = FaqFolder(directory, before.good)
    assert {problem.file for problem in after.load()} == {"_shop.yaml", "hours.md"}
    assert answer_of(after, "hours") == "10時から20時までです。"
    assert answer_of(after, "parking") == "店の裏に3台あります。"
    assert after.current.shop.name == "すみれ"
    assert dict(after.good) == dict(before.good) | {"料金/parking.md": PARKING.replace("2台", "3台")}


def test_a_file_that_was_deleted_meanwhile_stays_deleted(folder: FaqFolder, directory: Path) -> None:
    (directory / "hours.md").unlink()
    after = FaqFolder(directory, folder.good)
    after.load()
    assert set(after.current.entries) == {"parking"}
    assert set(after.good) == {"料金/parking.md"}


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_folder_that_is_gone_or_empty_at_the_start_is_served_as_it_was(
    folder: FaqFolder, directory: Path, *, is_gone: bool
) -> None:
    empty(directory)
    if is_gone:
        shutil.rmtree(directory)
    after = FaqFolder(directory, folder.good)
    (problem,) = after.load()
    assert problem.severity == "error"
    assert after.current.version == folder.current.version
    assert dict(after.good) == dict(folder.good)
    with pytest.raises(KnowledgeError):
        after.load()
    save(directory / "hours.md", HOURS.replace("20時", "18時"))
    after.load()
    assert answer_of(after, "hours") == "10時から18時までです。"


def test_a_folder_that_is_gone_and_was_never_good_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no such folder"):
        FaqFolder(tmp_path / "faq", {}).load()
    with pytest.raises(KnowledgeError, match="no such folder"):
        FaqFolder(tmp_path / "faq", {"a.md": BROKEN}).load()


# Going live


async def test_shop_and_texts_go_live_when_they_are_saved(watch: Watch, directory: Path) -> None:
    save(directory / "_shop.yaml", SHOP)
    await watch.until(lambda: watch.folder.current.shop.name == "すみれ")
    save(directory / "_messages.md", "## group\n")
    await watch.until(lambda: watch.folder.current.texts.bubbles("group", "ja") == ())
    (directory / "_shop.yaml").unlink()
    await watch.until(lambda: not watch.folder.current.shop.name)


async def test_what_editors_leave_beside_a_file_changes_nothing(watch: Watch, directory: Path) -> None:
    save(directory / "_shop.yaml", SHOP)
    await watch.until(lambda: watch.folder.current.shop.name == "すみれ")
    before = watch.reloads
    for name in (
        "._shop.yaml.swp",
        "_shop.yaml~",
        "4913",
        "#hours.md#",
        ".hours.md.swp",
        "hours.md.tmp",
        "_shop.yaml.bak",
    ):
        save(directory / name, BROKEN)
        await tick(0.2)
    assert watch.reloads == before


async def test_a_folder_of_another_release_brings_its_own_shop(watch: Watch, directory: Path, tmp_path: Path) -> None:
    save(tmp_path / "release-2" / "hours.md", HOURS)
    save(tmp_path / "release-2" / "_shop.yaml", SHOP)
    put_in_place(directory, tmp_path / "release-2")
    await watch.until(lambda: watch.folder.current.shop.name == "すみれ")


async def test_what_is_saved_goes_live(watch: Watch, directory: Path) -> None:
    save(directory / "hours.md", HOURS.replace("20時", "21時"))
    await watch.until_answer("hours", "10時から21時までです。")
    save(directory / "new.md", "## カードは使えますか {#card}\n\n> - クレカ\n\n使えます。\n")
    await watch.until_answer("card", "使えます。")
    (directory / "new.md").unlink()
    await watch.until_answer("card", None)


async def test_what_was_saved_between_reading_and_watching_goes_live(directory: Path) -> None:
    folder = FaqFolder(directory)
    folder.load()
    save(directory / "hours.md", HOURS.replace("20時", "21時"))
    watch = Watch(folder)
    task = asyncio.create_task(watch.run())
    await watch.until_answer("hours", "10時から21時までです。")
    await cancel(task)


async def test_a_broken_file_keeps_its_last_good_version_while_others_go_live(watch: Watch, directory: Path) -> None:
    save(directory / "hours.md", BROKEN)
    save(directory / "料金" / "parking.md", PARKING.replace("2台", "3台"))
    await watch.until_answer("parking", "店の裏に3台あります。")
    assert answer_of(watch.folder, "hours") == "10時から20時までです。"
    assert answer_of(watch.folder, "empty") is None
    save(directory / "hours.md", HOURS.replace("20時", "19時"))
    await watch.until_answer("hours", "10時から19時までです。")


async def test_a_file_saved_in_two_steps_ends_as_a_whole(watch: Watch, directory: Path) -> None:
    whole = HOURS.replace("20時", "22時").encode()
    middle = len(whole) // 2 + 1
    with (directory / "hours.md").open("wb", buffering=0) as file:
        file.write(whole[:middle])
        await watch.until_reloaded()
        assert answer_of(watch.folder, "hours") == "10時から20時までです。", "half a file is not served"
        file.write(whole[middle:])
    await watch.until_answer("hours", "10時から22時までです。")


async def test_what_is_still_being_written_is_not_read(watch: Watch, directory: Path) -> None:
    """Half a file may be a good file with half the entries, or half an answer."""
    before = watch.reloads
    for number in range(30):
        save(directory / "hours.md", HOURS.replace("20時", f"{number}時"))
        await tick(0.05)
    assert watch.reloads == before
    await watch.until_answer("hours", "10時から29時までです。")


async def test_a_picture_that_changes_goes_live_under_another_name(watch: Watch, directory: Path) -> None:
    (directory / "map.png").write_bytes(PNG + b"1")
    save(directory / "hours.md", HOURS + "\n![地図](map.png)\n")
    await watch.until(lambda: len(watch.folder.current.entries["hours"].bubbles) == 2)
    before = watch.folder.current.entries["hours"].bubbles[1]
    (directory / "map.png").write_bytes(PNG + b"2")
    await watch.until(lambda: watch.folder.current.entries["hours"].bubbles[1] != before)


async def test_a_file_that_is_replaced_by_renaming_goes_live(watch: Watch, directory: Path) -> None:
    """How vim, rsync and many others save."""
    for number in range(3):
        temporary = directory / ".hours.md.swp"
        save(temporary, HOURS.replace("20時", f"{number}時"))
        temporary.replace(directory / "hours.md")
        await watch.until_answer("hours", f"10時から{number}時までです。")


async def test_an_edit_that_keeps_size_and_date_goes_live(watch: Watch, directory: Path) -> None:
    path = directory / "hours.md"
    before = path.stat()
    save(path, HOURS.replace("20時", "21時"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    await watch.until_answer("hours", "10時から21時までです。")


async def test_a_folder_that_vanishes_is_served_on_and_watched_when_it_is_back(watch: Watch, directory: Path) -> None:
    shutil.rmtree(directory)
    await watch.until_reloaded()
    assert answer_of(watch.folder, "hours") == "10時から20時までです。", "what was good goes on"
    save(directory / "hours.md", HOURS.replace("20時", "18時"))
    await watch.until_answer("hours", "10時から18時までです。")
    save(directory / "hours.md", HOURS.replace("20時", "17時"))
    await watch.until_answer("hours", "10時から17時までです。")


async def test_another_folder_in_its_place_goes_live(watch: Watch, directory: Path, tmp_path: Path) -> None:
    """How a checkout or a container's mount changes: all at once, by a link."""
    other = tmp_path / "release-2"
    save(other / "hours.md", HOURS.replace("20時", "16時"))
    put_in_place(directory, other)
    await watch.until_answer("hours", "10時から16時までです。")
    assert answer_of(watch.folder, "parking") is None


async def test_emptying_the_folder_changes_nothing_until_there_is_something_again(
    watch: Watch, directory: Path
) -> None:
    empty(directory)
    await watch.until_reloaded()
    assert answer_of(watch.folder, "hours") == "10時から20時までです。"
    save(directory / "hours.md", HOURS.replace("20時", "15時"))
    await watch.until_answer("hours", "10時から15時までです。")


async def test_a_fault_of_our_own_while_loading_does_not_end_the_watch(directory: Path) -> None:
    class Faulty(FaqFolder):
        is_faulty = False

        def load(self) -> list[Problem]:
            if self.is_faulty:
                raise ZeroDivisionError
            return super().load()

    folder = Faulty(directory)
    folder.load()
    watch = Watch(folder)
    task = asyncio.create_task(watch.run())
    await watch.until_reloaded()
    folder.is_faulty = True
    save(directory / "hours.md", HOURS.replace("20時", "14時"))
    await watch.until_reloaded()
    folder.is_faulty = False
    save(directory / "hours.md", HOURS.replace("20時", "13時"))
    await watch.until_answer("hours", "10時から13時までです。")
    await cancel(task)


async def test_the_knowledge_in_use_stays_whole_while_a_new_one_is_read(watch: Watch, directory: Path) -> None:
    """A turn keeps the snapshot that it began with."""
    snapshot = watch.folder.current
    save(directory / "hours.md", HOURS.replace("20時", "12時"))
    await watch.until_answer("hours", "10時から12時までです。")
    assert snapshot.entries["hours"].bubbles == ("10時から20時までです。",)
    assert watch.folder.current.version != snapshot.version


async def test_nothing_is_read_again_while_nothing_changes(watch: Watch) -> None:
    before = watch.reloads
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.6):
            await watch.until_reloaded()
    assert watch.reloads == before
