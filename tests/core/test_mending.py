"""Each thing that people type oddly: read as meant, warned about, and written as it should be by `--fix`."""

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.entries import Entry
from service.core.faq import fix_text, read_file
from service.core.mending import mend
from service.core.oddities import OddKind

HEAD = "## 質問 {#q}\n> 言い回し\n\n"


class Case(NamedTuple):
    """A file as typed and as it should be, the oddities by line, and the question, phrasings and bubbles meant."""

    typed: str
    fixed: str
    odd: list[tuple[int, OddKind]]
    question: str = "質問"
    phrasings: tuple[str, ...] = ("言い回し",)
    bubbles: tuple[str, ...] = ("答え",)


def answer(typed: str, fixed: str, kinds: list[OddKind], *bubbles: str) -> Case:
    """A case in the first line of an answer."""
    return Case(HEAD + typed, HEAD + fixed, [(4, kind) for kind in kinds], bubbles=bubbles)


WHOLE = HEAD + "答え\n"
CASES = {
    "no space after ##": Case("##質問{#q}\n> 言い回し\n\n答え", "## 質問{#q}\n> 言い回し\n\n答え", [(1, "heading")]),
    "full-width ##": Case("＃＃質問 {#q}\n> 言い回し\n\n答え", HEAD + "答え", [(1, "heading")]),
    "mixed ##": Case("＃#　質問 {#q}\n> 言い回し\n\n答え", HEAD + "答え", [(1, "heading")]),
    "closed heading": Case("## 質問 {#q} ##\n> 言い回し\n\n答え", HEAD + "答え", [(1, "heading")]),
    "indented heading": Case(" ## 質問 {#q}\n> 言い回し\n\n答え", HEAD + "答え", [(1, "heading")]),
    "full-width id": Case("## 質問｛＃ｑ｝\n> 言い回し\n\n答え", HEAD + "答え", [(1, "id")]),
    "id in capitals": Case("## 質問 { #Q }\n> 言い回し\n\n答え", HEAD + "答え", [(1, "id")]),
    "id of two words": Case(
        "## 質問 {#Q a.b}\n> 言い回し\n\n答え", "## 質問 {#q-a-b}\n> 言い回し\n\n答え", [(1, "id")]
    ),
    "title without a space": Case("#題\n" + WHOLE, "# 題\n" + WHOLE, [(1, "title")]),
    "full-width title": Case(WHOLE + "＃　題\n", WHOLE + "# 題\n", [(5, "title")]),
    "subheading without a space": answer("###料金\n", "### 料金\n", ["subheading"], "料金"),
    "full-width subheading": answer("＃＃＃　料金 ###\n", "### 料金\n", ["subheading"], "料金"),
    "hashtag": answer("#すみれヘア", "\\#すみれヘア", ["hashtag"], "#すみれヘア"),
    "full-width hashtag": answer("＃すみれヘア", "＃すみれヘア", [], "＃すみれヘア"),
    "full-width quote": Case("## 質問 {#q}\n＞言い回し\n\n答え", "## 質問 {#q}\n>言い回し\n\n答え", [(2, "quote")]),
    "quote with a full-width space": Case("## 質問 {#q}\n>　言い回し\n\n答え", HEAD + "答え", [(2, "quote")]),
    "quote with a dot": Case(
        "## 質問 {#q}\n＞・言い回し\n\n答え", "## 質問 {#q}\n> - 言い回し\n\n答え", [(2, "quote")]
    ),
    "doubled quote": Case("## 質問 {#q}\n>> 言い回し\n\n答え", HEAD + "答え", [(2, "quote")]),
    "answer right under the quote": Case("## 質問 {#q}\n> 言い回し\n答え", HEAD + "答え", [(3, "quote_end")]),
    "--- under a line": Case(HEAD + "一\n---\n二", HEAD + "一\n\n---\n\n二", [(5, "rule_blank")], bubbles=("一", "二")),
    "--- above a line": Case(
        HEAD + "一\n\n---\n二", HEAD + "一\n\n---\n\n二", [(6, "rule_blank")], bubbles=("一", "二")
    ),
    "wide table": answer(
        "｜品｜値｜\n｜ー｜ー｜\n｜カット｜4,400円｜",
        "|品|値|\n|-|-|\n|カット|4,400円|",
        ["table"],
        "カット：4,400円",
    )._replace(odd=[(4, "table"), (5, "table"), (6, "table")]),
    "table without its rule": answer(
        "| カット | 4,400円 |\n| カラー | 6,600円 |",
        "|   |   |\n|---|---|\n| カット | 4,400円 |\n| カラー | 6,600円 |",
        ["table_rule"],
        "カット：4,400円\nカラー：6,600円",
    ),
    "three columns without their rule": answer(
        "|カット|4,400円|60分|\n|カラー|6,600円|90分|",
        "|   |   |   |\n|---|---|---|\n|カット|4,400円|60分|\n|カラー|6,600円|90分|",
        ["table_rule"],
        "カット　4,400円／60分\nカラー　6,600円／90分",
    ),
    "bullet with a full-width space": answer(
        "-　カット\n　-　前髪", "- カット\n  - 前髪", [], "・カット\n　・前髪"
    )._replace(odd=[(4, "bullet"), (5, "bullet")]),
    "backslash for yen": answer(r"カット \1,000から", "カット ¥1,000から", ["yen"], "カット ¥1,000から"),
    "full-width backslash for yen": answer("料金＼1,000", "料金¥1,000", ["yen"], "料金¥1,000"),
    "br": answer("一<br>二<BR/>", "一\n二", ["break"], "一\n二"),
    "br in a table": answer("|a|b|\n|-|-|\n|x<br>y|z|", "|a|b|\n|-|-|\n|x y|z|", [], "x y：z")._replace(
        odd=[(6, "break")]
    ),
    "full-width link": answer(
        "［予約］（https://a.example/x）です",
        "[予約](https://a.example/x)です",
        ["link"],
        "予約 https://a.example/x です",
    ),
    "link with a space": answer("[予約] (tel:03-1234-5678)", "[予約](tel:03-1234-5678)", ["link"], "03-1234-5678"),
    "smart quotes in a link": answer(
        "[予約](https://a.example/ “題”)", "[予約](https://a.example/)", ["link"], "予約 https://a.example/"
    ),
    "reference links": Case(
        HEAD + "[予約][b]と[電話]\n\n[b]: https://a.example/b\n[電話]: tel:03-1234-5678\n",
        HEAD + "[予約](https://a.example/b)と[電話](tel:03-1234-5678)\n\n",
        [(6, "reference"), (7, "reference")],
        bubbles=("予約 https://a.example/b と03-1234-5678",),
    ),
    "full-width address": answer("ｈｔｔｐｓ：／／ａ．example", "https://a.example", ["url"], "https://a.example"),
    "words after an address": answer(
        "詳しくはhttps://a.example/xをご覧ください",
        "詳しくはhttps://a.example/x をご覧ください",
        ["url_end"],
        "詳しくはhttps://a.example/x をご覧ください",
    ),
    "full-width placeholder": answer(
        "本日は｛Today_Hours｝", "本日は{today_hours}", ["placeholder"], "本日は{today_hours}"
    ),
    "tab": answer("-\tカット", "- カット", ["tab"], "・カット"),
    "tab as indentation": answer("\t- カット", "    - カット", ["tab"], "　　・カット"),
    "no-break space": answer("カット\xa04,400円", "カット 4,400円", ["space"], "カット 4,400円"),
    "zero-width space": answer("カット\u200b4,400円\ufeff", "カット4,400円", ["invisible"], "カット4,400円"),
    "marks of direction": answer("\u202a03-1234-5678\u202c", "03-1234-5678", ["invisible"], "03-1234-5678"),
    "joiner without anything to join": answer("か\u200dみ", "かみ", ["invisible"], "かみ"),
    "control characters": answer("答\0え\x1b", "答え", ["control"], "答え"),
    "line separator": answer("一\u2028二", "一\n二", ["separator"], "一\n二"),
    "letters in two parts": answer("か\u3099はは\u309aハ\u309a", "がはぱパ", ["decomposed"], "がはぱパ"),
    "byte order mark": Case("\ufeff" + WHOLE, WHOLE, [(1, "bom")]),
    "Windows": Case(WHOLE.replace("\n", "\r\n"), WHOLE, [(1, "line_ends")]),
    "old Mac": Case(WHOLE.replace("\n", "\r"), WHOLE, [(1, "line_ends")]),
    "no closing border": Case("---\nタグ: x\n\n" + WHOLE, "---\nタグ: x\n---\n\n" + WHOLE, [(2, "no_closing")]),
    "no opening border": Case("タグ: x\n---\n" + WHOLE, "---\nタグ: x\n---\n" + WHOLE, [(1, "no_opening")]),
    "no border at all": Case(
        "タグ: x\n\n" + WHOLE, "---\nタグ: x\n---\n\n" + WHOLE, [(1, "no_closing"), (1, "no_opening")]
    ),
    "other borders": Case(
        "ーーー\nタグ: x\n―――\n" + WHOLE, "---\nタグ: x\n---\n" + WHOLE, [(1, "border"), (3, "border")]
    ),
    "full-width colon": Case("---\nタグ： x\n---\n" + WHOLE, "---\nタグ: x\n---\n" + WHOLE, [(2, "setting")]),
    "full-width comma": Case("---\nタグ: x，y\n---\n" + WHOLE, "---\nタグ: x、y\n---\n" + WHOLE, [(2, "setting")]),
    "full-width key and value": Case(
        "---\nＭＡＴＣＨ: Ｍｅａｎｉｎｇ\n---\n" + WHOLE, "---\nmatch: meaning\n---\n" + WHOLE, [(2, "setting")]
    ),
    "brackets and quotes of YAML": Case(
        '---\ntags: ["x", "y"]\nurgent: "True"\n---\n' + WHOLE,
        "---\ntags: x、y\nurgent: yes\n---\n" + WHOLE,
        [(2, "setting"), (3, "setting")],
    ),
}
RULES = ["ー--", "ーーー", "―――", "———", "─────", "－－－", "‐‐‐", "−−−", " --- ", "***", "* * *", "- - -"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_read_as_meant_warned_about_and_mended(case: Case) -> None:
    file = read_file("a.md", case.typed)
    (entry,) = file.entries
    assert (entry.question, entry.phrasings, entry.bubbles) == (case.question, case.phrasings, case.bubbles)
    assert [(oddity.line, oddity.kind) for oddity in mend(case.typed).oddities] == case.odd
    assert [problem.line for problem in file.problems if problem.is_mendable] == [line for line, _ in case.odd]
    assert fix_text(case.typed) == case.fixed
    mended = read_file("a.md", case.fixed)
    assert without_places(mended.entries) == without_places(file.entries)
    assert not mended.problems


def without_places(entries: tuple[Entry, ...]) -> list[Entry]:
    return [msgspec.structs.replace(entry, line=0) for entry in entries]


@pytest.mark.parametrize("rule", RULES)
def test_a_line_of_dashes_or_stars_starts_the_next_bubble(rule: str) -> None:
    typed = HEAD + f"一\n{rule}\n二"
    assert read_file("a.md", typed).entries[0].bubbles == ("一", "二")
    assert {oddity.line for oddity in mend(typed).oddities} == {5}
    assert fix_text(typed) == HEAD + "一\n\n---\n\n二"


@pytest.mark.parametrize(
    "text",
    [
        "火〜金 10:00~20:00、土 9:00~19:00",
        "**「カット」**が人気です",
        "2026. 1月から\n1. 予約\n2. 来店\n3) お会計",
        "-5%オフ\n\\- 線ではない",
        "“カット”と‘カラー’ \"A\" 'B'",
        "`\\1,000 {x} <br> \u3000`",
        "```\n## ではない\\1\n```".replace("## ", "# "),
        "カット　4,400円　",
        "👨‍👩‍👧 1️⃣ 🏳️‍🌈",
        "平日 | 10時",
        "[要予約][注]と[注意]",
        "https://a.example/\\1 と https://ja.example/日本語、https://a.example/。",
        "\\---",
        "━━━━━━━━",
        "e-mail: a@shop.example",
        "まいど\nーー\nどうも",
        "שלום \u200f(abc)",
        "<!-- メモ\t\xa0 -->",
    ],
)
def test_what_is_not_odd_is_left_alone(text: str) -> None:
    typed = HEAD + text.replace("\t\xa0", "") + "\n"
    assert fix_text(typed) == typed
    assert not mend(typed).oddities


def test_comments_are_never_sent_and_never_lost() -> None:
    typed = HEAD + "一<!-- 秘密 -->二\n<!-- 三\n\n## 四 -->\n五 <!-- a --> <!-- b\n-->六"
    assert read_file("a.md", typed).entries[0].bubbles == ("一二\n五\n六",)
    assert fix_text(typed) == typed


def test_a_line_with_a_comment_is_read_as_meant_and_not_rewritten() -> None:
    typed = "＃＃質問 <!-- 旧 -->\n> 言い回し\n\n答え\n"
    file = read_file("a.md", typed)
    assert (file.entries[0].question, [problem.line for problem in file.problems]) == ("質問", [1])
    assert fix_text(typed) == typed


def test_an_address_that_is_still_needed_or_only_shown_is_kept() -> None:
    typed = HEAD + "[予約][b] [b] <!-- メモ -->\n```\n[b]: https://a.example/b\n```\n\n[b]: https://a.example/c\n"
    assert fix_text(typed) == typed, "a line with a comment is not rewritten, code is code"
    twice = HEAD + "[予約][b]\n\n[b]: https://a.example/b\n[b]: https://a.example/c\n"
    assert fix_text(twice) == HEAD + "[予約](https://a.example/b)\n\n[b]: https://a.example/c\n"


def test_an_open_comment_is_an_error() -> None:
    file = read_file("a.md", WHOLE + "<!-- メモ")
    assert [(problem.line, problem.severity) for problem in file.problems] == [(5, "error")]


def test_a_remark_among_the_settings_stays() -> None:
    typed = "---\n# 人のための言葉\nタグ: x\n<!-- メモ -->\n---\n" + WHOLE
    assert (read_file("a.md", typed).entries[0].tags, fix_text(typed)) == (("x",), typed)


def test_ids_are_written_down_once_and_for_good() -> None:
    typed = "## 質問\n> 言い回し\n\n答え\n\n##別の質問　\n\n答え"
    fixed = fix_text(typed)
    assert fixed == "## 質問 {#71f69a50}\n> 言い回し\n\n答え\n\n## 別の質問 {#9b8b6b6d}\n\n答え".replace(
        "9b8b6b6d", read_file("", typed).entries[1].id
    )
    changed = read_file("a.md", fixed.replace("## 質問", "## 新しい質問"))
    assert (changed.entries[0].id, changed.entries[0].question) == ("71f69a50", "新しい質問")


def test_an_id_that_two_headings_would_share_is_not_written() -> None:
    typed = "## 質問\n\n一\n\n## 質問\n\n二"
    assert fix_text(typed) == typed


def test_the_id_of_a_heading_does_not_depend_on_how_its_letters_are_made() -> None:
    assert read_file("", "## か\u3099").entries[0].id == read_file("", "## が").entries[0].id


FRAGMENTS = [
    *(
        [
            "---",
            "ーーー",
            "***",
            "-",
            "##",
            "＃＃",
            "#",
            "###",
            "質問",
            "{#a}",
            "｛＃B｝",
            ">",
            "＞",
            "・",
            "答え",
            "です",
            "タグ：一，二",
            "期限：2026年1月1日",
            "<!--",
            "-->",
            "<b>",
            "<br>",
        ]
    ),
    *(
        [
            "|",
            "｜",
            "|---|",
            "\\1",
            "`",
            "```",
            "[x][y]",
            "{phone}",
            "｛phone｝",
            "![x](a.jpg)",
            "！［x］（a.jpg）",
            "*",
            "\\",
            "!",
            "]",
            "[",
            "(",
            ")",
            "：",
            ":",
            "~~",
        ]
    ),
    *(["[x](https://a.example/)", "［x］（https://a.example/）", "https://a.example/x"]),
    *("\n", "\n\n", "\r", "\t", " ", "　", "\u200b", "\xa0", "\0", "\u2028", "か\u3099", "\u200d", "\ufeff"),
    "[y]: https://a.example/\n",
]
BEGINNINGS = ("", "## 質問\n", HEAD, "---\ntags: x\n", HEAD + "| a | b |\n|---|---|\n")
TYPED = st.tuples(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)).map(
    "".join
)
ANYTHING = st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cf", "Cs"]))


@given(TYPED | ANYTHING)
def test_fixing_changes_no_meaning_and_fixing_again_changes_nothing(typed: str) -> None:
    fixed = fix_text(typed)
    assert fix_text(fixed) == fixed
    before, after = read_file("a.md", typed), read_file("a.md", fixed)
    assert without_places(after.entries) == without_places(before.entries)
    assert {(one.severity, one.en) for one in after.problems} <= {(one.severity, one.en) for one in before.problems}


@given(TYPED | ANYTHING)
def test_what_is_mended_is_odd_no_more(typed: str) -> None:
    mended = mend(typed).text
    again = mend(mended)
    assert again.text == mended
    assert not again.oddities or "<!--" in mended


@given(TYPED | ANYTHING)
def test_any_text_can_be_read_and_every_problem_has_its_line(typed: str) -> None:
    lines = typed.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= problem.line <= lines for problem in read_file("a.md", typed).problems)


@given(st.lists(st.sampled_from(["<!--", "-->", "\n", "x", "## a", "> b", "＃＃"])).map("".join))
def test_no_comment_is_lost(typed: str) -> None:
    fixed = fix_text(typed)
    assert fixed.count("<!--") == typed.count("<!--")
    assert fixed.count("-->") == typed.count("-->")


@pytest.mark.parametrize(
    "line", ["<!--\n", "```x\n", "a\n---\n", "- a | b\n", "> a\n", "[a]: https://x.example\n", "## a\n"]
)
def test_reading_takes_time_in_proportion_to_the_file(line: str) -> None:
    """Thirty thousand times the same: what looked at all lines for each line would take minutes."""
    assert read_file("a.md", HEAD + line * 30_000).problems
