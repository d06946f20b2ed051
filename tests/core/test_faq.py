"""FAQ files as people write them, and the problems they are told about."""

import pytest

from service.core.entries import Entry
from service.core.faq import fix_text, read_file

HOURS = "## 営業時間は？ {#hours}\n> 何時まで\n\n10時からです。\n"


def only_entry(text: str) -> Entry:
    file = read_file("a.md", text)
    assert not [problem for problem in file.problems if problem.severity == "error"]
    (entry,) = file.entries
    return entry


def problems_of(text: str) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.severity, problem.en) for problem in read_file("a.md", text).problems]


def error_lines(text: str) -> list[int]:
    return [line for line, severity, _ in problems_of(text) if severity == "error"]


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
    assert not read_file("a.md", text).problems
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


@pytest.mark.parametrize("entry_id", ["営業", "", "a!b", "a" * 61, "ａ！"])
def test_an_id_of_other_characters_is_an_error(entry_id: str) -> None:
    assert error_lines(f"\n## 質問 {{#{entry_id}}}\n答え") == [2]


def test_each_quoted_line_is_a_phrasing() -> None:
    text = "## 質問\n\n>一\n＞　二\n> - 三\n> * 四\n>・五\n>\n> \n\n> -5%になる？\n>> 七\n答え"
    assert only_entry(text).phrasings == ("一", "二", "三", "四", "五", "-5%になる？", "七")


def test_a_phrasing_that_repeats_another_or_the_heading_is_left_out() -> None:
    assert only_entry("## 何時まで？\n> 何時まで\n> 今日は？\n> 今日は！\n答え").phrasings == ("今日は？",)


def test_a_phrasing_without_words_is_left_out_and_told() -> None:
    assert (2, "warning", '"？？" holds no words and cannot be used as a phrasing.') in problems_of(
        "## 質問\n> ？？\n答え"
    )


@pytest.mark.parametrize(
    ("top", "is_told"), [("", True), ("扱い: スタッフ", True), ("一致: キーワード", False), ("扱い: 停止", False)]
)
def test_an_entry_without_phrasings_is_told_where_they_are_needed(top: str, *, is_told: bool) -> None:
    told = [en for _, severity, en in problems_of(f"---\n{top}\n---\n## 質問\n\n答え") if severity == "warning"]
    assert (
        [] if not is_told else ['"質問" has no phrasings. Write about five lines `> - phrasing` under the heading.']
    ) == told


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
    assert not [problem for problem in file.problems if problem.severity == "error"]


def test_a_hashtag_belongs_to_the_answer_and_is_told() -> None:
    file = read_file("a.md", "#題\n## 一\nインスタはこちら\n#すみれヘア")
    assert file.entries[0].bubbles == ("インスタはこちら\n#すみれヘア",)
    assert [(problem.line, problem.severity) for problem in file.problems if problem.is_mendable] == [
        (1, "warning"),
        (4, "warning"),
    ]


def test_text_outside_of_entries_is_told_once_a_stretch() -> None:
    assert [line for line, *_ in problems_of("# 題\n説明\n\n説明\n---\n# 題\n説明\n" + HOURS)] == [2, 7]


def test_a_commented_entry_is_not_there_and_lines_keep_their_numbers() -> None:
    text = "<!--\n## 古い質問\n答え\n-->\n" + HOURS + "<!-- メモ -->"
    assert only_entry(text).line == 5


def test_an_open_comment_is_an_error() -> None:
    assert error_lines(HOURS + "<!-- メモ") == [5]


def test_markup_that_line_cannot_show_is_told() -> None:
    text = "## 質問\n<b>改行</b>です\n~~5,000円~~\n地図は![地図](map.jpg)です"
    assert error_lines(text) == [2, 2, 3, 4]
    assert error_lines("## <b>質問</b>\n答え") == [1, 1]


def test_a_heading_loses_its_marks() -> None:
    assert only_entry("## **「カット」**の料金\n答え").question == "「カット」の料金"


@pytest.mark.parametrize("heading", ["##", "## ", "＃＃　", "## {#q}", "## ？"])
def test_a_heading_without_words_is_an_error(heading: str) -> None:
    assert error_lines(f"{heading}\n答え") == [1]


def test_an_answer_is_needed_only_where_one_is_sent() -> None:
    assert error_lines("## 質問\n> 言い回し\n") == [1]
    assert only_entry("---\n扱い: スタッフ\n---\n## 質問\n").bubbles == ()
    assert only_entry("---\naction: off\n---\n## 質問\n").action == "off"


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# 題だけ"])
def test_a_file_without_entries_is_told(text: str) -> None:
    assert problems_of(text)[0][:2] == (1, "warning")


@pytest.mark.parametrize("heading", ["## 本日は{today_hours}", "## 質問 {parking}"])
def test_a_word_in_braces_in_a_heading_is_an_error_with_the_way_to_write_an_id(heading: str) -> None:
    (problem,) = [problem for problem in read_file("a.md", heading + "\n答え").problems if problem.severity == "error"]
    assert "{#" in problem.ja
    assert "{#" in problem.en


def test_a_character_that_was_lost_is_an_error() -> None:
    assert error_lines(HOURS + "\ufffd") == [5]


def test_settings_of_the_file_hold_for_each_entry() -> None:
    top = (
        "---\nタグ: 予約\n開始日: 2026-11-01\n期限: 2026年12月31日\n見直し: 2026/12/01\n言語: 英語\n"
        "確認: お名前、ご希望の日時\n緊急: はい\n控えめ: yes\n非公開: はい\n---\n"
    )
    one, two = read_file("a.md", top + "## 一\n> a\n\n答え\n## 二\n> b\n\n答え").entries
    for entry in (one, two):
        assert (str(entry.valid_from), str(entry.valid_until), str(entry.review_by)) == (
            "2026-11-01",
            "2026-12-31",
            "2026-12-01",
        )
        assert (entry.lang, entry.ask, entry.tags) == ("en", ("お名前", "ご希望の日時"), ("予約",))
        assert entry.urgent
        assert entry.quiet
        assert entry.private


def test_a_line_that_no_bubble_can_hold_is_an_error_of_its_own() -> None:
    text = HOURS + "|" * 10_001
    assert problems_of(text) == [(5, "error", "This line is too long: a line holds at most 10,000 characters.")]
    assert fix_text(text) == text
