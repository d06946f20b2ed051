"""The bytes of a FAQ file: what is no UTF-8 is named, with the way to put it right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.encoding import FILE_BYTES_MAX, decode
from service.core.entries import Problem

HOURS = (
    "---\nタグ: 案内\n---\n## 営業時間を教えてください {#hours}\n\n> - 何時まで\n\n10時から20時まで。ｶｯﾄは\\1,000①\n"
)


def problem_of(data: bytes) -> Problem:
    problem = decode("a.md", data).problem
    assert problem is not None
    assert problem.severity == "error"
    return problem


@pytest.mark.parametrize(("codec", "label"), [("cp932", "Shift_JIS"), ("euc_jp", "EUC-JP"), ("utf-16", "UTF-16")])
def test_another_encoding_is_named_and_can_be_mended(codec: str, label: str) -> None:
    text = HOURS.replace("①", "") if codec == "euc_jp" else HOURS
    problem = problem_of(text.encode(codec))
    assert (problem.line, problem.is_mendable) == (1, True)
    assert label in problem.ja
    assert "--fix" in problem.ja
    assert f"saved as {label}" in problem.en
    assert decode("a.md", text.encode(codec)).text == text


def test_both_byte_orders_of_utf_16_are_read() -> None:
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert decode("a.md", mark + HOURS.encode(codec)).text == HOURS
    assert problem_of(b"\xff\xfe" + HOURS.encode("utf-16-le")[:-1]).is_mendable is False


def test_a_file_saved_half_way_is_said_to_be() -> None:
    data = HOURS.encode()
    problem = problem_of(data[: data.index("時ま".encode()) + 1])
    assert (problem.line, problem.is_mendable) == (6, False)
    assert "saved half-way" in problem.en


def test_a_broken_character_is_told_with_its_line() -> None:
    data = HOURS.encode()
    problem = problem_of(data.replace("何時".encode(), b"\xe4\xbd"))
    assert (problem.line, problem.en) == (6, "A part of this line is no text. Write that part anew.")


@pytest.mark.parametrize(
    "data", [b"\xff" * 30, bytes(range(128, 256)), "こんにちは".encode("cp500", "replace") + b"\x80"]
)
def test_what_is_no_text_is_not_guessed(data: bytes) -> None:
    problem = problem_of(data)
    assert not problem.is_mendable
    assert decode("a.md", data).text is None


def test_a_file_of_ten_megabytes_is_refused_at_once() -> None:
    assert "too large" in problem_of(b"a" * 10_000_000).en
    assert not decode("a.md", b"a" * FILE_BYTES_MAX).problem


@given(st.binary() | st.text().map(lambda text: text.encode("cp932", "replace")))
def test_any_bytes_can_be_read(data: bytes) -> None:
    text, problem = decode("a.md", data)
    assert problem is not None or text is not None
    assert problem is None or problem.line >= 1
