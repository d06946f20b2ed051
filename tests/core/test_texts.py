"""What the bot itself says."""

from typing import get_args

import pytest

from service.core.texts import Lang, TextName, language_of, text

LANGS = get_args(Lang)
VALUES = {"name": "Sato", "shop": "Sumire", "ask": "date", "privacy_url": "https://shop.example/privacy"}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", get_args(TextName))
def test_every_text_exists_in_both_languages_and_is_filled(name: TextName, lang: Lang) -> None:
    words = text(name, lang, **VALUES)
    assert words
    assert "{" not in words


@pytest.mark.parametrize("name", get_args(TextName))
def test_each_text_is_in_the_language_it_claims(name: TextName) -> None:
    assert language_of(text(name, "ja", **VALUES)) == "ja"
    assert language_of(text(name, "en", **VALUES)) == "en"


def test_the_promise_is_as_soon_as_we_can() -> None:
    assert text("media", "ja") == "受け取りました。スタッフが確認し、できるだけ早くお返事します。"
    assert text("handoff_asked", "en").startswith("Our staff will reply as soon as we can.")


def test_staff_speak_under_their_name() -> None:
    assert text("staff", "ja", name="佐藤 {x}") == "スタッフ 佐藤 {x}"
    assert text("staff", "en", name="Sato") == "Staff Sato"


def test_staff_without_a_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("staff", "ja")


@pytest.mark.parametrize("words", ["", "？", "👍", "123", "何時", "ｶｯﾄ", "WiFiある?", "カ", "Saturday に"])
def test_japanese_is_recognised_and_assumed_without_letters(words: str) -> None:
    assert language_of(words) == "ja"


@pytest.mark.parametrize("words", ["What time do you open?", "WiFi", "¿Dónde está?", "ＨＥＬＬＯ", "안녕하세요"])
def test_anything_else_is_answered_in_english(words: str) -> None:
    assert language_of(words) == "en"
