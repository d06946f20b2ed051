"""LINE's events as they come: every type and kind, and whatever LINE or anybody may make of them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.events import (
    Event,
    Incoming,
    MalformedWebhook,
    Other,
    Said,
    TakenBack,
    Tapped,
    Timer,
    read_event,
    read_webhook,
)
from service.core.records import utc
from tests.support.shop import CUSTOMER

NOW = 1_764_000_000_000
GROUP = "C" + "3" * 32
USER = {"type": "user", "userId": CUSTOMER}
TEXT = {"id": "468789577898262530", "type": "text", "text": "こんにちは", "quoteToken": "q"}


def event(**changes: object) -> dict[str, Any]:
    """A text message as LINE sends it, with changes; None takes a property away."""
    usual = {
        "type": "message",
        "mode": "active",
        "timestamp": NOW,
        "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
        "source": USER,
        "message": TEXT,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def store(*events: object) -> list[Incoming]:
    return read_webhook(json.dumps({"destination": "U0", "events": events}).encode())


def read(one: object) -> Event:
    (incoming,) = store(one)
    return read_event(incoming.id, incoming.raw)


def test_a_text_message_is_stored_with_all_that_is_needed_to_answer_it() -> None:
    (incoming,) = store(event())
    assert incoming == Incoming(
        id="01FZ74A0TDDPYRVKNK77XKC3ZR",
        conversation=CUSTOMER,
        raw=incoming.raw,
        at=NOW,
        reply_token="nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
        unsent="",
    )
    assert json.loads(incoming.raw) == event()
    assert read_event(incoming.id, incoming.raw) == Said(incoming.id, NOW, "468789577898262530", "text", "こんにちは")


def test_the_stored_bytes_are_those_that_line_sent() -> None:
    body = '{"events" : [ {"type" : "message",  "x" : 1.0, "message":{"text":"é\\u3042"}} ]}'
    assert read_webhook(body.encode())[0].raw == '{"type" : "message",  "x" : 1.0, "message":{"text":"é\\u3042"}}'


def test_the_connection_check_has_no_events() -> None:
    assert read_webhook(b'{"destination":"U0","events":[]}') == []


@pytest.mark.parametrize("kind", ["sticker", "image", "video", "audio", "file", "location"])
def test_every_kind_of_message_is_known_and_only_text_has_text(kind: str) -> None:
    said = read(event(message={"id": "5", "type": kind, "text": "on a sticker"}))
    assert isinstance(said, Said)
    assert (said.message, said.kind, said.text) == ("5", kind, "")
    assert said.media is not None


def test_a_message_names_the_one_that_it_quotes() -> None:
    said = read(event(message={**TEXT, "quotedMessageId": "325708"}))
    assert isinstance(said, Said)
    assert (said.quoted, said.text) == ("325708", "こんにちは")


@pytest.mark.parametrize("message", [{"id": "5", "type": "hologram"}, {"id": "5", "type": 7}, {"id": "5"}])
def test_a_kind_that_nobody_knows_is_still_a_message(message: dict[str, Any]) -> None:
    assert read(event(message=message)) == Said("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "5", "unknown", "")


OTHERS: list[dict[str, Any]] = [
    {"type": "follow", "follow": {"isUnblocked": False}},
    {"type": "unfollow", "replyToken": None},
    {"type": "videoPlayComplete", "videoPlayComplete": {"trackingId": "t"}},
    {"type": "beacon", "beacon": {"hwid": "d41d8cd98f", "type": "enter"}},
    {"type": "accountLink", "link": {"result": "ok", "nonce": "n"}},
    {"type": "membership", "membership": {"type": "joined", "membershipId": 3189}},
    {"type": "delivery", "replyToken": None, "delivery": {"data": "d"}},
    *({"type": name} for name in ("module", "activated", "deactivated", "botSuspended", "botResumed", "brandNew")),
]


@pytest.mark.parametrize("changes", OTHERS, ids=lambda changes: changes["type"])
def test_every_other_event_is_named_and_belongs_to_the_customer(changes: dict[str, Any]) -> None:
    one = event(message=None, **changes)
    assert read(one) == Other("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, changes["type"])
    assert store(one)[0].conversation == CUSTOMER


def test_an_unsend_is_read_in_standby_and_in_a_group_too() -> None:
    for more in ({}, {"mode": "standby"}, {"source": {"type": "group", "groupId": "C1"}}):
        taken_back = read_event("01E", json.dumps({"type": "unsend", "unsend": {"messageId": "325708"}, **more}))
        assert taken_back == TakenBack("01E", 0, "325708")


def test_a_timer_of_ours_is_read() -> None:
    assert read_event("timer-1", '{"type":"henji.timer","name":"return","timestamp":5}') == Timer(
        "timer-1", 5, "return"
    )


def test_an_unsend_names_the_message_that_is_gone() -> None:
    (incoming,) = store(event(type="unsend", message=None, unsend={"messageId": "325708"}, replyToken=None))
    assert (incoming.unsent, incoming.reply_token) == ("325708", "")


def test_an_event_without_a_source_is_a_conversation_of_its_own() -> None:
    (incoming,) = store(event(type="accountLink", source=None, message=None, link={"result": "failed"}))
    assert incoming.conversation == "?01FZ74A0TDDPYRVKNK77XKC3ZR"


@pytest.mark.parametrize(
    "postback",
    [
        {"data": "choice:x:cut"},
        {"data": "choice:x:cut", "params": {"datetime": "2026-01-01T00:00"}},
        {"data": "choice:x:cut", "params": {"newRichMenuAliasId": "a", "status": "SUCCESS"}},
    ],
)
def test_a_tapped_button_gives_its_data(postback: dict[str, Any]) -> None:
    tapped = Tapped("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "choice:x:cut")
    assert read(event(type="postback", message=None, postback=postback)) == tapped


@pytest.mark.parametrize("postback", [None, {}, {"data": None}, {"data": []}, "x"])
def test_a_button_without_data_is_a_button(postback: object) -> None:
    assert read(event(type="postback", message=None, postback=postback)) == Tapped(
        "01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, ""
    )


GROUPS: list[dict[str, Any]] = [
    {"type": "group", "groupId": GROUP, "userId": CUSTOMER},
    {"type": "group", "groupId": GROUP},
    {"type": "room", "roomId": GROUP, "userId": CUSTOMER},
    {"groupId": GROUP, "userId": CUSTOMER},
]


@pytest.mark.parametrize("source", GROUPS)
@pytest.mark.parametrize("kind", ["message", "messageEdited", "postback", "leave", "memberJoined", "memberLeft"])
def test_a_group_has_a_conversation_of_its_own_and_no_word_of_it_is_read(kind: str, source: dict[str, Any]) -> None:
    """Else a group's reply token would answer a member's private question before all the others."""
    one = event(type=kind, source=source, postback={"data": "d"})
    assert store(one)[0].conversation == GROUP
    assert read(one) == Other("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "group")


@pytest.mark.parametrize("source", GROUPS)
def test_of_a_group_it_is_told_when_the_bot_joins_and_when_it_is_spoken_to(source: dict[str, Any]) -> None:
    def said(*mentionees: object) -> Any:
        return read(
            event(source=source, message={"type": "text", "text": "@店", "mention": {"mentionees": mentionees}})
        )

    assert read(event(type="join", source=source)) == Other("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "join")
    assert said({"type": "user"}, {"type": "user", "isSelf": True}).what == "mention"
    for others in ((), ({"type": "all"},), ({"isSelf": "yes"},), (7,)):
        assert said(*others).what == "group"


@pytest.mark.parametrize("source", [{"type": "group", "userId": CUSTOMER}, {"type": "openChat", "userId": CUSTOMER}])
def test_whatever_is_not_surely_a_customer_alone_counts_as_a_group(source: dict[str, Any]) -> None:
    (incoming,) = store(event(source=source))
    assert incoming.conversation == "?01FZ74A0TDDPYRVKNK77XKC3ZR"
    assert read(event(source=source)) == Other("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "group")


@pytest.mark.parametrize("source", [USER, GROUPS[0]])
@pytest.mark.parametrize("mode", ["standby", "brandNew"])
def test_what_another_module_answers_is_not_for_us(mode: str, source: dict[str, Any]) -> None:
    one = event(mode=mode, source=source, replyToken=None)
    assert read(one) == Other("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "standby")


def test_an_event_without_a_mode_is_for_us() -> None:
    assert isinstance(read(event(mode=None)), Said)


@pytest.mark.parametrize("given_id", [None, "", "x" * 65, "a b", "a\nb", "日本", 7.5, [], "a:b"])
def test_an_odd_event_id_is_replaced_by_a_hash_of_the_event(given_id: object) -> None:
    """The same event gets the same id when LINE delivers it again."""
    first, second = (store(event(webhookEventId=given_id))[0] for _ in range(2))
    assert first.id == second.id
    assert len(first.id) == 40
    assert first.id != store(event(webhookEventId=given_id, timestamp=NOW + 1))[0].id


@pytest.mark.parametrize("user", [None, "", "x" * 65, "U 1", "U\n1", "利用者", [], {}, "?x", "@alert:1"])
def test_an_odd_user_id_is_a_conversation_of_its_own(user: object) -> None:
    (incoming,) = store(event(source={"type": "user", "userId": user}))
    assert incoming.conversation == "?01FZ74A0TDDPYRVKNK77XKC3ZR"


@pytest.mark.parametrize("token", [None, "", "a b", "a\nb", "トークン", "x" * 201, [], 1.5])
def test_an_odd_reply_token_is_left_out_and_the_message_kept(token: object) -> None:
    (incoming,) = store(event(replyToken=token))
    assert (incoming.reply_token, incoming.conversation) == ("", CUSTOMER)
    assert isinstance(read(event() | {"replyToken": token}), Said)


@pytest.mark.parametrize("name", ["replyToken", "deliveryContext", "message", "source", "webhookEventId", "timestamp"])
@pytest.mark.parametrize("value", [None, 1, 1.5, "x", [], {}, True])
def test_one_odd_property_never_costs_the_message(name: str, value: object) -> None:
    odd = read(event() | {name: value})
    assert isinstance(odd, Said)
    assert odd.text == ("こんにちは" if name != "message" else "")


def test_an_id_that_is_a_number_is_kept() -> None:
    """LINE's reference calls message ids numbers."""
    one = read(event(message={"id": 468789577898262530, "type": "text", "text": "x"}))
    assert one == Said("01FZ74A0TDDPYRVKNK77XKC3ZR", NOW, "468789577898262530", "text", "x")


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (NOW + 0.9, NOW),
        (-1, 0),
        (10**30, 253_402_300_799_000),
        (1e300, 253_402_300_799_000),
        ("7", 0),
        (None, 0),
        ([], 0),
    ],
)
def test_a_time_is_always_one_that_redis_and_the_calendar_can_hold(timestamp: object, at: int) -> None:
    (incoming,) = store(event() | {"timestamp": timestamp})
    assert incoming.at == at
    assert read(event() | {"timestamp": timestamp}).at == at
    assert utc(at).year <= 9999


@pytest.mark.parametrize("one", [None, 3, "x", [], {}, True, {"type": 1.5}, {"type": None}, [[]]])
def test_what_is_no_event_at_all_is_recorded_as_unreadable(one: object) -> None:
    assert read(one) == Other(store(one)[0].id, 0, "unreadable")


def test_an_unreadable_event_does_not_keep_the_others_of_its_body_out() -> None:
    kept = store(None, event(), {"type": []})
    assert [item.conversation for item in kept] == [f"?{kept[0].id}", CUSTOMER, f"?{kept[2].id}"]


def test_half_an_emoji_is_replaced_and_the_rest_kept() -> None:
    body = json.dumps({"events": [event(message={"id": "5", "type": "text", "text": "a\ud83db😀"})]}).encode()
    (incoming,) = read_webhook(body)
    assert incoming.conversation == CUSTOMER
    assert read_event(incoming.id, incoming.raw) == Said(incoming.id, NOW, "5", "text", "a\ufffdb😀")


def test_deep_nesting_is_no_crash() -> None:
    deep = b'{"events":[{"type":"message","x":' + b"[" * 400 + b"]" * 400 + b"}]}"
    assert len(read_webhook(deep)) == 1
    for levels in (5_000, 200_000):
        with pytest.raises(MalformedWebhook):
            read_webhook(b'{"events":[' + b"[" * levels + b"]" * levels + b"]}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"null",
        b"[]",
        b"{}",
        b'{"events":null}',
        b'{"events":{}}',
        b'{"events":[',
        b'{"events":[NaN]}',
        b'{"events":["\\ud800", NaN]}',
        b'{"events":["\\ud800", ' + b"1" * 5000 + b"]}",
        b"\xff\xfe",
    ],
)
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        read_webhook(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("type", "mode", "timestamp", "webhookEventId", "replyToken", "source", "message", "postback", "unsend")
odd_objects = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(("text", "user", "group", "image")) | anything,
        "text": st.text(st.characters(exclude_categories=()), max_size=8) | anything,
        "userId": st.just(CUSTOMER) | anything,
        "groupId": anything,
        "id": anything,
        "data": anything,
        "messageId": anything,
    },
)
odd_events = anything | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(NAMES, odd_objects | anything),
        "type": st.sampled_from(("message", "postback", "unsend", "follow")) | anything,
        "mode": st.just("active") | anything,
    },
)


@given(st.lists(odd_events, max_size=3))
def test_no_event_makes_reading_fail(events: list[object]) -> None:
    """Half emoji, huge numbers, wrong kinds: each event is stored and read, and fits what Redis' keys can hold."""
    stored = store(*events)
    assert len(stored) == len(events)
    for incoming in stored:
        assert incoming.conversation.removeprefix("?").replace("_", "").replace("-", "").isalnum()
        assert 0 <= incoming.at <= 253_402_300_799_000
        assert not set(" \n") & set(incoming.id + incoming.reply_token + incoming.unsent)
        incoming.raw.encode()
        one = read_event(incoming.id, incoming.raw)
        assert (one.event, one.at) == (incoming.id, incoming.at)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_webhook_or_are_refused(body: bytes) -> None:
    with suppress(MalformedWebhook):
        assert isinstance(read_webhook(body), list)


@given(st.text())
def test_any_stored_text_can_be_read(raw: str) -> None:
    assert read_event("01X", raw).event == "01X"
