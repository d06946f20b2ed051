"""Asking for a person, and courtesy, as customers write them on LINE."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.normalize import normalize
from service.core.words import asks_for_person, is_courtesy, is_greeting

COURTESY = """
    ありがとう | ありがとうございます！！ | ありがとうございます😊 | ありがとうございますm(_ _)m | ありがとー！
    ありがとう〜〜♪ | 有難うございます。 | ありがとうございました(^^) | あざす | あざーっす！ | どうもです
    了解です | りょうかいです！ | りょーかい | りょ | 承知しました。 | 承知いたしました | かしこまりました
    わかりました | 分かりましたー！ | OK | ＯＫです！ | おけ | おっけーです👌 | オッケー | はーい | はい
    はい！ | は〜い🙋‍♀️ | うん | なるほど！ | そうなんですね | はい、ありがとうございます
    はい ありがとうございます | わかりました！ありがとうございます😊よろしくお願いします | あ、はい。了解です
    いつもありがとうございます | ご丁寧にありがとうございます！ | お忙しい中ご連絡ありがとうございます
    助かりました！！ | よろしくお願いします🙇‍♀️ | よろしくお願いいたします。 | 大丈夫です！ | いえ、大丈夫です
    楽しみにしてます✨ | ありがとうございますwww | ありがとう笑 | ありがとう（笑） | 👍 | 👍🏻 | 👍👍👍 | 🙏✨
    😊 | 🙇‍♀️ | ❤️ | (love) | (ok) | m(_ _)m | m(__)m | (^^) | (*^^*) | ♪ | 👍！ | thx | Thanks!
    thank you so much | Thank you so much!! 😊 | Thank you for your help. | ok thanks | OK, thank you!
    Got it, thanks a lot | I see. | that's all, thank you | Okay! | sounds good | 👍 thanks
"""
NOT_COURTESY = """
    ありがとう、あと駐車場は? | ありがとうございます。予約したいです | ok? | 大丈夫ですか | 大丈夫です？
    お願いします | はい、お願いします | ？ | ！ | ... | わかりました、では明日15時に伺います | わかりません
    ありがとうございますが結構高いですね | はい、２つ目です | 😡 | ❓ | ⁉️ | (angry) | こんにちは | すみません
    いいえ | thanks, what time do you close | ok how much is it | no | help | okinawa | りんご | カットOKですか
    1 | hello | whey | wok
"""
GREETING = """
    こんにちは | こんにちは！ | こんにちは😊 | こんにちわ〜 | こんばんは。 | おはようございます！ | はじめまして
    はじめまして、よろしくお願いします | お世話になっております。 | こんにちは！いつもお世話になっております
    すみません | すみませーん | あの | 質問です | 質問いいですか？ | ちょっと質問いいですか | お聞きしたいことがあります
    お疲れ様です！ちょっと聞きたいんですけど | 夜分遅くに失礼します | 今いいですか？ | もしもし | 👋 | hi | Hello!
    Good morning | Hi, I have a question | excuse me | Hello, nice to meet you | konnichiwa
"""
NOT_GREETING = """
    こんにちは、予約したいです | すみません、駐車場ありますか | すみませんでした | ありがとうございます | 質問は何時まで
    予約 | お願いします | 田中です | hey how much | hello kitty | is it open | ？ | 🙋 | 😡 | whey
"""
PERSON = """
    スタッフと話したい | 人と話したいです | 担当者お願いします | オペレーター | 店員さんに聞きたい | 有人対応
    スタッフに聞く | スタッフ | スタッフお願いします | スタッフの方と直接お話ししたいです。
    すみません、スタッフの方いらっしゃいますか？ | 人間と話したい | 人間に代わって | 人に代わってください！
    オペレーターにつないでください | オペレーターに繋いでもらえますか？ | 担当者の方とお話がしたいのですが
    ボットじゃなくて人と話したい | AIじゃなくてスタッフに繋いで | 誰かに相談したいです
    店長さんとお話しできますか | 有人チャット希望 | 有人対応お願いします🙏 | スタッフ呼んで
    はい、スタッフにつないでください | 中の人いますか？ | スタッフに相談したいことがある
    スタッフさんに確認してほしいです | お店の人と話せますか | 人と話すにはどうすればいいですか | 早く人間出して
    talk to a human | can I speak to someone | Can I speak with someone please?
    I'd like to talk to a real person. | human please | operator | Agent! | I want to talk to your staff
    Hi, could I speak to a member of staff please? | connect me to a human | customer service | real person
    no I need a human
"""
NOT_PERSON = """
    スタッフ募集してますか | スタッフは何人いますか | 女性スタッフいますか | 担当を変えたい | 人気のメニューは？
    店長にカットお願いしたい | 佐藤さんにお願いしたい | 友人と話したい | スタッフさんのおすすめは
    お一人様でもいいですか | 誰か | 人 | 電話したい | ありがとう | someone | is the staff friendly
    are you human | are you a real person | can I bring a person | human hair wig | how many staff do you have
"""


def phrases(block: str) -> list[str]:
    return [phrase.strip() for phrase in block.replace("\n", "|").split("|") if phrase.strip()]


@pytest.mark.parametrize("text", phrases(COURTESY))
def test_courtesy_in_all_its_spellings(text: str) -> None:
    assert is_courtesy(text)
    assert not asks_for_person(text)


@pytest.mark.parametrize("text", ["", *phrases(NOT_COURTESY), *phrases(PERSON)])
def test_a_message_with_more_in_it_is_no_courtesy(text: str) -> None:
    assert not is_courtesy(text)


@pytest.mark.parametrize("text", phrases(PERSON))
def test_asking_for_a_person(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize("text", ["", *phrases(NOT_PERSON), *phrases(NOT_COURTESY)])
def test_words_about_people_are_not_asking_for_one(text: str) -> None:
    assert not asks_for_person(text)


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    assert not (is_courtesy(text) and asks_for_person(text))


@pytest.mark.parametrize(
    "text", ["はい" * 2500, "どうもありがとう" * 9 + "x", "あ" * 5000, "ok " * 1600, "すみません直接" * 14]
)
def test_a_long_message_is_judged_at_once(text: str) -> None:
    started = time.perf_counter()
    is_courtesy(text)
    asks_for_person(text)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("text", phrases(GREETING))
def test_a_greeting_in_all_its_spellings(text: str) -> None:
    assert is_greeting(text)
    assert not is_courtesy(text)
    assert not asks_for_person(text)


@pytest.mark.parametrize("text", phrases(NOT_GREETING))
def test_what_says_more_than_hello_is_no_greeting(text: str) -> None:
    assert not is_greeting(text)


def test_a_shops_own_phrases_count_exactly() -> None:
    more = {normalize("りょうかいやで"), normalize("姉さん呼んで")}
    assert is_courtesy("りょうかいやで〜！", more)
    assert is_courtesy("りょうかいやで？", more)
    assert not is_courtesy("りょうかいやで、あと駐車場は", more)
    assert asks_for_person("姉さん 呼んで", more)
    assert not asks_for_person("姉さん呼んでもいい日は", more)
