"""A folder of FAQ files: what clashes between them, what is served, and what is due."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.faq import read_file
from service.core.folder import Folder, assemble, format_problem, read_folder, what_is_due

HOURS = "## 営業時間は？ {#hours}\n> 何時まで\n\n10時からです。\n"
TODAY = date(2026, 11, 25)


def folder_lines(folder: Folder) -> list[str]:
    """The problems that are no mere oddities."""
    return [
        format_problem(problem, "en")
        for problem in folder.problems
        if not problem.is_mendable and "no phrasings" not in problem.en
    ]


def test_every_problem_is_told_at_once_by_file_and_line() -> None:
    folder = read_folder(
        {"b.md": "## \n\n## 質問\n<b>x</b>", "a.md": "---\nx: 1\n---\n## 質問二\n", "_messages.md": "##"}
    )
    assert [(problem.file, problem.line) for problem in folder.problems if problem.severity == "error"] == [
        ("a.md", 2),
        ("a.md", 4),
        ("b.md", 1),
        ("b.md", 1),
        ("b.md", 4),
        ("b.md", 4),
    ]
    assert all(problem.ja and problem.en for problem in folder.problems)


def test_a_broken_file_gives_none_of_its_entries_and_the_others_live() -> None:
    folder = read_folder({"a.md": HOURS + "## 答えなし\n", "b.md": "## 二 {#b}\n答え"})
    assert [entry.id for entry in folder.entries] == ["b"]


def test_files_are_read_in_name_order_and_private_names_skipped() -> None:
    folder = read_folder(
        {"b.md": "## 二\n答え", "a/一.md": "## 一\n答え", "_x.md": "## 三\n答え", "_下書き/a.md": "## 四\n答え"}
    )
    assert [entry.question for entry in folder.entries] == ["一", "二"]


def test_no_entry_at_all_is_an_error() -> None:
    assert folder_lines(read_folder({})) == [".:1: There is not one FAQ entry."]
    assert folder_lines(read_folder({"a.md": ""}))[0] == ".:1: There is not one FAQ entry."


def test_one_id_in_two_places_is_an_error_naming_both() -> None:
    folder = read_folder({"a.md": HOURS, "b.md": "\n## 別 {#hours}\n答え"})
    assert folder_lines(folder) == ['b.md:2: The id "hours" is also used at a.md:1. Give one of them another {#id}.']
    assert [entry.file for entry in folder.entries] == ["a.md"]


def test_one_keyword_under_two_entries_is_an_error() -> None:
    keyword = "---\nmatch: keyword\n---\n"
    folder = read_folder({"a.md": f"{keyword}## クーポン\n答え", "b.md": f"{keyword}## 割引\n> ｸｰﾎﾟﾝ！\n答え"})
    assert folder_lines(folder) == ['b.md:4: The keyword "ｸｰﾎﾟﾝ！" also stands at a.md:4. Remove one of them.']


def test_one_phrasing_under_two_entries_is_a_warning() -> None:
    folder = read_folder({"a.md": HOURS + "## 休み\n> 何時まで？\n\n答え"})
    assert folder_lines(folder) == [
        'a.md:5: "何時まで？" also stands at a.md:1, so it cannot be told which one is meant.'
    ]
    assert [problem.severity for problem in folder.problems] == ["warning"]
    assert len(folder.entries) == 2


@pytest.mark.parametrize("heading", ["営業時間は", "営業時間は?", "ＷｉＦｉ"])
def test_headings_that_differ_only_in_width_or_case_are_a_warning(heading: str) -> None:
    first = "## wifi {#w}\n> a\n\n答え\n" if heading == "ＷｉＦｉ" else HOURS
    folder = read_folder({"a.md": first + f"## {heading}\n> 別\n\n答え"})
    (line,) = folder_lines(folder)
    assert line.startswith(f'a.md:5: The heading "{heading}" reads like "')
    assert len(folder.entries) == 2


def test_a_phrasing_that_is_another_entry_s_heading_is_a_warning() -> None:
    folder = read_folder({"a.md": HOURS, "b.md": "## 休み\n> 営業時間は\n\n答え"})
    assert folder_lines(folder) == [
        'b.md:1: "営業時間は" is a heading and a phrasing of two entries (the other at a.md:1): which one is meant?'
    ]


def test_the_same_heading_twice_is_an_error_that_speaks_of_headings() -> None:
    folder = read_folder({"a.md": "## 質問\n> a\n\n一", "b.md": "\n## 質問\n> b\n\n二"})
    assert folder_lines(folder) == [
        'b.md:2: The same heading "質問" stands at a.md:1. Change it or give it another {#id}.'
    ]


def test_an_entry_that_is_off_may_repeat_words() -> None:
    assert not read_folder({"a.md": HOURS, "b.md": "---\n扱い: 停止\n---\n## 何時まで\n"}).problems


def test_a_broken_file_keeps_its_last_good_version() -> None:
    before = read_folder({"a.md": HOURS, "b.md": "## 二\n答え"})
    after = assemble([read_file("a.md", HOURS + "## \n"), read_file("b.md", "## 二\n新しい答え")], before.files)
    assert [entry.bubbles for entry in after.entries] == [("10時からです。",), ("新しい答え",)]
    assert {problem.file for problem in after.problems if problem.severity == "error"} == {"a.md"}
    assert assemble(after.files, after.files).files == after.files


def test_a_new_file_that_clashes_steps_back_and_the_old_one_stays() -> None:
    before = read_folder({"b.md": HOURS})
    after = assemble([read_file("a.md", "## 別 {#hours}\n答え"), *before.files], before.files)
    assert after.files == before.files
    assert [problem.file for problem in after.problems if problem.severity == "error"] == ["a.md"]


def test_an_entry_may_move_from_one_file_to_another() -> None:
    before = read_folder({"a.md": HOURS + "## 二 {#two}\n答え", "b.md": "## 三\n答え"})
    moved = [read_file("a.md", HOURS), read_file("b.md", "## 二 {#two}\n答え")]
    assert not folder_lines(assemble(moved, before.files))
    broken_move = [read_file("a.md", HOURS + "## \n"), read_file("b.md", "## 二 {#two}\n答え")]
    assert assemble(broken_move, before.files).files == before.files


def test_a_deleted_file_is_gone() -> None:
    before = read_folder({"a.md": HOURS, "b.md": "## 二\n答え"})
    assert [file.name for file in assemble(before.files[:1], before.files).files] == ["a.md"]


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "---\n",
            "## 質問",
            "{#a}",
            "\n",
            "> ",
            "答え",
            "# ",
            "tags: a\n",
            "一致：キーワード\n",
            "<!--",
            "-->",
            "<b>",
            "\r",
            "|",
        ]
    )
).map("".join)


@given(st.dictionaries(st.sampled_from("abc"), FRAGMENTS), st.dictionaries(st.sampled_from("abc"), FRAGMENTS))
def test_what_is_served_is_always_sound(old: dict[str, str], new: dict[str, str]) -> None:
    before = read_folder(old)
    after = assemble([read_file(name, text) for name, text in new.items()], before.files)
    ids = [entry.id for entry in after.entries]
    assert len(ids) == len(set(ids))
    assert all(entry.bubbles or entry.action != "answer" for entry in after.entries)
    assert {file.name for file in after.files} <= set(new)
    assert after.entries or any(problem.severity == "error" for problem in after.problems)


def due(top: str, today: date = TODAY) -> list[str]:
    file = read_file("a.md", f"---\n{top}\n---\n" + HOURS)
    return [f"{problem.line} {problem.severity} {problem.en}" for problem in what_is_due([file], today)]


def test_a_file_whose_time_is_over_is_told() -> None:
    assert due("タグ: x\n期限: 2026-11-24") == [
        "3 warning The time of this file ended on 2026-11-24. Extend it, or put the file away."
    ]
    assert due("期限: 2026-11-25") == [], "the last day counts"
    assert due("期限: 2026-11-24", date(2026, 11, 24)) == []


def test_a_review_that_is_overdue_is_told() -> None:
    assert due("見直し: 2026-11-24") == [
        "2 warning This file was to be reviewed by 2026-11-24. Read it, and set the next date."
    ]
    assert due("見直し: 2026-11-25") == []


def test_without_dates_nothing_is_due() -> None:
    assert due("タグ: x") == []
