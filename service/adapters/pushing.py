"""Web Push: alerts to the browsers of the staff (RFC 8030), encrypted for each (RFC 8291), signed by us (RFC 8292).

A notification is at most one for each handoff: a newer one takes the place of the one before, at the push service
(Topic) and on the screen (tag). So one that is sent twice is seen once.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import httpx
import msgspec

from service.adapters.archive import Archive
from service.adapters.browsers import Browsers, Keys
from service.adapters.people import People
from service.core.alerting import GIVE_UP_AFTER_MS, Alert, Told
from service.core.browsers import Browser
from service.errors import NotFound

TIME_LIMIT_S = 10.0
# Push services take 4096 bytes with what encryption adds.
_TEXT_MOST = 500
_GONE = (404, 410)


class Notice(msgspec.Struct, frozen=True):
    """What a browser is told (static/service-worker.js shows it). `waiting` is how many customers wait."""

    title: str
    body: str
    url: str
    tag: str
    urgent: bool
    waiting: int


class Pusher:
    """Sends alerts to browsers, which are known by their ids. `contact` is whom a push service may write to."""

    def __init__(
        self, browsers: Browsers, people: People, archive: Archive, client: httpx.AsyncClient, contact: str
    ) -> None:
        self._browsers = browsers
        self._people = people
        self._archive = archive
        self._client = client
        self._contact = contact

    async def send(self, browser_id: str, alert: Alert) -> Told:
        """Send one alert. `gone` when nobody is to be told there any more; network trouble is `refused`."""
        browser = await self._browsers.find(browser_id)
        if browser is None:
            return "gone"
        keys = await self._browsers.keys()
        if browser.key != keys.shown or not await self._may_know(browser):
            await self._browsers.remove(browser_id)
            return "gone"
        situation = await self._archive.situation()
        notice = Notice(
            title=alert.title[:_TEXT_MOST],
            body=alert.text[:_TEXT_MOST],
            url=f"/inbox/{alert.handoff}",
            tag=alert.handoff,
            urgent=alert.urgent,
            waiting=situation.waiting,
        )
        try:
            status = await self._post(browser, keys, notice)
        except ValueError:  # keys that only look like some: nothing can be encrypted for them
            status = _GONE[0]
        if status in _GONE:
            await self._browsers.remove(browser_id)
            return "gone"
        return "accepted" if 200 <= status < 300 else "refused"

    async def _may_know(self, browser: Browser) -> bool:
        """Whether its person still is one of the staff, and has not signed in anew everywhere since."""
        try:
            account = await self._people.account(browser.name)
        except NotFound:
            return False
        return not account.disabled and account.epoch == browser.epoch

    async def _post(self, browser: Browser, keys: Keys, notice: Notice) -> int:
        """Post it; gives the status, 0 where there was no answer. Nothing of the answer's body is read."""
        body, headers = _seal(browser, keys, msgspec.json.encode(notice), self._contact)
        headers |= {"Urgency": "high", "Topic": notice.tag[:32]}
        try:
            async with (
                asyncio.timeout(TIME_LIMIT_S),
                self._client.stream("POST", browser.endpoint, content=body, headers=headers) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return 0


def _seal(browser: Browser, keys: Keys, message: bytes, contact: str) -> tuple[bytes, dict[str, str]]:
    from webpush import WebPush, WebPushSubscription  # loaded when somebody asked for notifications, not before

    sealer = WebPush(keys.private.encode(), keys.public.encode(), contact, ttl=GIVE_UP_AFTER_MS // 1000)
    subscription = WebPushSubscription.model_validate(
        {"endpoint": browser.endpoint, "keys": {"p256dh": browser.p256dh, "auth": browser.auth}}
    )
    sealed = sealer.get(message, subscription)
    return sealed.encrypted, dict(cast("dict[str, str]", sealed.headers))


@asynccontextmanager
async def open_pusher(
    browsers: Browsers, people: People, archive: Archive, public_url: str | None
) -> AsyncGenerator[Pusher]:
    """Open the way to the push services. They see who we are by the host of `public_url`."""
    host = httpx.URL(public_url).host if public_url else "example.com"
    async with httpx.AsyncClient(follow_redirects=False, timeout=TIME_LIMIT_S) as client:
        yield Pusher(browsers, people, archive, client, f"henji@{host}")
