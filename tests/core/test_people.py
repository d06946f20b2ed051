"""Rules for people: names, passwords, sessions, links, addresses."""

from datetime import UTC, datetime, timedelta

import pytest

from service.core.people import (
    IDLE,
    LONGEST_SESSION,
    Account,
    Link,
    Session,
    is_live,
    is_usable,
    name_key,
    network_of,
    read_name,
    read_password,
    weakness,
)

NOON = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SATO = Account(name="佐藤", role="staff", created_at=NOON, password="hash", epoch=3)


@pytest.mark.parametrize(
    ("typed", "name"), [(" 佐藤　 花子 ", "佐藤 花子"), ("Ｅｍｍａ", "Emma"), ("a" * 40, "a" * 40)]
)
def test_a_name_is_read_as_meant(typed: str, name: str) -> None:
    assert read_name(typed) == name


@pytest.mark.parametrize("typed", ["", "　", "a" * 41, "a\x00b"])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="1 to 40"):
        read_name(typed)


def test_capitals_and_widths_make_no_other_person() -> None:
    assert name_key("ＥＭＭＡ") == name_key(" emma ")
    assert name_key("佐藤") != name_key("佐藤 健")


def test_a_password_typed_in_full_width_is_the_same() -> None:
    assert read_password("ｈｏｒｓｅ　４２") == "horse 42"


@pytest.mark.parametrize(
    "password",
    [
        *(
            "みどりの傘と三毛猫",
            "correct horse battery",
            "sakura to densha",
            "kx8Tq2Lm9z",
            "password for the salon at night",
        ),
        *("tanaka-no-neko", "雨の日の佐藤さん", "sato4kuruma"),
    ],
)
def test_a_password_that_nobody_guesses_is_taken(password: str) -> None:
    padded = password if len(password) >= 10 else f"{password}です"
    assert weakness(padded, "佐藤") is None


@pytest.mark.parametrize(
    "password",
    [
        *("password12", "P@ssw0rd2026", "passwordpassword", "1234567890", "09012345678", "qwertyuiop", "aaaaaaaaaaaa"),
        *(
            "abcabcabcabc",
            "Sakura19850412",
            "henji-staff-2026",
            "パスワード12345",
            "1qaz2wsx3edc",
            "zyxwvutsrq",
            "!!!!!!!!!!!",
        ),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    assert weakness(password, "佐藤") == "common"


def test_ones_own_name_with_digits_is_no_password() -> None:
    assert weakness("佐藤20261125", "佐藤") == "common"
    assert weakness("EmmaSmith-1990", "Emma Smith") == "common"
    assert weakness("佐藤20261125", "鈴木") is None


def test_a_password_has_10_to_200_characters() -> None:
    assert weakness("傘と三毛猫と自転車", "佐藤") == "short"
    assert weakness("傘と三毛猫と自転車で", "佐藤") is None
    assert weakness("傘と三毛猫と" * 34, "佐藤") == "long"


@pytest.mark.parametrize(
    ("session", "account", "is_it"),
    [
        (Session("佐藤", 3, NOON, NOON), SATO, True),
        (Session("佐藤", 2, NOON, NOON), SATO, False),
        (Session("佐藤", 3, NOON, NOON - IDLE), SATO, False),
        (Session("佐藤", 3, NOON, NOON - IDLE + timedelta(seconds=1)), SATO, True),
        (Session("佐藤", 3, NOON - LONGEST_SESSION, NOON), SATO, False),
    ],
)
def test_a_session_stands_for_its_person_while_it_is_used(session: Session, account: Account, *, is_it: bool) -> None:
    assert is_live(session, account, NOON) is is_it


def test_nobody_who_was_shut_out_has_a_session_or_a_link() -> None:
    out = Account(name="佐藤", role="staff", created_at=NOON, password="hash", epoch=3, disabled=True)
    assert not is_live(Session("佐藤", 3, NOON, NOON), out, NOON)
    assert not is_usable(Link("佐藤", "reset", NOON + timedelta(hours=1)), out, NOON)


def test_the_standing_says_whether_somebody_can_sign_in() -> None:
    assert SATO.standing == "active"
    assert Account(name="佐藤", role="staff", created_at=NOON).standing == "invited"
    assert Account(name="佐藤", role="staff", created_at=NOON, disabled=True).standing == "disabled"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_subscriber_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
