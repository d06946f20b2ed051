"""Markdown answers as LINE shows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.linetext import Finding, Line, to_line_text


def numbered_lines(text: str) -> list[Line]:
    return [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]


def shown(text: str) -> str:
    return to_line_text(numbered_lines(text)).text


def findings(text: str) -> tuple[Finding, ...]:
    return to_line_text(numbered_lines(text)).findings


def test_a_newline_in_the_file_is_a_newline_on_line() -> None:
    assert shown("火〜金 10:00~20:00\n土日祝 9:00~19:00") == "火〜金 10:00~20:00\n土日祝 9:00~19:00"


def test_blank_lines_at_the_ends_go_and_several_become_one() -> None:
    assert shown("\n　\n一\n\n \n\n二  \n\n") == "一\n\n二"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[ご予約はこちら](https://shop.example/booking)", "ご予約はこちら https://shop.example/booking"),
        ("[予約](<https://shop.example/a_b_c> 'タイトル')です", "予約 https://shop.example/a_b_c です"),
        ("[地図](https://ja.wiki.example/駅_(東京))へ", "地図 https://ja.wiki.example/駅_(東京) へ"),
        ("[https://shop.example](https://shop.example)", "https://shop.example"),
        ("**[予約](https://shop.example/*a*)**", "予約 https://shop.example/*a*"),
        ("[**予約**](https://shop.example/)", "予約 https://shop.example/"),
        ("<https://shop.example/_a_>", "https://shop.example/_a_"),
        ("**https://shop.example/_a_**", "https://shop.example/_a_"),
        ("お[電話](tel:03-1234-5678)ください", "お03-1234-5678ください"),
        ("[03-1234-5678](tel:+81312345678)", "03-1234-5678"),
        ("[メール](mailto:hello@shop.example)", "メール hello@shop.example"),
        ("<hello@shop.example>", "hello@shop.example"),
        ("[要予約] です（[注]）", "[要予約] です（[注]）"),
    ],
)
def test_a_link_becomes_its_text_and_address(markdown: str, expected: str) -> None:
    assert shown(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**「カット」**が人気です", "「カット」が人気です"),
        ("当日は**必ず**お電話を", "当日は必ずお電話を"),
        ("***大事***と__大事__と_大事_と*大事*", "大事と大事と大事と大事"),
        ("__大事__です *大事* です", "大事です 大事 です"),
        ("**カット **が人気", "カット が人気"),
        ("**_とても_**", "とても"),
        ("お待ちしています(*^^*)また(*^^*)", "お待ちしています(*^^*)また(*^^*)"),
        ("お願いしますm(__)m すみませんm(__)m", "お願いしますm(__)m すみませんm(__)m"),
        ("(^_^) はい (^_^)", "(^_^) はい (^_^)"),
        (r"やった\(^o^)/", r"やった\(^o^)/"),
        ("10:00~20:00、14:00~15:00", "10:00~20:00、14:00~15:00"),
        ("幅2*3*4 snake_case_name", "幅2*3*4 snake_case_name"),
        ("* 印は税込", "・印は税込"),
        ("※*印は税込", "※*印は税込"),
        ("`WiFi-Sumire` の ``pass_word_1``", "WiFi-Sumire の pass_word_1"),
        ("**", "**"),
    ],
)
def test_emphasis_goes_and_what_only_looks_like_it_stays(markdown: str, expected: str) -> None:
    assert shown(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (r"カット \4,400〜", r"カット \4,400〜"),
        (r"\1,000 と \*5 と \_ と 1\. と \\", r"\1,000 と *5 と _ と 1. と " + "\\"),
        (r"\- ハイフン", "- ハイフン"),
        (r"\> 引用", "> 引用"),
        (r"\*そのまま\*", "*そのまま*"),
        ("A&amp;B &lt;3 Q&A;", "A&B <3 Q&A;"),
    ],
)
def test_escapes_are_undone_but_a_typed_yen_sign_stays(markdown: str, expected: str) -> None:
    assert shown(markdown) == expected


def test_bullets_become_dots_and_numbers_stay() -> None:
    assert shown("- カット\n+ カラー\n* パーマ\n  - デジタル\n1. 予約\n2) 来店") == (
        "・カット\n・カラー\n・パーマ\n　・デジタル\n1. 予約\n2) 来店"
    )
    assert shown("2026. 1月\n-5%オフ\n*印") == "2026. 1月\n-5%オフ\n*印"


def test_headings_below_an_entry_become_their_text() -> None:
    assert shown("### 料金\n#### カラー") == "料金\nカラー"


def test_a_table_of_two_columns_becomes_pairs() -> None:
    assert shown("| メニュー | 料金 |\n|---|---:|\n| **カット** | 4,400円 |\n| カラー | 6,600円〜 |\n以上") == (
        "カット：4,400円\nカラー：6,600円〜\n以上"
    )


def test_a_wider_table_names_its_columns() -> None:
    table = "メニュー | 料金 | 時間\n--- | --- | ---\nカット | 4,400円 | 60分\nカラー | | 90分"
    table += "\n眉 | 1,100円 | 10分 | 要予約"
    assert shown(table) == "カット　料金 4,400円／時間 60分\nカラー　時間 90分\n眉　料金 1,100円／時間 10分／要予約"


def test_a_cell_may_hold_a_bar_and_a_bar_alone_makes_no_table() -> None:
    assert shown("|a|b|\n|-|-|\n|x\\|y|z|") == "x|y：z"
    assert shown("平日 | 10時\n土日 | 9時") == "平日 | 10時\n土日 | 9時"


def test_html_is_found_with_its_line() -> None:
    assert findings("改行<br>です\n\n<div class='x'>a</div>") == (
        Finding(1, "html", "<br>"),
        Finding(3, "html", "<div class='x'>"),
        Finding(3, "html", "</div>"),
    )


def test_words_in_angle_brackets_are_no_html() -> None:
    text = "<NEW> <お知らせ> <A>コース 1 < 2 <3"
    assert (shown(text), findings(text)) == (text, ())


def test_struck_out_text_is_found_because_line_would_show_it_as_valid() -> None:
    assert findings("~~5,000円~~ 4,000円") == (Finding(1, "strike", "~~5,000円~~"),)
    assert findings("10~~20分、30~~40分") == ()


def test_an_image_leaves_its_description() -> None:
    assert shown("![店の前の地図](img/map.jpg)") == "店の前の地図"
    assert findings("![店の前の地図](img/map.jpg)") == (Finding(1, "image", "![店の前の地図](img/map.jpg)"),)


@given(st.text(st.sampled_from("あa1*_~`[]()!<>|-#\\&;: \n\0\1「」")))
def test_any_text_can_be_read(text: str) -> None:
    assert "\n\n\n" not in shown(text)


@given(st.text(st.characters(categories=["Lo", "Nd"]), min_size=1))
def test_plain_words_are_sent_word_for_word(text: str) -> None:
    assert shown(text) == text
