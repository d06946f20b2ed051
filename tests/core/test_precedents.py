"""Which questions are alike, and what of an old answer may be shown to answer another customer."""

from datetime import timedelta

import msgspec
import pytest

from service.core.decisions import Handoff
from service.core.handoffs import open_handoff
from service.core.normalize import normalize
from service.core.precedents import ALIKE, answer_in, asked, likeness, said, without_names
from service.core.records import BubbleItem, Delivery, HandoffRecord, MessageItem
from service.core.shop import Shop
from tests.support.shop import CUSTOMER, DUE, NOON, turn

SHOP = Shop(phone="03-1234-5678", booking_url="https://shop.example/book")


def handoff(text: str = "駐車場はありますか", name: str = "田中 はるか") -> HandoffRecord:
    decision = Handoff("unsure")
    return open_handoff(
        "h1", decision, turn(text), customer=CUSTOMER, display_name=name, knowledge="v", now=NOON, due_at=DUE
    )


def by_staff(number: int, text: str, delivery: Delivery = "sent") -> BubbleItem:
    at = NOON + timedelta(minutes=number)
    return BubbleItem(id=f"b{number}", turn="", at=at, who="staff:佐藤", text=text, delivery=delivery)


def message(turn_id: str) -> MessageItem:
    return MessageItem(id=f"m{turn_id}", turn=turn_id, at=NOON, type="text", text="文", message="m")


@pytest.mark.parametrize(
    ("question", "alike", "other"),
    [
        ("犬を連れて行ってもいいですか", "ペットの犬を連れていっても大丈夫でしょうか", "支払いにPayPayは使えますか"),
        ("着付けは何時からできますか", "成人式の着付けをお願いできますか", "駐車場はありますか"),
        ("Do you do hair extensions?", "hair extensions price?", "Where can I park?"),
    ],
)
def test_questions_about_the_same_are_alike(question: str, alike: str, other: str) -> None:
    more = ["カットの料金はいくらですか", "予約を変更したいです", "営業時間を教えてください"]
    near, far, *_ = likeness(normalize(question), [normalize(text) for text in (alike, other, *more)])
    assert near >= ALIKE > far


def test_likeness_goes_from_nothing_to_the_same() -> None:
    assert likeness("犬はいいですか", ["犬はいいですか", "", "abc"]) == [pytest.approx(1), 0, 0]
    assert likeness("", ["犬はいいですか"]) == [0]
    assert likeness("犬", []) == []


def test_a_question_is_all_that_was_said_in_one_spelling() -> None:
    assert said(handoff("ｶｯﾄ  いくら??")) == "カットいくら"
    assert (
        said(handoff("こんにちは\nペットは連れて行けますか\nスタッフと話したい\nありがとうございます"))
        == "ペットは連れて行けますか"
    )
    assert said(handoff("スタッフと話したい")) == "", "that somebody wants a person is no question"


def test_who_only_asks_for_a_person_has_asked_something_before() -> None:
    record = handoff("スタッフと話したい")
    earlier = msgspec.structs.replace(message("t0"), text="ペットは連れて行けますか")
    talk = [earlier, by_staff(1, "こんにちは"), message(record.turns[0].id)]
    talk[-1] = msgspec.structs.replace(message("t1"), text="スタッフと話したい")
    assert asked(record, talk) == "ペットは連れて行けますか"
    assert asked(handoff("駐車場"), talk) == "駐車場"
    assert asked(record, []) == ""


def test_the_longest_reply_that_went_out_is_the_answer() -> None:
    record = handoff()
    mine = record.turns[0].id
    talk = [
        message(mine),
        by_staff(1, "少々お待ちください。"),
        by_staff(2, "お店の裏に2台分の駐車場がございます。"),
        by_staff(3, "これは送れなかった、とても長い長い長い長い返信です。", "failed"),
        message("later"),
        by_staff(4, "こちらは別の日の、まったく関係のないとても長い返信です。"),
    ]
    answer = answer_in(record, talk)
    assert answer is not None
    assert answer.text == "お店の裏に2台分の駐車場がございます。"
    assert answer_in(record, [message(mine), by_staff(1, "はい。")]) is None, "too short to help anybody"
    assert answer_in(record, []) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("田中様、お待ちしております。", "［名前］様、お待ちしております。"),
        ("はるかちゃんのカットですね。", "［名前］ちゃんのカットですね。"),
        ("佐々木さんに代わりました。", "［名前］さんに代わりました。"),
        ("スミス様のお席です。", "［名前］様のお席です。"),
        ("お客様、お子様連れでも大丈夫です。皆様どうぞ。", "お客様、お子様連れでも大丈夫です。皆様どうぞ。"),
        ("お電話は090-1111-2222でよろしいですか。", "お電話は［電話番号］でよろしいですか。"),
        ("haru@mail.example にお送りします。", "［メール］ にお送りします。"),
        ("03-1234-5678かhttps://shop.example/bookへどうぞ。", "03-1234-5678かhttps://shop.example/bookへどうぞ。"),
        ("カットは4,400円、10:00からです。", "カットは4,400円、10:00からです。"),
    ],
)
def test_what_belongs_to_another_customer_is_taken_out_and_the_shop_s_own_stays(text: str, shown: str) -> None:
    assert without_names(text, handoff(), SHOP) == shown


def test_a_nickname_is_taken_out_too() -> None:
    record = msgspec.structs.replace(handoff(), nickname="はるぽん")
    assert without_names("はるぽん、いつもありがとう!", record, Shop()) == "［名前］、いつもありがとう!"
