"""Placeholders: filled from the shop, and never sent with a hole."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.placeholders import ASK, NAMES, fill, missing_keys, placeholders_in, say
from service.core.shop import Shop
from service.core.texts import DEFAULT_TEXTS, LANGS, Lang, MessageName, Texts, language_of
from tests.support.salon import SALON, read_salon, wall

NOW = wall("2026-11-25 11:00")
NIGHT = wall("2026-11-25 22:00")
FULL = read_salon(
    'name: すみれ\nhours: {daily: "10-19"}\nphone: 03-1234-5678\naddress: すみれ町1-2-3\n'
    "map_url: https://shop.example/map\nbooking_url: https://shop.example/booking\n"
    "privacy_url: https://shop.example/privacy\n"
)


def test_an_answer_is_filled() -> None:
    answer = "本日は{today_hours}です。\nふだんは{week_hours}です。\nお電話：{phone}\n次は{next_open}に開きます。"
    assert fill(answer, SALON, NOW, "ja") == (
        "本日は10:00〜13:00、14:00〜20:00です。\n"
        "ふだんは火〜金 10:00〜13:00、14:00〜20:00／土日祝 9:00〜19:00／月曜・第3火曜定休です。\n"
        "お電話：03-1234-5678\n"
        "次は本日14:00に開きます。"
    )


def test_braces_from_a_japanese_keyboard_are_as_good() -> None:
    assert fill("お電話は｛phone｝へ", SALON, NOW, "ja") == "お電話は03-1234-5678へ"


@pytest.mark.parametrize("name", NAMES)
def test_every_placeholder_has_a_value_where_the_shop_gives_everything(name: str) -> None:
    for lang in LANGS:
        filled = fill(f"<{{{name}}}>", FULL, NOW, lang)
        assert len(filled) > 3
        assert "{" not in filled


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("ご予約はお電話で。地図：{map_url}", "ご予約はお電話で。"),
        ("地図は{map_url}です。お気をつけて。", "お気をつけて。"),
        ("・電話：{phone}\n・地図：{map_url}\n・以上", "・電話：03-1234-5678\n・以上"),
        ("お待ちしています！ 地図：{map_url}\n\nでは", "お待ちしています！\n\nでは"),
        ("Call {phone}. The map is at {map_url}. See you!", "Call 03-1234-5678. See you!"),
        ("See https://shop.example/a.b now. {map_url}", "See https://shop.example/a.b now."),
        ("（地図は{map_url}です。）ぜひ。", "ぜひ。"),
        ("{map_url}", ""),
        ("{map_url}\n\n{address}", ""),
        ("残ります。\n{map_url}", "残ります。"),
    ],
)
def test_a_sentence_that_would_have_a_hole_is_left_out(text: str, sent: str) -> None:
    assert fill(text, SALON, NOW, "ja") == sent


@given(st.text(alphabet="ab。. \n{}｛｝!？「」phonexyz_", max_size=60))
def test_a_text_without_placeholders_is_sent_word_for_word(text: str) -> None:
    if not set(placeholders_in(text)) & {*NAMES, ASK}:
        assert fill(text, SALON, NOW, "ja") == text.strip("\n")


def test_a_value_is_not_read_for_placeholders_again() -> None:
    shop = read_salon("name: '{phone}{when}'\n")
    assert fill("{shop}です", shop, NOW, "ja") == "{phone}{when}です"


def test_the_keys_that_a_text_needs_and_the_shop_lacks_are_named() -> None:
    assert missing_keys("{phone} {map_url} {map_url} {when} {other} {shop}", SALON) == ("map_url",)
    assert missing_keys("{today_hours} {week_hours} {next_open} {shop}", Shop()) == ("hours", "name")


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", get_args(MessageName))
def test_every_text_of_the_bot_can_be_said_in_both_languages(name: MessageName, lang: Lang) -> None:
    (words,) = say(DEFAULT_TEXTS, name, lang, shop=FULL, now=NIGHT, ask="日時")
    assert "{" not in words
    bare = "".join(say(DEFAULT_TEXTS, name, lang, shop=Shop(), now=NIGHT))
    assert bare
    assert "{" not in bare
    assert language_of(bare) == lang


def test_a_welcome_without_privacy_page_or_name_is_still_a_welcome() -> None:
    (japanese,) = say(DEFAULT_TEXTS, "welcome", "ja", shop=Shop(), now=NOW)
    assert japanese == (
        "友だち追加ありがとうございます。よくあるご質問には自動でお答えし、そのほかはスタッフが営業時間内にお返事します。"
        "このままメッセージをお送りください。"
    )
    (english,) = say(DEFAULT_TEXTS, "welcome", "en", shop=SALON, now=NOW)
    assert english.endswith("How we handle personal information: https://shop.example/privacy")


def test_the_promise_is_computed() -> None:
    (closed,) = say(DEFAULT_TEXTS, "handoff_closed", "ja", shop=SALON, now=NIGHT)
    assert "スタッフが明日10:00以降にお返事します。" in closed
    (booking,) = say(DEFAULT_TEXTS, "handoff_booking", "ja", shop=SALON, now=NOW, ask="ご希望の日時、メニュー")
    assert booking == (
        "ご予約はまだ確定していません。次の内容をお送りください：ご希望の日時、メニュー。"
        "スタッフが空きを確認し、できるだけ早くお返事します。"
    )


def test_the_shops_own_text_is_said_in_its_bubbles_and_an_empty_one_is_not() -> None:
    texts = Texts({"media.ja": ("拝見します。", "{map_url}", "{when}ご連絡します。"), "group.ja": ()})
    assert say(texts, "media", "ja", shop=SALON, now=NOW) == ("拝見します。", "できるだけ早くご連絡します。")
    assert say(texts, "group", "ja", shop=SALON, now=NOW) == ()
    assert say(texts, "group", "en", shop=SALON, now=NOW) != ()
