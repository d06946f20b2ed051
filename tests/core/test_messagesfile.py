"""`_messages.md`: the shop's own words for what the bot says."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.messagesfile import read_messages
from service.core.texts import MessageName, Texts


def told(text: str) -> list[str]:
    return [f"{problem.line}: {problem.en}" for problem in read_messages(text).problems]


def test_texts_are_read_by_name_and_language() -> None:
    file = read_messages(
        "\ufeff# 自動応答の文章\n\n"
        "## handoff_open\n\nお問い合わせ**ありがとう**ございます。\n<!-- 店長に確認済み -->\n{when}お返事します。\n\n"
        "＃＃ Media . EN\nThank you!\n---\n[Map](https://shop.example/map)\n\n"
        "## group\n"
    )
    assert file.problems == ()
    assert file.texts == Texts(
        {
            "handoff_open.ja": ("お問い合わせありがとうございます。\n{when}お返事します。",),
            "media.en": ("Thank you!", "Map https://shop.example/map"),
            "group.ja": (),
        }
    )
    assert file.lines == {"handoff_open.ja": 3, "media.en": 9, "group.ja": 14}


@pytest.mark.parametrize("text", ["", "\n\n", "# 見出しだけ\n", "<!-- まだ -->\n"])
def test_an_empty_file_changes_nothing(text: str) -> None:
    assert (read_messages(text).texts, told(text)) == (Texts(), [])


def test_headings_and_hashtags_inside_a_text_belong_to_it() -> None:
    file = read_messages("## welcome\n#すみれ\n### ご案内\nようこそ\n")
    assert file.texts == Texts({"welcome.ja": ("#すみれ\nご案内\nようこそ",)})


def test_a_title_ends_a_text() -> None:
    file = read_messages("## welcome\nようこそ\n# 通知\n\n## media\n拝見します\n")
    assert file.texts == Texts({"welcome.ja": ("ようこそ",), "media.ja": ("拝見します",)})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("## welcom\nようこそ\n", '1: There is no text "welcom". Did you mean "welcome"?'),
        ("## ようこそ\nようこそ\n", '1: There is no text "ようこそ". Allowed are welcome, greeting, handoff_open'),
        ("## bot\nロボ\n", '1: There is no text "bot".'),
        ("## media.fr\nMerci\n", '1: There is no language ".fr". English is `## media.en`.'),
        ("## media\na\n\n## media.ja\nb\n", '4: "media.ja" is written twice (also in line 1).'),
        ("こんにちは\n\n## media\na\n", "1: This text is under no heading."),
        ("## media\n\n# 通知\nこの文は?\n", "4: This text is under no heading."),
        ("## media\n{wen}お返事します\n", '1: "{wen}" cannot be used in "media". Did you mean "when"?'),
        ("## media\n{ask}\n", '1: "{ask}" cannot be used in "media".'),
        ("## media\n<b>太字</b>\n", "2: LINE cannot show <b>. Remove that part."),
        ("## media\n~~取消~~\n", "2: LINE cannot show ~~取消~~. Remove that part."),
        ("## media\n<!-- 閉じない\n", "2: The comment <!-- is never closed by -->."),
        ("## media\n" + "a\n---\n" * 6, '1: "media" has at most 5 bubbles; the --- lines make 6.'),
        ("## clarify\na\n---\nb\n", '1: "clarify" has at most 1 bubbles'),
        ("## waiting_footer\n" + "長" * 1001, '1: A bubble of "waiting_footer" holds at most 1,000 characters.'),
        ("## media\n" + "長" * 5001, '1: A bubble of "media" holds at most 5,000 characters.'),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, sentence: str) -> None:
    problems = told(text)
    assert [problem for problem in problems if problem.startswith(sentence)], problems
    assert read_messages(text).texts is None
    assert all(problem.ja and problem.file == "_messages.md" for problem in read_messages(text).problems)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(told("どこ\n## welcom\na\n## media.fr\nb\n## group\n{x}\n")) == 4


def test_what_a_booking_must_tell_may_stand_in_its_notice() -> None:
    assert told("## handoff_booking\n{ask}を{when}までに{phone}へ\n") == []


@pytest.mark.parametrize("name", get_args(MessageName))
def test_every_text_may_be_changed_in_both_languages_and_switched_off(name: MessageName) -> None:
    texts = read_messages(f"## {name}\nあ\n## {name}.en\n").texts
    assert texts is not None
    assert (texts.bubbles(name, "ja"), texts.bubbles(name, "en")) == (("あ",), ())


@given(st.text(max_size=200) | st.text(alphabet="#＃ \n-welcomedia.n{}<!->あ", max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    file = read_messages(text)
    assert (file.texts is None) == bool(file.problems)
