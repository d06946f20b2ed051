"""The state and the rules of the fake LINE platform, without any HTTP.

What a reply token, a retry key, a quota and a user's state allow is decided here; `api.py` puts HTTP around it and
`driver.py` sends the webhooks. Facts: Messaging API reference and fact sheet sections 2 and 6.
"""

import re
from collections.abc import Callable

from service.tools.fakeline.ids import new_group_id, new_message_id, new_opaque_token, new_request_id, new_user_id
from service.tools.fakeline.ledger import Bell, Ledger
from service.tools.fakeline.records import (
    Content,
    Group,
    Json,
    ReplyToken,
    RetryKey,
    Rules,
    Seen,
    Source,
    User,
    UserState,
    as_object,
)
from service.tools.fakeline.refusals import Refused, refuse_details
from service.tools.fakeline.validation import QUOTABLE, find_problems

USER_ID = re.compile(r"U[0-9a-f]{32}")
RETRY_KEY = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
RETRY_KEY_LIFE_S = 24 * 3600.0
NON_FRIEND_WINDOW_S = 7 * 24 * 3600.0
STATELESS_TOKEN_LIFE_S = 900.0
FLOOD_WINDOW_S = 60.0


class Platform:
    """Everything the fake LINE knows. Its attributes may be read and changed by tests at any time."""

    def __init__(
        self, *, clock: Callable[[], float], access_token: str, channel_id: str, channel_secret: str, quota: int | None
    ) -> None:
        self.clock = clock
        self.ahead_s = 0.0
        self.rules = Rules()
        self.bell = Bell()
        self.ledger = Ledger(self.bell)
        self.bot_user_id = new_user_id()
        self.channel_id = channel_id
        self.channel_secret = channel_secret
        self.access_tokens: dict[str, float | None] = {access_token: None}
        self.quota = quota
        self.pushes_used = 0
        self.webhook_url: str | None = None
        self.account_name = ""
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.reply_tokens: dict[str, ReplyToken] = {}
        self.retry_keys: dict[str, RetryKey] = {}
        self.quote_tokens: dict[str, str] = {}
        self.read_tokens: dict[str, tuple[str, str]] = {}
        self.contents: dict[str, Content] = {}

    def add_user(
        self, display_name: str, user_id: str | None = None, state: UserState = "friend", language: str | None = "ja"
    ) -> str:
        """Add a user and return the id."""
        user = User(user_id or new_user_id(), display_name, state, language)
        self.users[user.user_id] = user
        self.bell.ring(user.user_id)
        return user.user_id

    def add_group(self, *members: str, name: str = "", has_bot: bool = True) -> str:
        """Add a group chat and return its id."""
        group = Group(new_group_id(), list(members), name, has_bot)
        self.groups[group.group_id] = group
        self.bell.ring(group.group_id)
        return group.group_id

    def time_shown(self) -> float:
        """Tell the time that chats and events show; the rules' own `clock` may be behind it."""
        return self.clock() + self.ahead_s

    def issue_stateless_token(self) -> str:
        """Make an access token that lives 15 minutes."""
        token = new_opaque_token()
        self.access_tokens[token] = self.clock() + STATELESS_TOKEN_LIFE_S
        return token

    def check_access_token(self, authorization: str) -> None:
        """Check an `Authorization` header. Raises Refused (401)."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or token not in self.access_tokens:
            raise Refused(401, "Authentication failed due to the following reason: invalid token")
        expires_at = self.access_tokens[token]
        if expires_at is not None and self.clock() >= expires_at:
            raise Refused(401, "Authentication failed due to the following reason: expired token")

    def begin_webhook(self, event: Json) -> None:
        """Start the life of an event's reply token; only a redelivery starts it again."""
        token = self.reply_tokens.get(event.get("replyToken", ""))
        is_redelivery = event.get("deliveryContext", {}).get("isRedelivery", False)
        if token is not None and (token.webhook_at is None or is_redelivery):
            token.webhook_at = self.clock()

    def reply(self, body: Json, request_id: str, *, delivers: bool = True) -> Json:
        """Accept a reply: the token is used up whether or not anybody reads the answer. Raises Refused (400)."""
        name = body.get("replyToken")
        token = self.reply_tokens.get(name) if isinstance(name, str) else None
        try:
            refuse_details([] if name else [{"message": "May not be empty", "property": "replyToken"}])
            self._check_messages(body, token.chat if token else None)
        except Refused:
            if token is not None and self.rules.bad_body_consumes_token:
                token.used = True
            raise
        if token is None or not self._is_alive(token):
            raise Refused(400, "Invalid reply token")
        self._check_member(token.chat)
        if self.rules.reply_to_blocked == "refused" and not self._reaches(token.chat):
            raise Refused(400, "Failed to send messages")
        token.used = True
        return self._accept(token.chat, body, "reply", request_id, billed=False, delivers=delivers)

    def push(self, body: Json, request_id: str, retry_key: str | None, *, delivers: bool = True) -> Json:
        """Accept a push. Raises Refused: 400, 409 for a retry key already accepted, 429 for quota or flood."""
        chat = body.get("to")
        if not isinstance(chat, str) or not chat:
            refuse_details([{"message": "May not be empty", "property": "to"}])
        self._check_messages(body, str(chat))
        if retry_key is not None:
            self._check_retry_key(retry_key)
        reached = self._recipients(str(chat)) * delivers
        if self.quota is not None and self.pushes_used + reached > self.quota:
            raise Refused(429, "You have reached your monthly limit.")
        self._check_flood(str(chat))
        self.pushes_used += reached
        response = self._accept(str(chat), body, "push", request_id, billed=reached > 0, delivers=delivers)
        if retry_key is not None:
            self.retry_keys[retry_key.lower()] = RetryKey(self.clock(), request_id, response)
        return response

    def keep_content(self, content: Content) -> str:
        """Store what stands behind a message and return the id for that message."""
        message_id = new_message_id()
        self.contents[message_id] = content
        return message_id

    def say(self, chat: str, text: str, source: Source) -> str:
        """Let OA Manager show a text in a chat: an operator, or LINE's auto-response. Returns the message id."""
        message_id = new_message_id()
        message: Json = {"type": "text", "text": text}
        self.ledger.add(
            Seen(
                chat,
                message,
                source,
                billed=False,
                request_id=new_request_id(),
                message_id=message_id,
                at=self.time_shown(),
            )
        )
        return message_id

    def mark_as_read(self, token: str) -> None:
        """Mark the token's message and all before it as read. Raises Refused (400)."""
        if token not in self.read_tokens:
            text = "Invalid markAsReadToken. Tokens must be used by the bot that received them via Webhook."
            raise Refused(400, text)
        chat, message_id = self.read_tokens[token]
        user = self.users.get(chat)
        for line in self.ledger.wrote(chat):
            if user is not None and line.message_id is not None:
                user.read.add(line.message_id)
            if line.message_id == message_id:
                break
        self.bell.ring(chat)

    def start_loading(self, user_id: str, seconds: int) -> None:
        """Show the loading animation to a user for `seconds`; nothing happens for those who are not friends."""
        user = self.users.get(user_id)
        if user is not None and user.state == "friend":
            user.loading_until = self.clock() + seconds
            self.bell.ring(user_id)

    def profile(self, user_id: str) -> Json:
        """Give a user's profile. Raises Refused (400, or 404 for anybody the bot may not see)."""
        if not USER_ID.fullmatch(user_id):
            raise Refused(400, "The value for the 'userId' parameter is invalid")
        user = self.users.get(user_id)
        seen_by_bot = user is not None and (user.state == "friend" or user.last_wrote_at is not None)
        if user is None or user.state in {"blocked", "deleted"} or not seen_by_bot:
            raise Refused(404, "Not found")
        fields = {
            "userId": user_id,
            "displayName": user.display_name,
            "language": user.language,
            "pictureUrl": user.picture_url,
            "statusMessage": user.status_message,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def is_read(self, chat: str, message_id: str | None) -> bool:
        """Say whether a customer's message shows as read: with Chat off everything does at once."""
        user = self.users.get(chat)
        return self.rules.chat_mode == "bot" or (user is not None and message_id in user.read)

    def _check_messages(self, body: Json, chat: str | None) -> None:
        refuse_details(find_problems(body.get("messages")))
        for index, message in enumerate(body["messages"]):
            quoted = as_object(message).get("quoteToken")
            if quoted is not None and chat is not None and self.quote_tokens.get(quoted) != chat:
                refuse_details([{"message": "Invalid quoteToken", "property": f"messages[{index}].quoteToken"}])

    def _is_alive(self, token: ReplyToken) -> bool:
        now = self.clock()
        return (
            not token.used
            and token.webhook_at is not None
            and now - token.webhook_at <= self.rules.reply_token_life_s
            and now - token.event_at <= self.rules.event_life_s
        )

    def _check_retry_key(self, retry_key: str) -> None:
        if not RETRY_KEY.fullmatch(retry_key):
            raise Refused(400, "The value for the 'X-Line-Retry-Key' header is invalid")
        known = self.retry_keys.get(retry_key.lower())
        if known is not None and self.clock() - known.accepted_at < RETRY_KEY_LIFE_S:
            headers = {"x-line-accepted-request-id": known.request_id}
            raise Refused(409, "The retry key is already accepted", body=known.response, headers=headers)

    def _check_flood(self, chat: str) -> None:
        limit, user = self.rules.pushes_per_user_per_minute, self.users.get(chat)
        if limit is None or user is None:
            return
        user.pushed_at = [at for at in user.pushed_at if self.clock() - at < FLOOD_WINDOW_S]
        if len(user.pushed_at) >= limit:
            raise Refused(429, "The API rate limit has been exceeded. Try again later.")
        user.pushed_at.append(self.clock())

    def _recipients(self, chat: str) -> int:
        """Count those a push to `chat` reaches and is billed for. Raises Refused (400) for an unknown id."""
        self._check_member(chat)
        if chat in self.groups:
            return len(self.groups[chat].members)
        if chat not in self.users:
            raise Refused(400, "Failed to send messages")
        return int(self._reaches(chat))

    def _check_member(self, chat: str) -> None:
        """Raise Refused (400) for a group that the bot is not in."""
        if chat in self.groups and not self.groups[chat].has_bot:
            raise Refused(400, "Failed to send messages")

    def _reaches(self, chat: str) -> bool:
        """Say whether a message is shown: to friends, and to others within 7 days of their last message."""
        user = self.users.get(chat)
        if user is None or user.state == "friend":
            return True
        wrote_at = user.last_wrote_at
        return user.state == "never_friend" and wrote_at is not None and self.clock() - wrote_at <= NON_FRIEND_WINDOW_S

    def _accept(self, chat: str, body: Json, source: Source, request_id: str, *, billed: bool, delivers: bool) -> Json:
        sent: list[Json] = []
        is_shown = delivers and self._reaches(chat)
        for message in body["messages"]:
            entry: Json = {"id": new_message_id()}
            if message["type"] in QUOTABLE:
                entry["quoteToken"] = new_opaque_token()
                self.quote_tokens[entry["quoteToken"]] = chat
            sent.append(entry)
            is_billed = billed and len(sent) == 1
            seen = Seen(chat, message, source, is_billed, request_id, entry["id"], self.time_shown())
            (self.ledger.add if is_shown else self.ledger.add_undelivered)(seen)
        if is_shown and chat in self.users:
            self.users[chat].loading_until = 0.0
        return {"sentMessages": sent}
