"""What customers read: notices by the hour, bookings, greetings, footers, placeholders, pictures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.core.decisions import Answer, Clarify, Decision, Greet, Handoff, Silent
from service.core.entries import ImageBubble
from service.core.knowledge import Knowledge, build_knowledge
from service.core.shop import Interval, Shop
from service.core.texts import Lang, Texts
from service.core.wording import Speech, Voice, speak
from tests.support.shop import CUSTOMER, ENTRIES, KEY, entry

OPEN = datetime(2025, 11, 25, 3, 0, tzinfo=UTC)
NIGHT = datetime(2025, 11, 25, 13, 0, tzinfo=UTC)
SHOP = Shop(name="すみれ", week=((Interval(600, 1140),),) * 7, phone="03-1234-5678")
MAP = ImageBubble(name="a1.jpg", preview="a2.jpg", path="img/map.jpg", alt="地図")
MORE = (
    entry(
        "booking", "予約したいです", action="handoff", answer=("ご連絡ありがとうございます。",), ask=("お名前", "日時")
    ),
    entry("phone", "電話番号", answer=("お電話は{phone}です。", "地図は{map_url}です。")),
    entry("map", "地図", answer=("こちらです。", MAP)),
    entry("long", "長い答え", answer=("1", "2", "3", "4", "5")),
)


def know(shop: Shop = SHOP, texts: Texts | None = None) -> Knowledge:
    return build_knowledge((*ENTRIES, *MORE), shop, texts or Texts())


def say(decision: Decision, now: datetime = OPEN, *, knowledge: Knowledge | None = None, **more: Any) -> Speech | None:
    lang: Lang = more.pop("lang", "ja")
    return speak(decision, Voice(knowledge=knowledge or know(), customer=CUSTOMER, key=KEY, now=now, lang=lang, **more))


def words(decision: Decision, now: datetime = OPEN, **more: Any) -> tuple[str, ...]:
    speech = say(decision, now, **more)
    return speech.words if speech else ()


def actions(speech: Speech | None) -> list[dict[str, Any]]:
    assert speech is not None
    return [item["action"] for item in speech.messages[-1]["quickReply"]["items"]]


def test_a_notice_says_when_staff_reply() -> None:
    assert words(Handoff("no_entry"))[0].startswith("お問い合わせありがとうございます。スタッフが確認して")
    assert "明日10:00以降にお返事します" in words(Handoff("no_entry"), NIGHT)[0]
    assert words(Handoff("asked")) == ("スタッフができるだけ早くお返事します。ご用件をこのままお送りください。",)
    assert words(Handoff("asked"), NIGHT)[0].startswith("スタッフが明日10:00以降にお返事します。")
    assert "明日10:00以降に" in words(Handoff("media"), NIGHT)[0]
    assert words(Handoff("error"), lang="en")[0].startswith("We are sorry")


@pytest.mark.parametrize("reason", ["unsure", "topic", "staff_first", "after_hours", "late"])
def test_every_other_reason_has_the_usual_notice(reason: Any) -> None:
    assert words(Handoff(reason)) == words(Handoff("no_entry"))
    assert words(Handoff(reason), NIGHT) == words(Handoff("no_entry"), NIGHT)


@pytest.mark.parametrize("reason", ["overflow", "paused"])
def test_a_flood_and_a_pause_have_no_notice(reason: Any) -> None:
    assert say(Handoff(reason)) is None


def test_who_waits_already_gets_no_second_notice() -> None:
    assert say(Handoff("late"), waiting=True) is None


def test_a_text_that_the_shop_has_emptied_is_not_sent() -> None:
    assert say(Handoff("no_entry"), knowledge=know(texts=Texts({"handoff_open.ja": ()}))) is None


def test_a_booking_lists_what_it_must_tell_and_opens_the_keyboard_with_the_template() -> None:
    speech = say(Handoff("topic", "booking"), NIGHT)
    assert speech is not None
    assert speech.kind == "notice"
    assert speech.words[0] == "ご連絡ありがとうございます。"
    assert "次の内容をお送りください：お名前、日時。" in speech.words[1]
    assert "明日10:00以降に" in speech.words[1]
    (action,) = actions(speech)
    assert (action["inputOption"], action["fillInText"]) == ("openKeyboard", "お名前：\n日時：")


def test_an_entry_for_staff_may_have_words_of_its_own() -> None:
    own = build_knowledge([entry("own", "苦情", action="handoff", answer=("責任者がお返事します。",))])
    assert words(Handoff("topic", "own"), knowledge=own) == ("責任者がお返事します。",)


def test_the_shops_facts_are_filled_in_and_a_bubble_with_a_hole_is_left_out() -> None:
    assert words(Answer("phone", "sure")) == ("お電話は03-1234-5678です。",)
    assert say(Answer("phone", "sure"), knowledge=know(Shop())) is None


def test_an_answer_given_to_somebody_who_waits_ends_with_the_footer() -> None:
    footer = "先ほどのお問い合わせは、スタッフが確認中です。"
    assert words(Answer("parking", "sure"), waiting=True) == ("駐車場はありますかの答えです。", footer)
    assert words(Answer("parking", "choice"), waiting=True) == ("駐車場はありますかの答えです。",)
    assert words(Answer("long", "sure"), waiting=True) == ("1", "2", "3", "4", f"5\n\n{footer}")


def test_a_picture_is_a_bubble_of_its_own_where_line_can_fetch_it() -> None:
    speech = say(Answer("map", "sure"), public_url="https://shop.example")
    assert speech is not None
    assert speech.messages[1]["originalContentUrl"] == "https://shop.example/img/a1.jpg"
    assert speech.messages[1]["previewImageUrl"] == "https://shop.example/img/a2.jpg"
    assert speech.words == ("こちらです。", "地図")
    in_words = say(Answer("map", "sure"))
    assert in_words is not None
    assert [message["text"] for message in in_words.messages] == ["こちらです。", "地図"]


def test_a_greeting_names_the_shop_and_offers_the_starters() -> None:
    speech = say(Greet("greeting", ("hours", "parking")))
    assert speech is not None
    assert speech.words == ("こんにちは。すみれです。ご質問をどうぞ。よくあるご質問は下のボタンからも選べます。",)
    assert [action["label"] for action in actions(speech)] == [
        "営業時間を教えてください",
        "駐車場はありますか",
        "スタッフに聞く",
    ]


def test_a_greeting_without_starters_has_no_buttons() -> None:
    speech = say(Greet("group"))
    assert speech is not None
    assert speech.words == ("1対1のトークでご利用ください。",)
    assert "quickReply" not in speech.messages[0]


def test_a_welcome_says_nothing_of_a_privacy_page_that_there_is_not() -> None:
    assert "個人情報" not in words(Greet("welcome"))[0]
    with_page = know(Shop(name="すみれ", privacy_url="https://shop.example/privacy"))
    assert words(Greet("welcome"), knowledge=with_page)[0].endswith("個人情報の取扱い：https://shop.example/privacy")


def test_choices_are_numbered_titles_and_buttons() -> None:
    speech = say(Clarify(("cut", "color"), "unsure"))
    assert speech is not None
    assert speech.words[0].startswith("どちらの内容でしょうか。")
    assert speech.words[0].endswith(
        "\n\n1. カットの料金はいくらですか\n2. カラーの料金はいくらですか\n3. スタッフに聞く"
    )
    assert len(actions(speech)) == 3
    stale = say(Clarify(("cut",), "stale_button"))
    assert stale is not None
    assert stale.words[0].startswith("選択肢が新しくなりました。")


def test_silence_says_nothing() -> None:
    assert say(Silent("courtesy")) is None
