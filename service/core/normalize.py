"""One spelling for many: the form of a text in which keywords, courtesy phrases and rankings compare it.

Customers type 「ｶｯﾄ  いくら??」, 「カットいくら〜」 and 「カット、いくら？！」 and mean the same. What carries no words
(punctuation, emoji, LINE's own emoji such as `(love)`, kaomoji, drawn-out vowels) goes; letters, kana, kanji and
digits stay. The result is for comparing only and is never shown to anyone.
"""

import re
import unicodedata

_KANA = "ぁ-ゖァ-ヺー"
_JAPANESE = rf"{_KANA}々〆〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_SURROGATES = re.compile(r"[\ud800-\udfff]")
# LINE writes its own emoji as a word in parentheses; a kaomoji is parentheses around signs and at most one such letter.
_SIGNS = rf"[^()a-z0-9{_JAPANESE}]{{0,8}}"
_FACES = re.compile(rf"\([a-z]{{2,12}}\)|(?:(?<![a-z0-9])m)?\({_SIGNS}[oωдv]?{_SIGNS}\)(?:m(?![a-z]))?")
_WAVE_AFTER_KANA = re.compile(rf"(?<=[{_KANA}])[~〜〰]+")
# 「はーい」 is 「はい」 and 「クーポンー」 is 「クーポン」; after other katakana, as in 「カラー」, ー counts.
_DRAWN_OUT = re.compile(r"(?<=[ぁ-ゖン])ー+")
_LONG_RUN = re.compile(r"(ー)ー+|([^\W\d])\2{2,}")
# wi-fi, don't and 4,400 are one word each; 10:00-20:00 are four numbers.
_INSIDE_WORD = re.compile(r"(?<=[a-z])[-'’‐‑](?=[a-z])|(?<=\d),(?=\d{3})")
_STRAY_MARK = re.compile(r"(?:^|(?<= ))[\u0300-\u036f\u3099\u309a]+")
_SPACE_AT_JAPANESE = re.compile(rf" +(?=[{_JAPANESE}])|(?<=[{_JAPANESE}]) +")


def normalize(text: str) -> str:
    """Return `text` as lower-case words of NFKC letters and digits, spaces only between two non-Japanese words.

    Any string is accepted, lone surrogates too; a text without words gives "". `normalize(normalize(t))` is
    `normalize(t)`.
    """
    # Taking a sign away can bring letters together that then compose or form a run, hence the repeating.
    while (result := _normalize_once(text)) != text:
        text = result
    return text


def _normalize_once(text: str) -> str:
    text = _SURROGATES.sub(" ", text)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    text = _FACES.sub(" ", text)
    text = _WAVE_AFTER_KANA.sub("ー", text)
    text = _INSIDE_WORD.sub("", text)
    text = "".join(map(_letter_or_space, text))
    text = _LONG_RUN.sub(r"\1\2", _DRAWN_OUT.sub("", text))
    text = _STRAY_MARK.sub("", " ".join(text.split()))
    return _SPACE_AT_JAPANESE.sub("", text).strip()


def _letter_or_space(char: str) -> str:
    """Letters, digits and their accents stay, invisible joiners vanish, everything else parts words."""
    category = unicodedata.category(char)
    if category in {"Cf", "Me"} or "\ufe00" <= char <= "\ufe0f":
        return ""
    return char if category[0] in "LNM" else " "
