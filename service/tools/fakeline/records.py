"""What the fake platform remembers: users, groups, tokens, content, and what was said in each chat.

Plain records without behaviour beyond reading themselves; `platform.py` holds the rules that change them.
Times are seconds since 1970 on the fake's own clock.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, cast

Json = dict[str, Any]
UserState = Literal["friend", "blocked", "deleted", "never_friend"]
Source = Literal["reply", "push", "operator", "auto"]


def as_object(value: Any) -> Json:
    """Take a JSON object as it is, anything else as an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Take a JSON array as it is, anything else as an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


@dataclass(frozen=True)
class Seen:
    """One bubble that reached a chat (or, in `Ledger.undelivered`, one that LINE accepted and never delivered).

    `source` is `operator` for a person writing in OA Manager and `auto` for LINE's own auto-response.
    `billed` is true on the first bubble of a push that counts against the quota: one count per request.
    """

    user: str
    message: Json
    source: Source
    billed: bool
    request_id: str
    message_id: str
    at: float

    @property
    def text(self) -> str | None:
        """The text as sent, None for a message without text."""
        return self.message.get("text")

    @property
    def sender(self) -> str | None:
        """The name shown above the bubble, None when the account's own name is shown."""
        return as_object(self.message.get("sender")).get("name")


@dataclass(frozen=True)
class Wrote:
    """Something a customer sent: a message, or a tapped button.

    `user` is the chat (a customer's or a group's id), `author` the customer who wrote. `message` is what stands in the
    customer's own bubble; it is empty for a postback without a display text, which leaves no bubble on LINE.
    """

    user: str
    message: Json
    event_id: str
    message_id: str | None
    at: float
    author: str

    @property
    def text(self) -> str | None:
        """The text in the bubble, None for a message without text."""
        return self.message.get("text")


@dataclass
class User:
    """A LINE user as the platform knows it. Tests change `state` freely."""

    user_id: str
    display_name: str
    state: UserState = "friend"
    language: str | None = "ja"
    picture_url: str | None = None
    status_message: str | None = None
    last_wrote_at: float | None = None
    loading_until: float = 0.0
    read: set[str] = field(default_factory=set[str])
    pushed_at: list[float] = field(default_factory=list[float])


@dataclass
class Group:
    """A group chat. A push to it counts once per member; without the bot in it (`has_bot`) nothing can be sent."""

    group_id: str
    members: list[str]
    name: str = ""
    has_bot: bool = True


@dataclass
class ReplyToken:
    """A reply token: `webhook_at` is the webhook's (or the last redelivery's) start, None before it was sent."""

    chat: str
    event_at: float
    webhook_at: float | None = None
    used: bool = False


@dataclass(frozen=True)
class RetryKey:
    """A retry key that was accepted, with the answer to repeat."""

    accepted_at: float
    request_id: str
    response: Json


@dataclass
class Content:
    """The bytes behind an image, video, audio or file. `pending` more requests are answered 202 first.

    `duration_ms` is the length of a video or a voice message.
    """

    data: bytes
    content_type: str
    pending: int = 0
    unsent: bool = False
    duration_ms: int | None = None


@dataclass
class Rules:
    """Behaviour that LINE does not document or lets a shop choose: switches for tests.

    `bad_body_consumes_token` and `reply_to_blocked` are open points 1 and 2 of the fact sheet's section 7.
    `pushes_per_user_per_minute` is off by default because LINE does not publish the figure.
    `auto_response` is what LINE's own auto-response says to every text; `auto_response_takes_token` lets it win the
    race for the reply token. `redelivery_delays_s` non-empty switches redelivery on: one attempt after each delay.
    """

    reply_token_life_s: float = 60.0
    event_life_s: float = 20 * 60.0
    bad_body_consumes_token: bool = False
    reply_to_blocked: Literal["accepted", "refused"] = "accepted"
    pushes_per_user_per_minute: int | None = None
    chat_mode: Literal["chat", "bot"] = "chat"
    auto_response: str | None = None
    auto_response_takes_token: bool = False
    webhook_timeout_s: float = 2.0
    redelivery_delays_s: tuple[float, ...] = ()
