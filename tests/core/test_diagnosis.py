"""What `doctor` makes of the facts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.decisions import NoneFits, Pick
from service.core.diagnosis import (
    Finding,
    StoreFacts,
    judge_chat_mode,
    judge_clock,
    judge_embeddings,
    judge_faq,
    judge_model,
    judge_quota,
    judge_store,
    judge_webhook,
    judge_webhook_test,
)
from service.core.quota import use_by_end

URL = "https://henji.example/webhook/line"
GOOD = StoreFacts(
    name="Valkey 9.1.2",
    version="7.2.4",
    appendonly=True,
    appendfsync="always",
    write_failed=False,
    eviction="noeviction",
    memory_used=5_000_000,
    memory_limit=512_000_000,
    is_replica=False,
    needs_replica=False,
    replicas=0,
)


def japan(day: int, hour: int = 0, month: int = 11) -> datetime:
    """A moment in Japan, told in UTC as the service tells time."""
    return datetime(2025, month, day, hour, tzinfo=UTC) - timedelta(hours=9)


def found(findings: list[Finding], what: str) -> Finding:
    (finding,) = [each for each in findings if each.what == what]
    return finding


def store(**facts: Any) -> list[Finding]:
    return judge_store(msgspec.structs.replace(GOOD, **facts))


def test_a_finding_is_one_line() -> None:
    assert str(Finding("ok", "FAQ", "17 entries")) == "ok    FAQ: 17 entries"
    assert str(Finding("FAIL", "FAQ", "none", "write one")) == "FAIL  FAQ: none (write one)"


@pytest.mark.parametrize(("mode", "level"), [("chat", "ok"), ("bot", "warn"), ("ai", "warn"), ("", "warn")])
def test_chat_should_be_on(mode: str, level: str) -> None:
    assert judge_chat_mode(mode).level == level


@pytest.mark.parametrize(
    ("url", "active", "public_url", "level"),
    [
        (URL, True, None, "ok"),
        (URL, True, "https://henji.example", "ok"),
        (URL, True, "https://henji.example/", "ok"),
        (URL, True, "https://other.example", "FAIL"),
        ("https://henji.example/callback", True, None, "warn"),
        ("https://henji.example/webhook/line/", True, None, "warn"),
        (URL, False, None, "FAIL"),
        (None, False, None, "FAIL"),
    ],
)
def test_the_webhook_should_come_here(url: str | None, public_url: str | None, level: str, *, active: bool) -> None:
    assert judge_webhook(url, active=active, public_url=public_url).level == level


def test_a_webhook_test_tells_line_s_reason() -> None:
    assert judge_webhook_test(success=True, reason="OK", detail="200").level == "ok"
    failed = judge_webhook_test(success=False, reason="REQUEST_TIMEOUT", detail="")
    assert (failed.level, failed.found) == ("FAIL", "LINE could not deliver: REQUEST_TIMEOUT")


def test_the_month_is_japan_s() -> None:
    assert use_by_end(30, japan(16)) == 60
    # Still October in UTC, and the first hour of November in Japan.
    assert use_by_end(30, datetime(2025, 10, 31, 15, tzinfo=UTC)) is None
    # The last hour of October in Japan.
    assert use_by_end(31, datetime(2025, 10, 31, 14, tzinfo=UTC)) == 31


def test_the_first_three_days_give_no_forecast() -> None:
    assert use_by_end(30, japan(3, 23)) is None
    assert use_by_end(30, japan(4)) == 300
    assert judge_quota(200, 30, japan(3, 23)).found == "30 of 200 pushes used this month, too early for a forecast"


@pytest.mark.parametrize(
    ("limit", "used", "day", "level"),
    [
        (None, 10_000, 16, "ok"),
        (200, 0, 1, "ok"),
        (200, 80, 16, "ok"),
        (200, 81, 16, "warn"),
        (200, 161, 2, "warn"),
        (200, 160, 30, "warn"),
        (200, 154, 30, "ok"),
        (200, 200, 30, "FAIL"),
        (0, 0, 16, "FAIL"),
    ],
)
def test_the_quota_should_last_the_month(limit: int | None, used: int, day: int, level: str) -> None:
    assert judge_quota(limit, used, japan(day)).level == level


@given(st.integers(0, 50_000), st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_forecast_is_never_less_than_what_is_used(used: int, now: datetime) -> None:
    forecast = use_by_end(used, now)
    assert forecast is None or forecast >= used


@pytest.mark.parametrize(
    ("theirs", "level", "text"),
    [
        (1000.5, "ok", "agrees with this machine's"),
        (1002.9, "ok", "agrees with this machine's"),
        (1003.2, "warn", "2.2 s ahead of this machine's"),
        (997.5, "warn", "2.5 s behind this machine's"),
        (1031.5, "FAIL", "30.5 s ahead of this machine's"),
        (900.0, "FAIL", "100.0 s behind this machine's"),
    ],
)
def test_clocks_should_agree(theirs: float, level: str, text: str) -> None:
    finding = judge_clock("Redis'", 1000, theirs, theirs, 1001)
    assert (finding.level, finding.what, finding.found) == (level, "Redis' clock", text)


def test_neither_a_slow_answer_nor_whole_seconds_are_a_difference() -> None:
    assert judge_clock("LINE's", 1000, 1002, 1003, 1050).level == "ok"
    assert judge_clock("LINE's", 1000.9, 998, 999, 1000.95).level == "ok"


def test_a_good_store_is_good_in_every_way() -> None:
    assert [(each.level, each.what) for each in judge_store(GOOD)] == [
        ("ok", "Redis"),
        ("ok", "Redis durability"),
        ("ok", "Redis memory"),
    ]
    assert "Valkey 9.1.2" in found(judge_store(GOOD), "Redis").found


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("6.2.0", "ok"),
        ("6.2", "ok"),
        ("7.0.0", "ok"),
        ("10.0-rc1", "ok"),
        ("6.0.16", "FAIL"),
        ("5", "FAIL"),
        (None, "warn"),
    ],
)
def test_redis_must_be_new_enough(version: str | None, level: str) -> None:
    assert found(store(version=version), "Redis").level == level


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        ({"appendfsync": "everysec"}, "warn", "loses the last moments"),
        ({"appendfsync": None}, "warn", "cannot see appendfsync"),
        ({"appendonly": None}, "warn", "cannot see appendonly"),
        ({"appendonly": False}, "FAIL", "loses messages"),
        ({"appendonly": False, "replicas": 1}, "warn", "unless a replica takes over"),
        ({"write_failed": True}, "FAIL", "last write"),
    ],
)
def test_redis_must_keep_what_it_acknowledged(facts: dict[str, Any], level: str, words: str) -> None:
    finding = found(store(**facts), "Redis durability")
    assert finding.level == level
    assert words in finding.found


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        ({"memory_used": 420_000_000}, "warn", "420 MB used of 512 MB"),
        ({"memory_limit": 0, "memory_used": 9_000_000_000}, "ok", "9000 MB used, no limit set"),
        ({"eviction": "allkeys-lru"}, "FAIL", "forgets"),
        ({"eviction": "allkeys-lru", "memory_limit": 0}, "warn", "forgets"),
        ({"eviction": None, "memory_used": None}, "warn", "cannot see"),
    ],
)
def test_redis_must_not_forget_when_it_is_full(facts: dict[str, Any], level: str, words: str) -> None:
    finding = found(store(**facts), "Redis memory")
    assert finding.level == level
    assert words in finding.found


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"needs_replica": True, "replicas": 1}, "ok"),
        ({"needs_replica": True}, "FAIL"),
        ({"is_replica": True}, "FAIL"),
    ],
)
def test_replicas_count_where_there_should_be_some(facts: dict[str, Any], level: str) -> None:
    assert found(store(**facts), "Redis replicas").level == level


def test_a_model_should_get_the_trial_question_right() -> None:
    right = judge_model("small-model", Pick("hours"), "hours", 0.84)
    assert (right.level, right.found) == (
        "ok",
        "small-model answered a trial question in 0.8 s (that cost one request)",
    )
    assert judge_model("small-model", Pick("parking"), "hours", 1).level == "warn"
    assert judge_model("small-model", NoneFits(), "hours", 1).level == "warn"


@pytest.mark.parametrize(
    ("counts", "level"), [((17, 0, 0), "ok"), ((17, 0, 2), "warn"), ((17, 1, 0), "FAIL"), ((0, 0, 0), "FAIL")]
)
def test_the_faq_should_be_without_errors(counts: tuple[int, int, int], level: str) -> None:
    assert judge_faq(*counts).level == level


def test_an_embedding_model_must_answer_in_the_time_that_a_decision_waits() -> None:
    quick = judge_embeddings("toy", 384, 0.24, 1.0)
    assert (quick.level, quick.found) == ("ok", "toy gave a vector of 384 numbers after 0.2 s")
    slow = judge_embeddings("toy", 384, 1.26, 1.0)
    assert (slow.level, slow.todo) == ("warn", "a decision waits 1 s and then does without it")
