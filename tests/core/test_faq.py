"""FAQ files as people write them, and the problems they are told about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.entries import Entry
from service.core.faq import FaqFile, Folder, assemble, format_problem, read_file, read_folder

HOURS = "## 営業時間は？ {#hours}\n> 何時まで\n\n10時からです。\n"


def only_entry(text: str) -> Entry:
    file = read_file("a.md", text)
    assert not file.problems
    (entry,) = file.entries
    return entry


def problems_of(text: str) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.severity, problem.en) for problem in read_file("a.md", text).problems]


def error_lines(text: str) -> list[int]:
    return [line for line, severity, _ in problems_of(text) if severity == "error"]


def folder_lines(folder: Folder) -> list[str]:
    return [format_problem(problem, "en") for problem in folder.problems]


def test_the_example_of_the_design_is_read_whole() -> None:
    text = """---
tags: 営業案内
---

# 営業時間・アクセス

## 営業時間を教えてください {#hours}

> - 何時まで開いていますか
> - 今日やってる?
> - 日曜も営業していますか

火曜から金曜は10:00~20:00です。
**月曜**はお休みをいただいています。
"""
    assert only_entry(text) == Entry(
        id="hours",
        question="営業時間を教えてください",
        phrasings=("何時まで開いていますか", "今日やってる?", "日曜も営業していますか"),
        bubbles=("火曜から金曜は10:00~20:00です。\n月曜はお休みをいただいています。",),
        tags=("営業案内",),
        file="a.md",
        line=7,
    )


@pytest.mark.parametrize(
    "heading", ["## 質問 {#q}", "##質問{#q}", "＃＃質問｛＃q｝", "＃#　質問　{ #q }", " ## 質問 {#q} ##"]
)
def test_a_heading_may_be_typed_in_many_ways(heading: str) -> None:
    entry = only_entry(f"{heading}\n答え")
    assert (entry.id, entry.question) == ("q", "質問")


@pytest.mark.parametrize(
    "text", [HOURS, "\ufeff" + HOURS, HOURS.replace("\n", "\r\n"), HOURS.replace("\n", "\r"), HOURS.rstrip()]
)
def test_line_endings_and_a_bom_change_nothing(text: str) -> None:
    assert only_entry(text) == only_entry(HOURS)


def test_an_id_made_of_the_heading_is_stable() -> None:
    assert only_entry("## 質問\n答え").id == only_entry("##質問\n別の答え").id == "71f69a50"
    assert only_entry("## 別の質問\n答え").id != only_entry("## 質問\n答え").id


@pytest.mark.parametrize("entry_id", ["Hours", "営業", "", "a b", "a" * 61])
def test_an_id_of_other_characters_is_an_error(entry_id: str) -> None:
    assert error_lines(f"\n## 質問 {{#{entry_id}}}\n答え") == [2]


def test_each_quoted_line_is_a_phrasing() -> None:
    text = "## 質問\n\n>一\n＞　二\n> - 三\n> * 四\n>・五\n>\n> \n\n> -5%になる？\n>> 七\n答え"
    assert only_entry(text).phrasings == ("一", "二", "三", "四", "五", "-5%になる？", "七")


def test_a_phrasing_that_repeats_another_or_the_heading_is_left_out() -> None:
    assert only_entry("## 何時まで？\n> 何時まで\n> 今日は？\n> 今日は！\n答え").phrasings == ("今日は？",)


def test_a_phrasing_without_words_is_left_out_and_told() -> None:
    assert problems_of("## 質問\n> ？？\n答え") == [
        (2, "warning", '"？？" holds no words and cannot be used as a phrasing.')
    ]


def test_the_first_other_line_starts_the_answer() -> None:
    assert only_entry("## 質問\n　\n答え一\n\n答え二\n### 小見出し\n- 点").bubbles == (
        "答え一\n\n答え二\n小見出し\n・点",
    )


def test_a_quote_below_the_answer_is_an_error_because_customers_would_read_it() -> None:
    assert error_lines("## 質問\n答え\n> 言い回し") == [3]
    assert only_entry("## 質問\n答え\n\\> 矢印").bubbles == ("答え\n> 矢印",)


def test_rules_part_the_answer_into_bubbles() -> None:
    assert only_entry("## 質問\n---\n一\n---\n\n---\n二\n-----\n").bubbles == ("一", "二")


def test_more_than_five_bubbles_are_an_error() -> None:
    assert not error_lines("## 質問\n" + "---\n".join("12345"[i] + "\n" for i in range(5)))
    assert error_lines("## 質問\n" + "---\n".join(f"{i}\n" for i in range(6))) == [12]


def test_a_bubble_is_measured_in_utf_16_units() -> None:
    assert not error_lines("## 質問\n" + "😀" * 2500)
    assert error_lines("## 質問\n一\n---\n" + "😀" * 2501) == [4]


def test_a_title_for_people_ends_the_answer_above() -> None:
    file = read_file("a.md", "# 題\n## 一\n答え\n\n# 次の題\n\n## 二\n答え")
    assert [entry.bubbles for entry in file.entries] == [("答え",), ("答え",)]
    assert not file.problems


def test_a_hashtag_belongs_to_the_answer_and_is_told() -> None:
    file = read_file("a.md", "#題\n## 一\nインスタはこちら\n#すみれヘア")
    assert file.entries[0].bubbles == ("インスタはこちら\n#すみれヘア",)
    assert [(problem.line, problem.severity) for problem in file.problems] == [(4, "warning")]


def test_text_outside_of_entries_is_told_once_a_stretch() -> None:
    assert [line for line, *_ in problems_of("# 題\n説明\n\n説明\n---\n# 題\n説明\n" + HOURS)] == [2, 7]


def test_a_commented_entry_is_not_there_and_lines_keep_their_numbers() -> None:
    text = "<!--\n## 古い質問\n答え\n-->\n" + HOURS + "<!-- メモ -->"
    assert only_entry(text).line == 5


def test_an_open_comment_is_an_error() -> None:
    assert error_lines(HOURS + "<!-- メモ") == [5]


def test_markup_that_line_cannot_show_is_told() -> None:
    text = "## 質問\n改行<br>です\n~~5,000円~~\n![地図](map.jpg)"
    assert [(line, severity) for line, severity, _ in problems_of(text)] == [(2, "error"), (3, "error"), (4, "warning")]


def test_a_heading_loses_its_marks() -> None:
    assert only_entry("## **「カット」**の料金\n答え").question == "「カット」の料金"


@pytest.mark.parametrize("heading", ["##", "## ", "＃＃　", "## {#q}", "## ？"])
def test_a_heading_without_words_is_an_error(heading: str) -> None:
    assert error_lines(f"{heading}\n答え") == [1]


def test_an_answer_is_needed_only_where_one_is_sent() -> None:
    assert error_lines("## 質問\n> 言い回し\n") == [1]
    assert only_entry("---\n扱い: スタッフ\n---\n## 質問\n").bubbles == ()
    assert only_entry("---\naction: off\n---\n## 質問\n").action == "off"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("tags: 営業案内、料金, メニュー", (("営業案内", "料金", "メニュー"), "answer", "meaning")),
        ("タグ：一，二、、\n\n扱い：下書き\n一致：キーワード", (("一", "二"), "suggest", "keyword")),
        ("ACTION: Handoff\nＭａｔｃｈ： Ｍｅａｎｉｎｇ", ((), "handoff", "meaning")),
        ("扱い:スタッフ\n一致:意味", ((), "handoff", "meaning")),
        ("扱い: 停止", ((), "off", "meaning")),
        ("<!-- メモ -->\n扱い: 回答", ((), "answer", "meaning")),
        ("", ((), "answer", "meaning")),
    ],
)
def test_settings_may_be_japanese_and_full_width(settings: str, expected: tuple[object, ...]) -> None:
    entry = only_entry(f"\n---\n{settings}\n---\n## 質問\n答え")
    assert (entry.tags, entry.action, entry.match) == expected


def test_an_unknown_setting_names_those_allowed() -> None:
    file = read_file("faq/予約.md", "---\nurgent: yes\naction: reply\n扱い\n---\n" + HOURS)
    assert [format_problem(problem, "en") for problem in file.problems] == [
        'faq/予約.md:2: There is no setting "urgent". Allowed are tags / タグ, action / 扱い, match / 一致.',
        (
            'faq/予約.md:3: "action" cannot be "reply". '
            "Allowed are answer / 回答, suggest / 下書き, handoff / スタッフ, off / 停止."
        ),
        "faq/予約.md:4: A setting is written like `tags: hours`.",
    ]
    assert format_problem(file.problems[0], "ja") == (
        "faq/予約.md:2: 「urgent」という設定はありません。使えるのは tags / タグ, action / 扱い, match / 一致 です。"
    )


def test_a_setting_given_twice_is_an_error() -> None:
    assert error_lines("---\ntags: a\nタグ: b\n---\n" + HOURS) == [3]


@pytest.mark.parametrize("text", ["---\ntags: a\n" + HOURS, "---", "---\n\n", "---\ntags: a"])
def test_settings_that_are_never_closed_are_an_error(text: str) -> None:
    assert error_lines(text) == [1]


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# 題だけ"])
def test_a_file_without_entries_is_told(text: str) -> None:
    assert problems_of(text)[0][:2] == (1, "warning")


def test_every_problem_is_told_at_once_by_file_and_line() -> None:
    folder = read_folder(
        {"b.md": "## \n\n## 質問\n<b>x</b>", "a.md": "---\nx: 1\n---\n## 質問二\n", "_messages.md": "##"}
    )
    assert [(problem.file, problem.line) for problem in folder.problems] == [
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
    folder = read_folder({"a.md": HOURS + "## 休み\n> 何時まで？\n答え"})
    assert [problem.severity for problem in folder.problems] == ["warning"]
    assert len(folder.entries) == 2


def test_an_entry_that_is_off_may_repeat_words() -> None:
    assert not read_folder({"a.md": HOURS, "b.md": "---\n扱い: 停止\n---\n## 何時まで\n"}).problems


def test_a_broken_file_keeps_its_last_good_version() -> None:
    before = read_folder({"a.md": HOURS, "b.md": "## 二\n答え"})
    after = assemble([read_file("a.md", HOURS + "## \n"), read_file("b.md", "## 二\n新しい答え")], before.files)
    assert [entry.bubbles for entry in after.entries] == [("10時からです。",), ("新しい答え",)]
    assert {problem.file for problem in after.problems} == {"a.md"}
    assert assemble(after.files, after.files).files == after.files


def test_a_new_file_that_clashes_steps_back_and_the_old_one_stays() -> None:
    before = read_folder({"b.md": HOURS})
    after = assemble([read_file("a.md", "## 別 {#hours}\n答え"), *before.files], before.files)
    assert after.files == before.files
    assert [problem.file for problem in after.problems] == ["a.md"]


def test_an_entry_may_move_from_one_file_to_another() -> None:
    before = read_folder({"a.md": HOURS + "## 二 {#two}\n答え", "b.md": "## 三\n答え"})
    moved = [read_file("a.md", HOURS), read_file("b.md", "## 二 {#two}\n答え")]
    assert not assemble(moved, before.files).problems
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


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cs"])))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(read_file("a.md", text), FaqFile)
