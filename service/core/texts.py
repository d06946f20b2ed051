"""What the bot itself says to customers, in Japanese and English: notices, the question before choices, sender names.

Answers are never here, they are the shop's own words.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Lang = Literal["ja", "en"]
TextName = Literal["handoff_open", "handoff_asked", "clarify", "media", "error", "ask_staff", "bot", "staff"]

_TEXTS: Mapping[TextName, Mapping[Lang, str]] = MappingProxyType(
    {
        "handoff_open": {
            "ja": "お問い合わせありがとうございます。スタッフが確認してお返事します。"
            "接客中はお時間をいただくことがあります。",
            "en": "Thank you for your message. Our staff will look into it and reply. "
            "It may take a little while when we are with customers.",
        },
        "handoff_asked": {
            "ja": "スタッフが{when}お返事します。ご用件をこのままお送りください。",
            "en": "Our staff will reply {when}. In the meantime, please tell us here how we can help.",
        },
        "clarify": {
            "ja": "どちらの内容でしょうか。番号でもお選びいただけます。",
            "en": "Which of these would you like to know about? You can also reply with a number.",
        },
        "media": {
            "ja": "受け取りました。スタッフが確認し、{when}お返事します。",
            "en": "Thank you, we have received it. Our staff will take a look and reply {when}.",
        },
        "error": {
            "ja": "申し訳ございません。自動でお答えできませんでした。スタッフが確認し、{when}お返事します。",
            "en": "We are sorry, we could not answer this automatically. Our staff will check and reply {when}.",
        },
        "ask_staff": {"ja": "スタッフに聞く", "en": "Ask our staff"},
        "bot": {"ja": "自動応答", "en": "Auto-reply"},
        "staff": {"ja": "スタッフ {name}", "en": "Staff {name}"},
    }
)
_WHEN: Mapping[Lang, str] = MappingProxyType({"ja": "できるだけ早く", "en": "as soon as we can"})

_KANA_OR_KANJI = re.compile(r"[々〆〇ぁ-ゖァ-ヺーｦ-ﾟ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def text(name: TextName, lang: Lang, /, **values: str) -> str:
    """Return the text called `name` with its `{placeholders}` filled from `values`.

    `{when}` is known here; a value a text asks for and does not get is a KeyError, a value it does not use is ignored.
    """
    return _TEXTS[name][lang].format_map({"when": _WHEN[lang], **values})


def language_of(text: str) -> Lang:
    """Return the language to reply in: Japanese when kana or kanji occur or nothing has letters, else English."""
    return "en" if any(map(str.isalpha, text)) and not _KANA_OR_KANJI.search(text) else "ja"
