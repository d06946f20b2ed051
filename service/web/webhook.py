"""LINE's webhook: check the signature over the raw bytes, store every event, answer 200. Nothing else.

No 200 before Redis has it, and no touch of Redis before the signature is right. An odd event is never refused: LINE
would send it again for ever.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import msgspec
import structlog
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotAuthorizedException

from service.adapters.mailbox import Mailbox
from service.core.events import MalformedWebhook, read_webhook

log = structlog.get_logger()

MAX_BODY_BYTES = 2 * 1024 * 1024


class ChannelSecrets(tuple[bytes, ...]):
    """The secrets of the LINE channel that are valid now: two while it is being changed."""

    __slots__ = ()


def is_signed(body: bytes, signature: str | None, secrets: Sequence[bytes]) -> bool:
    """Check `x-line-signature`: Base64 of HMAC-SHA256 over the raw body, with any of the channel's secrets."""
    if not signature:
        return False
    # Bytes, because comparing str raises on anything that is not ASCII, and the header is the sender's to choose.
    offered = signature.encode("utf-8", "replace")
    valid = [base64.b64encode(hmac.digest(secret, body, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(offered, expected) for expected in valid)


class Inlet(msgspec.Struct, frozen=True):
    """What the webhook needs, in one piece: Litestar starts a task group for a handler with two dependencies."""

    mailbox: Mailbox
    secrets: ChannelSecrets


@post("/webhook/line", status_code=200, request_max_body_size=MAX_BODY_BYTES, include_in_schema=False)
async def receive(request: Request[None, None, State], inlet: NamedDependency[Inlet]) -> Response[None]:
    """Store a webhook's events. 401 wrong signature, 400 not a webhook, 413 too large, 503 Redis cannot take it."""
    body = await request.body()
    if not is_signed(body, request.headers.get("x-line-signature"), inlet.secrets):
        raise NotAuthorizedException("the signature does not fit the body")
    try:
        events = read_webhook(body)
    except MalformedWebhook as error:
        raise ClientException("the body is not a LINE webhook") from error
    fresh = await inlet.mailbox.put(events) if events else 0
    log.info("webhook", events=len(events), fresh=fresh)
    return Response(None)
