"""The handlers of the API side, one per endpoint: they only unpack a request for `Platform`.

Exact paths, status codes and bodies follow the Messaging API reference; what every request has to pass is in `gate.py`.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from service.tools.fakeline.gate import DELIVERS, REQUEST_ID, Route, answer, json_body
from service.tools.fakeline.platform import USER_ID, Platform
from service.tools.fakeline.records import Content, Json
from service.tools.fakeline.refusals import Refused, refuse_details
from service.tools.fakeline.validation import find_problems


class Api:
    """The handlers, each for one endpoint."""

    def __init__(self, platform: Platform, test_webhook: Callable[[], Awaitable[Json]]) -> None:
        self._platform = platform
        self._test_webhook = test_webhook

    def routes(self) -> list[Route]:
        """List method, path, the endpoint's name for faults and limits, and handler."""
        message = "/v2/bot/message"
        return [
            ("POST", f"{message}/reply", "reply", self.reply),
            ("POST", f"{message}/push", "push", self.push),
            ("POST", f"{message}/validate/reply", "validate_reply", self.validate_reply),
            ("GET", f"{message}/quota", "quota", self.quota),
            ("GET", f"{message}/quota/consumption", "consumption", self.consumption),
            ("GET", f"{message}/{{id}}/content", "content", self.content),
            ("GET", f"{message}/{{id}}/content/preview", "preview", self.content),
            ("GET", f"{message}/{{id}}/content/transcoding", "transcoding", self.transcoding),
            ("POST", "/v2/bot/chat/loading/start", "loading", self.loading),
            ("POST", "/v2/bot/chat/markAsRead", "mark_as_read", self.mark_as_read),
            ("GET", "/v2/bot/profile/{id}", "profile", self.profile),
            ("GET", "/v2/bot/info", "info", self.info),
            ("GET", "/v2/bot/channel/webhook/endpoint", "webhook_endpoint", self.webhook_endpoint),
            ("POST", "/v2/bot/channel/webhook/test", "webhook_test", self.webhook_test),
            ("POST", "/oauth2/v3/token", "oauth", self.oauth),
        ]

    async def reply(self, request: web.Request) -> web.Response:
        """Send reply message."""
        body = await json_body(request)
        if "X-Line-Retry-Key" in request.headers:
            raise Refused(400, "The X-Line-Retry-Key header is not supported by this endpoint")
        return answer(self._platform.reply(body, request[REQUEST_ID], delivers=request[DELIVERS]))

    async def push(self, request: web.Request) -> web.Response:
        """Send push message."""
        body = await json_body(request)
        key = request.headers.get("X-Line-Retry-Key")
        delivers = request[DELIVERS]
        return answer(self._platform.push(body, request[REQUEST_ID], key, delivers=delivers))

    async def validate_reply(self, request: web.Request) -> web.Response:
        """Validate message objects of a reply message, sending nothing."""
        refuse_details(find_problems((await json_body(request)).get("messages")))
        return answer({})

    async def quota(self, _request: web.Request) -> web.Response:
        """Get the target limit for sending messages this month."""
        limit = self._platform.quota
        return answer({"type": "none"} if limit is None else {"type": "limited", "value": limit})

    async def consumption(self, _request: web.Request) -> web.Response:
        """Get number of messages sent this month."""
        return answer({"totalUsage": self._platform.pushes_used})

    async def content(self, request: web.Request) -> web.Response:
        """Get content or its preview: 202 while it is being prepared."""
        content = self._content(request)
        if content.pending > 0:
            content.pending -= 1
            return answer({}, status=202)
        return web.Response(body=content.data, content_type=content.content_type)

    async def transcoding(self, request: web.Request) -> web.Response:
        """Verify the preparation status of a video or audio for getting."""
        return answer({"status": "processing" if self._content(request).pending else "succeeded"})

    async def loading(self, request: web.Request) -> web.Response:
        """Display a loading animation; both problems of a bad number of seconds are listed, as LINE does."""
        body = await json_body(request)
        chat, seconds = body.get("chatId"), body.get("loadingSeconds", 20)
        details: list[Json] = []
        if not isinstance(chat, str) or not USER_ID.fullmatch(chat):
            details.append({"message": "The value must be a valid user ID", "property": "chatId"})
        if not isinstance(seconds, int) or not 5 <= seconds <= 60:
            details.append({"message": "must be between 5 and 60", "property": "loadingSeconds"})
        if not isinstance(seconds, int) or seconds % 5:
            details.append({"message": "must be a multiple of 5", "property": "loadingSeconds"})
        refuse_details(details)
        self._platform.start_loading(str(chat), seconds)
        return answer({}, status=202)

    async def mark_as_read(self, request: web.Request) -> web.Response:
        """Mark messages as read."""
        self._platform.mark_as_read(str((await json_body(request)).get("markAsReadToken", "")))
        return answer({})

    async def profile(self, request: web.Request) -> web.Response:
        """Get profile."""
        return answer(self._platform.profile(request.match_info["id"]))

    async def info(self, _request: web.Request) -> web.Response:
        """Get bot info."""
        mode = self._platform.rules.chat_mode
        fields = {
            "userId": self._platform.bot_user_id,
            "basicId": "@000henji",
            "displayName": self._platform.account_name,
        }
        return answer({**fields, "chatMode": mode, "markAsReadMode": "manual" if mode == "chat" else "auto"})

    async def webhook_endpoint(self, _request: web.Request) -> web.Response:
        """Get webhook endpoint information."""
        url = self._platform.webhook_url
        if url is None:
            raise Refused(404, "Not found")
        return answer({"endpoint": url, "active": True})

    async def webhook_test(self, _request: web.Request) -> web.Response:
        """Test webhook endpoint: posts a signed body without events."""
        return answer(await self._test_webhook())

    async def oauth(self, request: web.Request) -> web.Response:
        """Issue a stateless channel access token (a form body, no Authorization header)."""
        form = await request.post()
        expected = {
            "grant_type": "client_credentials",
            "client_id": self._platform.channel_id,
            "client_secret": self._platform.channel_secret,
        }
        if any(form.get(name) != value for name, value in expected.items()):
            raise Refused(400, "", body={"error": "invalid_client", "error_description": "invalid client"})
        token = self._platform.issue_stateless_token()
        return answer({"token_type": "Bearer", "access_token": token, "expires_in": 900})

    def _content(self, request: web.Request) -> Content:
        content = self._platform.contents.get(request.match_info["id"])
        if content is None:
            raise Refused(404, "Not found")
        if content.unsent:
            raise Refused(410, "Gone")
        return content
