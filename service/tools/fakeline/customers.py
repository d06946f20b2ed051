"""What customers do: it becomes a complete webhook event, and changes the platform's state when LINE learns of it."""

from typing import TypedDict, Unpack

from service.tools.fakeline.events import WITHOUT_QUOTE_TOKEN, WITHOUT_REPLY_TOKEN
from service.tools.fakeline.ids import new_event_id, new_message_id, new_opaque_token, new_reply_token
from service.tools.fakeline.platform import Platform
from service.tools.fakeline.records import Json, ReplyToken, Wrote, as_object


class EventKnobs(TypedDict, total=False):
    """What may differ in an event. All may be left out.

    `group`: the chat's id, else 1:1. `mode`: `standby` comes without a reply token. `hides_user`: the source has no
    `userId`. `redelivered`: the first attempt was lost. `at`: the event's time in seconds. `shows`: the bubble in the
    chat for an event that is not a message. `extra`: more properties, or other values, of the event itself. `omit`:
    names to leave out of event and message.
    """

    group: str
    mode: str
    hides_user: bool
    redelivered: bool
    at: float
    shows: Json
    extra: Json
    omit: tuple[str, ...]


class Customers:
    """Builds events (`make_event`) and lets them take effect when they are first sent (`begin`)."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._waiting: dict[str, Wrote] = {}

    def make_event(self, user_id: str, fields: Json, **knobs: Unpack[EventKnobs]) -> Json:
        """Complete `fields` (see `events.py`) to a webhook event, sending nothing. Its token lives from `begin` on."""
        at = knobs.get("at", self._platform.time_shown())
        chat = knobs.get("group", user_id)
        omit = knobs.get("omit", ())
        event: Json = {
            **fields,
            "mode": knobs.get("mode", "active"),
            "timestamp": int(at * 1000),
            "source": self._source(user_id, knobs),
            "webhookEventId": new_event_id(at),
            "deliveryContext": {"isRedelivery": knobs.get("redelivered", False)},
        }
        if "message" in event:
            event["message"] = self._message(event, chat, omit)
        has_failed = event.get("link", {}).get("result") == "failed"
        if has_failed:
            del event["source"]
        if event["mode"] == "active" and event["type"] not in WITHOUT_REPLY_TOKEN and not has_failed:
            event["replyToken"] = new_reply_token()
            self._platform.reply_tokens[event["replyToken"]] = ReplyToken(chat, at - self._platform.ahead_s)
        event = {name: value for name, value in {**event, **knobs.get("extra", {})}.items() if name not in omit}
        self._keep_bubble(event, chat, user_id, knobs.get("shows"))
        return event

    def begin(self, event: Json) -> None:
        """Let LINE begin to send an event: its token lives, the chat shows it, the user's state changes."""
        self._platform.begin_webhook(event)
        line = self._waiting.pop(event.get("webhookEventId", ""), None)
        source = as_object(event.get("source"))
        chat = line.user if line else source.get("groupId") or source.get("userId", "")
        self._change_state(event, chat)
        if line is not None:
            self._platform.ledger.add(line)
            self._respond_automatically(event, line)

    def _source(self, user_id: str, knobs: EventKnobs) -> Json:
        who: Json = {} if knobs.get("hides_user") else {"userId": user_id}
        group = knobs.get("group")
        return {"type": "user", **who} if group is None else {"type": "group", "groupId": group, **who}

    def _message(self, event: Json, chat: str, omit: tuple[str, ...]) -> Json:
        message: Json = {"id": new_message_id(), **event["message"]}
        if message["type"] not in WITHOUT_QUOTE_TOKEN:
            message["quoteToken"] = new_opaque_token()
            self._platform.quote_tokens[message["quoteToken"]] = chat
        if event["type"] == "message":
            message["markAsReadToken"] = new_opaque_token()
            self._platform.read_tokens[message["markAsReadToken"]] = (chat, message["id"])
        return {name: value for name, value in message.items() if name not in omit}

    def _keep_bubble(self, event: Json, chat: str, author: str, shows: Json | None) -> None:
        if event["type"] in {"message", "postback"}:
            message = event.get("message", shows or {})
            message_id = message.get("id")
            line = Wrote(chat, message, event["webhookEventId"], message_id, event["timestamp"] / 1000, author)
            self._waiting[event["webhookEventId"]] = line

    def _change_state(self, event: Json, chat: str) -> None:
        user, group = self._platform.users.get(chat), self._platform.groups.get(chat)
        match event["type"]:
            case "unsend":
                self._unsend(chat, event["unsend"]["messageId"])
            case "message" if user:
                user.last_wrote_at = self._platform.clock()
            case "follow" | "unfollow" as kind if user:
                user.state = "friend" if kind == "follow" else "blocked"
                self._platform.bell.ring(chat)
            case "join" | "leave" as kind if group:
                group.has_bot = kind == "join"
                self._platform.bell.ring(chat)
            case _:
                pass

    def _unsend(self, chat: str, message_id: str) -> None:
        self._platform.ledger.unsend(chat, message_id)
        if message_id in self._platform.contents:
            self._platform.contents[message_id].unsent = True

    def _respond_automatically(self, event: Json, line: Wrote) -> None:
        rules = self._platform.rules
        if rules.auto_response is None or line.message.get("type") != "text":
            return
        self._platform.say(line.user, rules.auto_response, "auto")
        token = self._platform.reply_tokens.get(event.get("replyToken", ""))
        if token is not None and rules.auto_response_takes_token:
            token.used = True
