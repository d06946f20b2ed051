"""The settings on top of a FAQ file: keys and values in two languages, dates, and what is wrong with them."""

import pytest

from service.core.entries import Entry
from service.core.faq import read_file
from service.core.folder import format_problem
from service.core.frontmatter import KEYS

HOURS = "## 営業時間は？ {#hours}\n> 何時まで\n\n10時からです。\n"


def read(top: str) -> Entry:
    """The entry under these settings, which hold no error."""
    file = read_file("a.md", f"\n---\n{top}\n---\n" + HOURS)
    assert not [problem for problem in file.problems if problem.severity == "error"]
    return file.entries[0]


def errors(top: str) -> list[str]:
    file = read_file("a.md", f"---\n{top}\n---\n" + HOURS)
    return [format_problem(problem, "en") for problem in file.problems if problem.severity == "error"]


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
    entry = read(settings)
    assert (entry.tags, entry.action, entry.match) == expected


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-31",
        "2026/12/31",
        "2026.12.31",
        "2026年12月31日",
        "２０２６年１２月３１日",
        "2026年 12月 31日",
        "令和8年12月31日",
    ],
)
@pytest.mark.parametrize("key", ["valid_until", "期限"])
def test_a_date_may_be_written_as_people_do(key: str, written: str) -> None:
    assert str(read(f"{key}: {written}").valid_until) == "2026-12-31"


def test_the_first_year_of_an_era_is_read() -> None:
    assert str(read("開始日: 令和元年5月1日").valid_from) == "2019-05-01"


@pytest.mark.parametrize("written", ["12月31日", "12/31", "12-31", "26/12/31"])
def test_a_date_without_a_year_is_an_error_that_asks_for_it(written: str) -> None:
    assert errors(f"期限: {written}") == [
        f'a.md:2: Which year is "{written}"? Write it with four digits, like `期限: 2026-12-31`.'
    ]


@pytest.mark.parametrize("written", ["2026-02-30", "2026年13月1日", "0000-01-01"])
def test_a_day_that_does_not_exist_is_an_error(written: str) -> None:
    assert errors(f"期限: {written}") == [f'a.md:2: There is no such day as "{written}".']


@pytest.mark.parametrize("written", ["年末", "", "2026", "2026-12-31まで"])
def test_what_is_no_date_is_an_error(written: str) -> None:
    assert errors(f"期限: {written}") == [f'a.md:2: "{written}" is no date. It is written like `期限: 2026-12-31`.']


def test_a_time_that_ends_before_it_begins_is_an_error() -> None:
    assert errors("期限: 2026-01-01\n開始日: 2026-01-02") == [
        "a.md:2: valid_until (2026-01-01) is before valid_from (2026-01-02)."
    ]
    assert errors("開始日: 2026-01-01\n期限: 2026-01-01") == []


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("yes", True),
        ("はい", True),
        ("Ｙｅｓ", True),
        ("true", True),
        ("○", True),
        ("no", False),
        ("いいえ", False),
        ("off", False),
    ],
)
def test_yes_and_no_are_understood_in_both_languages(written: str, *, expected: bool) -> None:
    entry = read(f"緊急: {written}\nquiet: {written}\n非公開：{written}")
    assert [entry.urgent, entry.quiet, entry.private] == [expected] * 3


def test_what_is_neither_yes_nor_no_is_an_error() -> None:
    assert errors("緊急: たぶん") == ['a.md:2: "緊急" cannot be "たぶん". Allowed are yes / はい, no / いいえ.']


@pytest.mark.parametrize(
    ("written", "expected"), [("ja", "ja"), ("日本語", "ja"), ("EN", "en"), ("英語", "en"), ("韓国語", "ko")]
)
def test_a_language_is_a_code_or_its_name(written: str, expected: str) -> None:
    assert read(f"言語: {written}").lang == expected


def test_an_unknown_language_is_an_error() -> None:
    (error,) = errors("lang: jp")
    assert error.startswith('a.md:2: "lang" cannot be "jp". Allowed are ja / 日本語, en / 英語')


def test_what_a_booking_must_tell_is_a_list() -> None:
    assert read("確認：お名前、ご希望の日時（第3希望まで）、メニュー").ask == (
        "お名前",
        "ご希望の日時（第3希望まで）",
        "メニュー",
    )


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("urgnt", "urgent"),
        ("期限日", "期限"),
        ("tag", "tags"),
        ("valid-until", "valid_until"),
        ("ｔａｇ", "tags"),
        ("非公開設定", "非公開"),
    ],
)
def test_an_unknown_setting_names_the_nearest_one(written: str, near: str) -> None:
    assert errors(f"{written}：x") == [f'a.md:2: There is no setting "{written}". Did you mean "{near}"?']


def test_a_setting_like_none_of_them_names_those_allowed() -> None:
    (error,) = errors("料金: 4,400円")
    assert error.startswith('a.md:2: There is no setting "料金". Allowed are tags / タグ, action / 扱い,')
    assert all(key in error for key in KEYS)


def test_every_problem_of_the_settings_is_told_in_both_languages() -> None:
    file = read_file("faq/予約.md", "---\nurgentt: yes\naction: reply\n扱い\n---\n" + HOURS)
    assert [format_problem(problem, "en") for problem in file.problems] == [
        'faq/予約.md:2: There is no setting "urgentt". Did you mean "urgent"?',
        (
            'faq/予約.md:3: "action" cannot be "reply". '
            "Allowed are answer / 回答, suggest / 下書き, handoff / スタッフ, off / 停止."
        ),
        "faq/予約.md:4: A setting is written like `tags: hours`.",
    ]
    assert format_problem(file.problems[0], "ja") == (
        "faq/予約.md:2: 「urgentt」という設定はありません。「urgent」のことですか。"
    )


def test_a_setting_given_twice_is_an_error() -> None:
    assert errors("tags: a\nタグ: b") == ['a.md:3: "タグ" is set twice.']


@pytest.mark.parametrize(
    "text", ["---", "---\n\n", "---\ntags: a", "---\ntags: a\n" + HOURS, "tags: a", "タグ：a\n# 題"]
)
def test_settings_that_are_never_closed_end_where_they_can_only_end(text: str) -> None:
    file = read_file("a.md", text)
    assert not [problem for problem in file.problems if problem.severity == "error"]
    assert [entry.tags for entry in file.entries] == ([("a",)] if HOURS in text else [])


def test_a_rule_in_an_answer_does_not_close_forgotten_settings() -> None:
    file = read_file("a.md", "---\ntags: a\n## 質問\n> b\n\n一\n\n---\n\n二\n")
    assert (file.entries[0].tags, file.entries[0].bubbles) == (("a",), ("一", "二"))


def test_an_ordinary_line_with_a_colon_is_no_setting() -> None:
    file = read_file("a.md", "営業時間: 10時から\n\n" + HOURS)
    assert file.entries[0].tags == ()
    assert [problem.line for problem in file.problems] == [1], "it belongs to no entry"
