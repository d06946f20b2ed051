"""The folder as a whole: entries, shop and texts, each file in its last good version."""

import pytest

from service.core.contents import NOTHING, Contents, Source, read_contents
from service.core.entries import Problem
from service.core.shop import DEFAULT_SHOP
from service.core.texts import DEFAULT_TEXTS

HOURS = "## 営業時間を教えてください {#hours}\n\n> - 何時まで\n\n本日は{today_hours}です。\n"
OFF = "---\n扱い: 停止\n---\n## 昔の質問 {#old}\n\n答え\n"
SHOP = 'name: すみれ\nhours: {daily: "10-19"}\nstarters: [hours]\n'
MESSAGES = "## media\n拝見します。\n"
WHOLE = {"hours.md": HOURS, "_shop.yaml": SHOP, "_messages.md": MESSAGES}


def read(files: dict[str, str], before: Contents = NOTHING) -> Contents:
    return read_contents([Source(name, text) for name, text in files.items()], before)


def told(contents: Contents) -> list[str]:
    return [f"{each.file}:{each.line}: {each.severity}: {each.en}" for each in contents.problems]


def test_a_good_folder_is_read_whole() -> None:
    contents = read(WHOLE)
    assert told(contents) == []
    assert [entry.id for entry in contents.faq.entries] == ["hours"]
    assert contents.shop.name == "すみれ"
    assert contents.texts.bubbles("media", "ja") == ("拝見します。",)
    assert contents.good == WHOLE


def test_without_files_of_our_own_the_defaults_hold() -> None:
    contents = read({"a.md": "## 質問\n> 言い回し\n\n答え\n"})
    assert (contents.shop, contents.texts, told(contents)) == (DEFAULT_SHOP, DEFAULT_TEXTS, [])


def test_each_broken_file_keeps_its_own_last_good_version_while_the_others_go_live() -> None:
    before = read(WHOLE)
    after = read(
        {"hours.md": HOURS + "## \n", "_shop.yaml": "nmae: x\n", "_messages.md": "## media\n新しい。\n"}, before
    )
    assert after.faq.entries == before.faq.entries
    assert after.shop == before.shop
    assert after.texts.bubbles("media", "ja") == ("新しい。",)
    assert after.good == WHOLE | {"_messages.md": "## media\n新しい。\n"}
    mended = read(WHOLE | {"_shop.yaml": "name: 新店\n", "_messages.md": "## medai\n"}, after)
    assert (mended.shop.name, mended.texts) == ("新店", after.texts)
    assert read({**mended.good, "_shop.yaml": "["}, mended).shop.name == "新店"


def test_a_file_of_our_own_that_was_never_good_is_the_defaults() -> None:
    contents = read({"hours.md": HOURS, "_shop.yaml": "nmae: x\n", "_messages.md": "## x\n"})
    assert (contents.shop, contents.texts) == (DEFAULT_SHOP, DEFAULT_TEXTS)
    assert set(contents.good) == {"hours.md"}


def test_a_file_of_our_own_that_is_deleted_is_the_defaults_again() -> None:
    contents = read({"hours.md": HOURS}, read(WHOLE))
    assert (contents.shop, contents.texts) == (DEFAULT_SHOP, DEFAULT_TEXTS)
    assert contents.good == {"hours.md": HOURS}


@pytest.mark.parametrize("name", ["_shop.yaml", "_messages.md", "hours.md"])
def test_a_file_that_cannot_be_read_keeps_its_last_good_version(name: str) -> None:
    before = read(WHOLE)
    problem = Problem(file=name, line=1, severity="error", ja="読めません。", en="Cannot be read.")
    sources = [
        Source(each, None if each == name else text, problem if each == name else None) for each, text in WHOLE.items()
    ]
    after = read_contents(sources, before)
    assert (after.faq.entries, after.shop, after.texts) == (before.faq.entries, before.shop, before.texts)
    assert after.good == WHOLE
    assert after.problems == (problem,)


def test_an_unchanged_file_is_not_read_again() -> None:
    before = read(WHOLE | {"b.md": "## 二 {#two}\n答え\n"})
    after = read(WHOLE | {"b.md": "## 二 {#two}\n新しい答え\n"}, before)
    (kept,) = [file for file in before.faq.files if file.name == "hours.md"]
    assert any(file is kept for file in after.faq.files)
    assert {entry.id: entry.bubbles for entry in after.faq.entries}["two"] == ("新しい答え",)


@pytest.mark.parametrize(
    ("starters", "told_of"),
    [
        ("[hour]", 'starters: no entry has the id "hour", so it gets no button. Did you mean "hours"?'),
        ("[hours, x9]", 'starters: no entry has the id "x9", so it gets no button.'),
        ("[old]", 'starters: no entry has the id "old", so it gets no button.'),
    ],
)
def test_a_starter_that_is_no_entry_is_told_with_its_line(starters: str, told_of: str) -> None:
    shop = SHOP.replace("[hours]", starters)
    assert told(read(WHOLE | {"_shop.yaml": shop, "old.md": OFF})) == [f"_shop.yaml:3: warning: {told_of}"]


def test_an_answer_that_needs_what_the_shop_does_not_say_is_warned_about() -> None:
    contents = read(
        {"hours.md": HOURS + "お電話は{phone}へ。\n", "_messages.md": "## group\n\n## media\n{shop}です。\n"}
    )
    assert told(contents) == [
        "_messages.md:3: warning: _shop.yaml has no name, so the sentence that needs it is left out.",
        "hours.md:1: warning: _shop.yaml has no hours, so the sentence that needs it is left out.",
        "hours.md:1: warning: _shop.yaml has no phone, so the sentence that needs it is left out.",
    ]


@pytest.mark.parametrize(
    "name", ["_shop.yml", "_shop.md", "_shop.yaml.txt", "_message.md", "_messages.txt", "_shops.yaml"]
)
def test_a_misnamed_file_is_warned_about(name: str) -> None:
    (problem,) = told(read({"hours.md": HOURS, "_shop.yaml": SHOP, name: "x"}))
    assert problem.startswith(f"{name}:1: warning: Not read: rename it to _")


def test_other_files_of_the_owners_are_left_alone() -> None:
    assert told(read(WHOLE | {"_memo.md": "## \n"})) == []


def test_a_changed_shop_leaves_the_entries_as_they_are_read_and_their_warnings() -> None:
    warned = {"a.md": HOURS, "b.md": "## 何時まで\n答え\n"}
    before = read(warned)
    after = read(warned | {"_shop.yaml": SHOP}, before)
    assert after.faq is before.faq
    assert [problem for problem in after.problems if problem.file == "b.md"] == list(before.faq.problems) != []
