"""A bot of a hundred lines that stands in for Henji: its webhook, its REST answer, its way of replying."""

import asyncio
import hmac
import json
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from service.tools.fakeline.driver import sign
from service.tools.fakeline.server import ONE_PIXEL_PNG, FakeLine
from service.tools.simulator.view import PUBLIC_URL

Json = dict[str, Any]
API_TOKEN = "token-for-the-rest-api"
HOURS = "本日は10:00〜20:00です。\nふだんは火〜土 10:00〜20:00、月曜はお休みをいただいています。\nhttps://shop.example/hours"
QUESTIONS = {
    "hours": "営業時間を教えてください",
    "booking": "予約はどうすればよいですか",
    "cancel": "予約を変更・キャンセルしたい",
    "<b>evil</b>": "<img src=x onerror=alert(1)>",
}
NOTICE = "お問い合わせありがとうございます。スタッフが確認してお返事します。"


class TinyHenji:
    """Answers by three words. `is_down` makes the webhook fail; `answers_rest` off makes the REST API fail."""

    def __init__(self, fake: FakeLine, access_token: str, channel_secret: str) -> None:
        self._fake = fake
        self._secret = channel_secret
        self._line = aiohttp.ClientSession(headers={"Authorization": f"Bearer {access_token}"}, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._items: defaultdict[str, list[Json]] = defaultdict(list)
        self._handoffs: dict[str, Json] = {}
        self.is_down = False
        self.answers_rest = True

    async def webhook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not hmac.compare_digest(sign(self._secret, body), request.headers.get("x-line-signature", "")):
            return web.Response(status=401)
        if self.is_down:
            return web.Response(status=503)
        answerable = [event for event in json.loads(body)["events"] if "replyToken" in event]
        for event in answerable:
            task = asyncio.create_task(self._answer(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return web.Response()

    async def conversation(self, request: web.Request) -> web.Response:
        user = request.match_info["customer"]
        if request.headers.get("Authorization") != f"Bearer {API_TOKEN}" or not self.answers_rest:
            return web.Response(status=401)
        if user not in self._items:
            return web.Response(status=404)
        handoff = self._handoffs.get(user)
        state = "waiting" if handoff else "bot"
        items = self._items[user]
        body = {"customer": user, "state": state, "paused": False, "handoff": handoff, "items": items, "novelty": 1}
        return web.json_response(body)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks)
        await self._line.close()

    async def _answer(self, event: Json) -> None:
        message = event.get("message", {})
        source, text = event["source"], message.get("text")
        user = source.get("groupId") or source["userId"]
        at = event["timestamp"] / 1000
        if message:
            message_item = {"kind": "message", "id": message["id"], "at": at, "text": text, "type": message["type"]}
            self._items[user].append(message_item)
            await self._call("chat/markAsRead", {"markAsReadToken": message["markAsReadToken"]})
        messages, decision = self._decide(user, event, text or "")
        self._items[user].append(_trace(event, decision))
        if text == "プッシュ":
            await self._call("message/push", {"to": user, "messages": messages})
        elif messages:
            await self._call("message/reply", {"replyToken": event["replyToken"], "messages": messages})

    def _decide(self, user: str, event: Json, text: str) -> tuple[list[Json], Json]:
        candidates = [
            {"entry": "hours", "probability": 0.94 if "営業" in text else 0.41},
            {"entry": "booking", "probability": 0.35 if "予約" in text else 0.04},
        ]
        if event["type"] == "postback" or "営業" in text:
            reason = "choice" if event["type"] == "postback" else "sure"
            return [_bubble(HOURS)], _decision("answer", reason, entry="hours", candidates=candidates)
        if "予約" in text:
            return [_choices()], _decision("clarify", "unsure", choices=["booking", "cancel"], candidates=candidates)
        if text == "地図":
            url = f"{PUBLIC_URL}/img/map.png"
            return [{"type": "image", "originalContentUrl": url, "previewImageUrl": url}], _decision("answer", "sure")
        if text == "プッシュ":
            return [_bubble("一つ目です。", "スタッフ 佐藤"), _bubble("二つ目です。", "スタッフ 佐藤")], _decision(
                "silent", "<i>new</i>"
            )
        if "ありがとう" in text:
            return [], _decision("silent", "courtesy")
        self._handoffs[user] = {"id": "h1", "status": "waiting", "reason": "no_entry"}
        return [_bubble(NOTICE)], _decision("handoff", "no_entry", candidates=candidates[1:])

    async def _call(self, path: str, body: Json) -> None:
        async with self._line.post(f"{self._fake.base_url}/v2/bot/{path}", json=body) as response:
            assert response.status == 200, await response.text()


def _bubble(text: str, sender: str = "自動応答") -> Json:
    return {"type": "text", "text": text, "sender": {"name": sender}}


def _choices() -> Json:
    actions = [
        {"type": "postback", "label": "予約方法", "data": "c=booking", "displayText": "予約はどうすればよいですか"},
        {"type": "message", "label": "営業時間", "text": "営業時間は?"},
        {"type": "uri", "label": "予約ページ", "uri": "https://shop.example/booking"},
        {
            "type": "postback",
            "label": "日時を送る",
            "data": "ask",
            "inputOption": "openKeyboard",
            "fillInText": "ご希望日時：",
        },
    ]
    text = "どちらの内容でしょうか。番号でもお選びいただけます。\n1. 予約はどうすればよいですか\n2. スタッフに聞く"
    items = [{"type": "action", "action": action} for action in actions]
    return {**_bubble(text), "quickReply": {"items": items}}


def _decision(kind: str, reason: str, **fields: Any) -> Json:
    return {"type": kind, "reason": reason, **fields}


def _trace(event: Json, decision: Json) -> Json:
    is_unsure = decision["reason"] == "unsure"
    return {
        "kind": "trace",
        "id": event["webhookEventId"],
        "turn": event["webhookEventId"],
        "at": event["timestamp"] / 1000,
        "decision": decision,
        "questions": QUESTIONS,
        "thresholds": {"sure": 0.9, "clarify": 0.3},
        "knowledge": "a1b2c3d4",
        "model": {"name": "gpt-5-mini", "prompt": "p1", "verdict": "unclear", "ms": 812.4} if is_unsure else None,
        "took_ms": 3.14,
    }


async def picture(_request: web.Request) -> web.Response:
    return web.Response(body=ONE_PIXEL_PNG, content_type="image/png")


@asynccontextmanager
async def running(fake: FakeLine, access_token: str, channel_secret: str) -> AsyncGenerator[tuple[TinyHenji, str]]:
    """Run the bot behind `fake`'s webhook; gives it and the address of its REST API."""
    henji, app = TinyHenji(fake, access_token, channel_secret), web.Application()
    app.router.add_post("/webhook/line", henji.webhook)
    app.router.add_get("/img/map.png", picture)
    app.router.add_get("/api/v1/conversations/{customer}", henji.conversation)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    fake.webhook_url = f"{url}/webhook/line"
    yield henji, url
    await runner.cleanup()
    await henji.close()
