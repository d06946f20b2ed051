"""LINE's webhook: check the signature over the raw bytes, store every event, answer 200. Nothing else.

No 200 before Redis has it, and no touch of Redis before the signature is right. An odd event is never refused: LINE
would send it again for ever.

It speaks ASGI itself: Litestar's way from a request to a function's arguments costs more than all that is done here.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from litestar.exceptions import ClientException, MethodNotAllowedException, NotAuthorizedException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from service.adapters.intake import Intake
from service.core.events import MalformedWebhook, read_webhook

MAX_BODY_BYTES = 2 * 1024 * 1024
_START: HTTPResponseStartEvent = {"type": "http.response.start", "status": 200, "headers": ((b"content-length", b"0"),)}
_END: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}


class ChannelSecrets(tuple[bytes, ...]):
    """The secrets of the LINE channel that are valid now: two while it is being changed."""

    __slots__ = ()


def is_signed(body: bytes, signature: bytes, secrets: Sequence[bytes]) -> bool:
    """Check `x-line-signature`: Base64 of HMAC-SHA256 over the raw body, with any of the channel's secrets."""
    valid = [base64.b64encode(hmac.digest(secret, body, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(signature, expected) for expected in valid)


def make_webhook(intake: Intake, secrets: ChannelSecrets) -> ASGIRouteHandler:
    """Make the route. It answers 401 to a wrong signature, 400 to what is no webhook, 413 to what is too large.

    503 is the answer when Redis cannot take it. The errors become problem details as everywhere (service/web/app.py).
    """

    @asgi("/webhook/line", copy_scope=False)
    async def receive_webhook(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            raise MethodNotAllowedException(headers={"allow": "POST"})
        body = await _read_body(receive)
        if not is_signed(body, _signature(scope["headers"]), secrets):
            raise NotAuthorizedException("the signature does not fit the body")
        try:
            events = read_webhook(body)
        except MalformedWebhook as error:
            raise ClientException("the body is not a LINE webhook") from error
        if events:
            await intake.put(events)
        await send(_START)
        await send(_END)

    return receive_webhook


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        if event["type"] != "http.request":
            raise ClientException("the request was broken off")
        body += event["body"]
        if len(body) > MAX_BODY_BYTES:
            raise ClientException("the body is too large", status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        if not event["more_body"]:
            return body


def _signature(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return next((value for name, value in headers if name == b"x-line-signature"), b"")
