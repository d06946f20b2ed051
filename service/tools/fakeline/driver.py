"""The webhook side: events are completed, signed over the exact bytes and posted to the bot, and sent again.

`Delivery` tells what LINE would write into its error statistics: "Check webhook error causes and statistics" on LINE
Developers. Fact sheet section 6, points 15 to 18.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

import aiohttp

from service.tools.fakeline.customers import Customers
from service.tools.fakeline.platform import Platform
from service.tools.fakeline.records import Json

Reason = Literal["could_not_connect", "request_timeout", "error_status_code", "unclassified"]
Layout = Literal["compact", "spaced", "shuffled", "escaped"]


class Wire(TypedDict, total=False):
    """How a webhook is put on the wire; everything may be left out.

    `secret` signs with another channel secret. `header_name` is the signature's header in any case of letters.
    `layout` changes the bytes, not the meaning: white space, the order of keys, escaped characters.
    """

    signature: Literal["valid", "wrong", "missing"]
    secret: str
    header_name: str
    layout: Layout


@dataclass(frozen=True)
class Delivery:
    """One attempt to post a webhook. `reason` is LINE's name for the failure; None: the bot answered 2xx in time."""

    status: int | None
    reason: Reason | None
    events: tuple[Json, ...]
    body: bytes
    took_ms: float

    @property
    def event(self) -> Json:
        """The only event of the webhook."""
        (event,) = self.events
        return event


def sign(secret: str, body: bytes) -> str:
    """Sign a webhook's bytes: Base64 of HMAC-SHA256 with the channel secret ("Verify webhook signature")."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


class Driver:
    """Posts webhooks to `Platform.webhook_url`. `deliveries` lists all attempts, in the order in which they ended."""

    def __init__(self, platform: Platform, customers: Customers) -> None:
        self._platform = platform
        self._customers = customers
        self._session: aiohttp.ClientSession | None = None
        self._later: set[asyncio.Task[None]] = set()
        self.deliveries: list[Delivery] = []

    async def start(self) -> None:
        """Open the client. Call it in a running loop."""
        # A new connection each time: a bot that was killed and started again must not meet a stale one of ours.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)

    async def stop(self) -> None:
        """Give up redeliveries still to come and close the client."""
        for task in tuple(self._later):
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def send(self, events: Sequence[Json], **wire: Unpack[Wire]) -> Delivery:
        """Post one webhook with these events; with redelivery on, a failure is tried again in the background."""
        delivery = await self._attempt(events, wire)
        if delivery.reason is not None and self._platform.rules.redelivery_delays_s:
            task = asyncio.create_task(self._redeliver_until_taken(events))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        return delivery

    async def redeliver(self, *events: Json, delay_s: float = 0.0, **wire: Unpack[Wire]) -> Delivery:
        """Post events once more, after `delay_s`, as LINE does: only `isRedelivery` differs."""
        await asyncio.sleep(delay_s)
        return await self._attempt([_as_redelivery(event) for event in events], wire)

    async def _redeliver_until_taken(self, events: Sequence[Json]) -> None:
        for delay_s in self._platform.rules.redelivery_delays_s:
            delivery = await self.redeliver(*events, delay_s=delay_s)
            if delivery.reason is None:
                return

    async def _attempt(self, events: Sequence[Json], wire: Wire) -> Delivery:
        for event in events:
            self._customers.begin(event)
        payload = {"destination": self._platform.bot_user_id, "events": list(events)}
        body = lay_out(payload, wire.get("layout", "compact"))
        started = time.perf_counter()
        status, reason = await self._post(body, self._headers(body, wire))
        delivery = Delivery(status, reason, tuple(events), body, (time.perf_counter() - started) * 1000)
        self.deliveries.append(delivery)
        self._platform.bell.ring()
        return delivery

    def _headers(self, body: bytes, wire: Wire) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "LineBotWebhook/2.0"}
        kind = wire.get("signature", "valid")
        secret = wire.get("secret", self._platform.channel_secret)
        if kind != "missing":
            signed = body if kind == "valid" else body + b" "
            headers[wire.get("header_name", "x-line-signature")] = sign(secret, signed)
        return headers

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int | None, Reason | None]:
        if self._session is None or self._platform.webhook_url is None:
            return None, "could_not_connect"
        timeout = aiohttp.ClientTimeout(total=self._platform.rules.webhook_timeout_s)
        try:
            async with self._session.post(
                self._platform.webhook_url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                await response.read()
                return response.status, None if 200 <= response.status < 300 else "error_status_code"
        except TimeoutError:
            return None, "request_timeout"
        except aiohttp.ClientConnectorError:
            return None, "could_not_connect"
        except (aiohttp.ClientError, OSError):
            return None, "unclassified"


def lay_out(payload: Json, layout: Layout) -> bytes:
    """Write a body as bytes; LINE promises neither white space nor the order of properties."""
    match layout:
        case "compact":
            written = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        case "spaced":
            written = json.dumps(payload, ensure_ascii=False, indent=2)
        case "shuffled":
            written = json.dumps(payload, ensure_ascii=False, sort_keys=True)
        case "escaped":
            written = json.dumps(payload)
    return written.encode()


def _as_redelivery(event: Json) -> Json:
    again = deepcopy(event)
    again["deliveryContext"] = {**again["deliveryContext"], "isRedelivery": True}
    return again
