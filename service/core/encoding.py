"""The bytes of a FAQ file: UTF-8, or named for what they are and how to put that right.

Another encoding is an error, not an oddity: which one it is can only be guessed, and a wrong guess would reach
customers.
"""

import re
from typing import NamedTuple

from service.core.entries import Problem

FILE_BYTES_MAX = 5_000_000
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_GUESSES = (("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"))
_JAPANESE = re.compile(r"[ぁ-ヿ一-鿿々〆、。「」！-～ー〜・（）　]")
# What UTF-8 looks like to a reader of Shift_JIS.
_MOJIBAKE = re.compile(r"[縺繧繝譁]")
_LOST = "\ufffd"


class Decoded(NamedTuple):
    """A file's text, as far as it could be told, and what is wrong with its bytes."""

    text: str | None
    problem: Problem | None = None


def decode(name: str, data: bytes) -> Decoded:
    """Turn a file's bytes into text. Text and problem both: it is readable, but has to be saved anew as UTF-8."""
    if len(data) > FILE_BYTES_MAX:
        most = FILE_BYTES_MAX // 10**6
        ja = f"ファイルが大きすぎます。{most}MB までのファイルに分けてください。"
        en = f"This file is too large. Part it into files of at most {most} MB."
        return Decoded(None, _error(name, 1, ja, en))
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError as error:
        return _decode_other(name, data, error)


def _decode_other(name: str, data: bytes, error: UnicodeDecodeError) -> Decoded:
    if data.startswith(_UTF16_MARKS):
        text = _try(data, "utf-16")
        return Decoded(text, _not_utf8(name, "UTF-16") if text is not None else _unknown(name))
    line = data[: error.start].count(b"\n") + 1
    if error.reason == "unexpected end of data":
        ja = "ファイルが文字の途中で終わっています。保存が途中で止まったようです。もう一度保存してください。"
        en = "This file ends in the middle of a character: it was saved half-way. Save it again."
        return Decoded(None, _error(name, line, ja, en))
    if _is_mostly_utf8(data):
        ja = "この行に、文字として読めない部分があります。その部分を書き直してください。"
        return Decoded(None, _error(name, line, ja, "A part of this line is no text. Write that part anew."))
    for codec, label in _GUESSES:
        text = _try(data, codec)
        if text is not None and _is_plausible(text):
            return Decoded(text, _not_utf8(name, label))
    return Decoded(None, _unknown(name))


def _try(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether most characters that are not ASCII can be read."""
    text = data.decode(errors="replace")
    read = sum(1 for char in text if char > "\x7f" and char != _LOST)
    return read > 4 * text.count(_LOST)


def _is_plausible(text: str) -> bool:
    """Whether a guess gives Japanese as people write it, and not signs and rare letters in a row."""
    others = [char for char in text if char > "\x7f"]
    likely = sum(1 for char in others if _JAPANESE.match(char) and not _MOJIBAKE.match(char))
    return likely > 0.8 * len(others)


def _not_utf8(name: str, label: str) -> Problem:
    ja = (
        f"{label} で保存されています。「./henji faq check --fix」で UTF-8 に直せます。"
        "メモ帳なら「名前を付けて保存」で、文字コードに UTF-8 を選びます。"
    )
    en = f"This file is saved as {label}. `./henji faq check --fix` saves it as UTF-8; so does your editor."
    return _error(name, 1, ja, en, is_mendable=True)


def _unknown(name: str) -> Problem:
    ja = "UTF-8 で保存されていません。エディターの「名前を付けて保存」で、文字コードに UTF-8 を選んでください。"
    return _error(name, 1, ja, "This file is not saved as UTF-8. Choose UTF-8 when you save it in your editor.")


def _error(name: str, line: int, ja: str, en: str, *, is_mendable: bool = False) -> Problem:
    return Problem(file=name, line=line, severity="error", ja=ja, en=en, is_mendable=is_mendable)
