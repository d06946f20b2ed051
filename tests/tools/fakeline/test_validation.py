"""What LINE takes and refuses in a request body, with its own words."""

from io import BytesIO
from typing import Any

import pytest

from service.tools.fakeline.counting import graphemes, utf16_units
from service.tools.fakeline.server import FakeLine
from service.tools.fakeline.validation import find_problems
from tests.tools.fakeline.conftest import Api

Message = dict[str, Any]


def text(content: Any = "a", **fields: Any) -> Message:
    return {"type": "text", "text": content, **fields}


def quick(*actions: Message) -> Message:
    return text(quickReply={"items": [{"type": "action", "action": action} for action in actions]})


def postback(**fields: Any) -> Message:
    return {"type": "postback", "label": "はい", "data": "1", **fields}


def flex(contents: Message) -> Message:
    return {"type": "flex", "altText": "a", "contents": contents}


BUBBLE: Message = {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": []}}
LONG_CARD: Message = {
    "type": "template",
    "altText": "a",
    "template": {"type": "buttons", "text": "a" * 161, "actions": [postback()]},
}
FAMILY = "👨‍👩‍👧‍👦"

GOOD: list[list[Message]] = [
    [text("あ" * 5000)],
    [text("😀" * 2500)],
    [text()] * 5,
    [quick(*[postback(label=FAMILY * 20)] * 13)],
    [quick({"type": "uri", "label": "電話", "uri": "tel:0312345678"}, {"type": "camera", "label": "写真"})],
    [quick({"type": "message", "label": "a", "text": "あ" * 300})],
    [text(sender={"name": "スタッフ 佐藤", "iconUrl": "https://shop.example/a.png"})],
    [{"type": "textV2", "text": "{{a}} {b}", "substitution": {"b": {"type": "emoji"}}}],
    [text("$ $", emojis=[{"index": 0, "productId": "p", "emojiId": "001"}, {"index": 2}])],
    [{"type": "image", "originalContentUrl": "https://a.example/1.jpg", "previewImageUrl": "https://a.example/2.jpg"}],
    [flex(BUBBLE)],
    [flex({"type": "carousel", "contents": [BUBBLE] * 12})],
]

BAD: list[tuple[Any, str, str]] = [
    (None, "messages", "May not be empty"),
    ([], "messages", "Size must be between 1 and 5"),
    ([text()] * 6, "messages", "Size must be between 1 and 5"),
    ([text("")], "messages[0].text", "May not be empty"),
    ([{"type": "text"}], "messages[0].text", "May not be empty"),
    ([text("😀" * 2501)], "messages[0].text", "Length must be between 0 and 5000"),
    ([text(), {"type": "novelty"}], "messages[1].type", "must be one of the following values"),
    ([{"type": "textV2", "text": "a { b"}], "messages[0].text", "Invalid placeholder"),
    ([{"type": "textV2", "text": "{who}"}], "messages[0].substitution", "Placeholder who is not defined"),
    ([quick()], "messages[0].quickReply.items", "Size must be between 1 and 13"),
    ([quick(*[postback()] * 14)], "messages[0].quickReply.items", "Size must be between 1 and 13"),
    ([quick(postback(label="あ" * 21))], "messages[0].quickReply.items[0].action.label", "longer than 20"),
    ([quick({"type": "postback", "data": "1"})], "messages[0].quickReply.items[0].action.label", "must be specified"),
    ([quick(postback(data="1" * 301))], "messages[0].quickReply.items[0].action.data", "longer than 300"),
    ([quick(postback(displayText="1" * 301))], "messages[0].quickReply.items[0].action.displayText", "longer than 300"),
    ([quick({"type": "uri", "label": "a", "uri": "ftp://a"})], "messages[0].quickReply.items[0].action.uri", "scheme"),
    ([quick({"type": "richmenuswitch", "label": "a"})], "messages[0].quickReply.items[0].action.type", "must be one"),
    ([text(sender={"name": "あ" * 21})], "messages[0].sender.name", "longer than 20"),
    ([text(sender={"name": "LINE公式"})], "messages[0].sender.name", "forbidden word"),
    ([text(sender={"iconUrl": "http://a.example/"})], "messages[0].sender.iconUrl", "invalid uri scheme"),
    ([text("a", emojis=[{"index": 0}])], "messages[0].emojis[0].index", "must point to a $"),
    ([{"type": "image", "originalContentUrl": "http://a.example/1.jpg"}], "messages[0].originalContentUrl", "scheme"),
    ([{**flex(BUBBLE), "altText": "a" * 1501}], "messages[0].altText", "longer than 1500"),
    ([flex({**BUBBLE, "x": "a" * 30 * 1024})], "messages[0].contents", "larger than 30720 bytes"),
    ([flex({"type": "carousel", "contents": [BUBBLE] * 13})], "messages[0].contents", "at most 12 bubbles"),
    ([LONG_CARD], "messages[0].template.text", "longer than 160"),
]


@pytest.mark.parametrize("messages", GOOD)
def test_line_takes(messages: list[Message]) -> None:
    assert find_problems(messages) == []


@pytest.mark.parametrize(("messages", "where", "message"), BAD)
def test_line_refuses(messages: Any, where: str, message: str) -> None:
    problems = find_problems(messages)
    assert any(problem["property"] == where and message in problem["message"] for problem in problems), problems


async def test_a_refusal_lists_every_problem_and_sends_nothing(fake: FakeLine, api: Api, user: str) -> None:
    answer = await api.push(user, "", "ok", "a" * 5001)
    assert answer.status == 400
    assert answer.body == {
        "message": "The request body has 2 error(s)",
        "details": [
            {"message": "May not be empty", "property": "messages[0].text"},
            {"message": "Length must be between 0 and 5000", "property": "messages[2].text"},
        ],
    }
    assert fake.seen(user) == []
    checked = await api.post("/v2/bot/message/validate/reply", {"messages": [text("")]})
    assert (checked.status, checked.body["message"]) == (400, "The request body has 1 error(s)")
    assert (await api.post("/v2/bot/message/validate/reply", {"messages": [text()]})).status == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b'{"to": ', "application/json", 400, "could not be parsed as JSON (line: 1"),
        (b"\xff\xfe", "application/json", 400, "could not be parsed as JSON"),
        (b"[]", "application/json", 400, "could not be parsed as JSON"),
        (b"{}", "text/plain", 415, "The content type, text/plain, is not supported"),
        (b" " * (2 * 1024 * 1024 + 1), "application/json", 413, "Too Large"),
        (b'{"messages": [{"type": "text", "text": "a"}]}', "application/json", 400, "1 error(s)"),
    ],
)
async def test_a_body_that_is_no_request_is_refused(
    api: Api, *, body: bytes, content_type: str, status: int, message: str
) -> None:
    answer = await api.call("POST", "/v2/bot/message/push", data=BytesIO(body), headers={"Content-Type": content_type})
    assert answer.status == status
    assert message in answer.body["message"]


@pytest.mark.parametrize(
    ("content", "units", "readers"),
    [
        ("abc", 3, 3),
        ("😀", 2, 1),
        (FAMILY, 11, 1),
        ("🇯🇵🇫🇷", 8, 2),
        ("👍🏽", 4, 1),
        ("か\u3099", 2, 1),
        ("髙", 1, 1),
        ("☀\ufe0f", 2, 1),
    ],
)
def test_characters_are_counted_in_two_ways(content: str, units: int, readers: int) -> None:
    assert (utf16_units(content), graphemes(content)) == (units, readers)
