"""What the bot itself says to customers, in Japanese and English: notices, the question before choices, sender names.

Answers are never here, they are the shop's own words. `_messages.md` puts the shop's own texts in the place of these
(service/core/messagesfile.py); `say` in service/core/placeholders.py fills them.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

Lang = Literal["ja", "en"]
LANGS: tuple[Lang, ...] = ("ja", "en")
MessageName = Literal[
    "welcome",
    "greeting",
    "handoff_open",
    "handoff_closed",
    "handoff_asked",
    "handoff_booking",
    "clarify",
    "media",
    "waiting_footer",
    "error",
    "stale_button",
    "group",
]
"""A text that the shop may change in `_messages.md`."""
TextName = Literal[MessageName, "ask_staff", "fill_in", "bot", "staff"]

_TEXTS: Mapping[TextName, Mapping[Lang, str]] = MappingProxyType(
    {
        "welcome": {
            "ja": "友だち追加ありがとうございます。{shop}です。よくあるご質問には自動でお答えし、"
            "そのほかはスタッフが営業時間内にお返事します。このままメッセージをお送りください。個人情報の取扱い：{privacy_url}",
            "en": "Thank you for adding us as a friend. This is {shop}. Common questions are answered automatically, "
            "and our staff will reply to everything else during opening hours. Just send us a message here. "
            "How we handle personal information: {privacy_url}",
        },
        "greeting": {
            "ja": "こんにちは。{shop}です。ご質問をどうぞ。よくあるご質問は下のボタンからも選べます。",
            "en": "Hello! This is {shop}. How can we help you? "
            "You can also choose a common question with the buttons below.",
        },
        "handoff_open": {
            "ja": "お問い合わせありがとうございます。スタッフが確認してお返事します。"
            "接客中はお時間をいただくことがあります。",
            "en": "Thank you for your message. Our staff will look into it and reply. "
            "It may take a little while when we are with customers.",
        },
        "handoff_closed": {
            "ja": "お問い合わせありがとうございます。ただいま営業時間外のため、スタッフが{when}お返事します。"
            "続けて伝えたいことは、このままお送りください。",
            "en": "Thank you for your message. We are closed at the moment, so our staff will reply {when}. "
            "If there is anything you would like to add, please send it here.",
        },
        "handoff_asked": {
            "ja": "スタッフが{when}お返事します。ご用件をこのままお送りください。",
            "en": "Our staff will reply {when}. In the meantime, please tell us here how we can help.",
        },
        "handoff_booking": {
            "ja": "ご予約はまだ確定していません。次の内容をお送りください：{ask}。"
            "スタッフが空きを確認し、{when}お返事します。",
            "en": "Your booking is not confirmed yet. Please send us the following: {ask}. "
            "Our staff will check what is available and reply {when}.",
        },
        "clarify": {
            "ja": "どちらの内容でしょうか。番号でもお選びいただけます。",
            "en": "Which of these would you like to know about? You can also reply with a number.",
        },
        "media": {
            "ja": "受け取りました。スタッフが確認し、{when}お返事します。",
            "en": "Thank you, we have received it. Our staff will take a look and reply {when}.",
        },
        "waiting_footer": {
            "ja": "先ほどのお問い合わせは、スタッフが確認中です。",
            "en": "Our staff are still looking into your earlier message.",
        },
        "error": {
            "ja": "申し訳ございません。自動でお答えできませんでした。スタッフが確認し、{when}お返事します。",
            "en": "We are sorry, we could not answer this automatically. Our staff will check and reply {when}.",
        },
        "stale_button": {
            "ja": "選択肢が新しくなりました。もう一度お選びください。",
            "en": "The choices have changed. Please choose again.",
        },
        "group": {
            "ja": "1対1のトークでご利用ください。",
            "en": "Please message us in a one-to-one chat.",
        },
        "ask_staff": {"ja": "スタッフに聞く", "en": "Ask our staff"},
        "fill_in": {"ja": "内容を入力する", "en": "Fill in"},
        "bot": {"ja": "自動応答", "en": "Auto-reply"},
        "staff": {"ja": "スタッフ {name}", "en": "Staff {name}"},
    }
)
_WHEN: Mapping[Lang, str] = MappingProxyType({"ja": "できるだけ早く", "en": "as soon as we can"})

_KANA_OR_KANJI = re.compile(r"[々〆〇ぁ-ゖァ-ヺーｦ-ﾟ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class Texts(msgspec.Struct, frozen=True):
    """The shop's own texts by `name.lang`, as bubbles with their placeholders; no bubble at all is not sent.

    What is not here is said in the words above.
    """

    own: Mapping[str, tuple[str, ...]] = {}

    def bubbles(self, name: MessageName, lang: Lang) -> tuple[str, ...]:
        """Give a text with its placeholders, one string per bubble."""
        return self.own.get(f"{name}.{lang}", (_TEXTS[name][lang],))


DEFAULT_TEXTS = Texts()


def text(name: TextName, lang: Lang, /, **values: str) -> str:
    """Return the text called `name` with its `{placeholders}` filled from `values`.

    `{when}` is known here; a value a text asks for and does not get is a KeyError, a value it does not use is ignored.
    """
    return _TEXTS[name][lang].format_map({"when": _WHEN[lang], **values})


def language_of(text: str) -> Lang:
    """Return the language to reply in: Japanese when kana or kanji occur or nothing has letters, else English."""
    return "en" if any(map(str.isalpha, text)) and not _KANA_OR_KANJI.search(text) else "ja"
