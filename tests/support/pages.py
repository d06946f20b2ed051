"""The staff's pages without a server: the real application and Redis, a clock to be moved, browsers without scripts."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from service.adapters.archive import Archive
from service.adapters.browsers import Browsers
from service.adapters.images import ImageServer
from service.adapters.inquiries import Inquiries
from service.adapters.livefeed import LiveFeed
from service.adapters.mailbox import Mailbox
from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import Store
from service.adapters.vitals import Vitals
from service.core.people import Role
from service.web.app import make_app
from service.web.pages.inbox_contexts import make_parts
from service.web.pages.router import make_pages
from service.web.webhook import ChannelSecrets

PASSWORD = "みどりの傘と三毛猫の昼寝"
NOON = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


class Clock:
    """What time it is, until somebody moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class House:
    """One web process with the staff's pages. Several may share a store and a clock."""

    def __init__(self, store: Store, clock: Clock | None = None, *, public_url: str | None = None) -> None:
        self.clock = clock or Clock()
        self.people = People(store)
        self.sessions = Sessions(store, self.people)
        self.browsers = Browsers(store)
        archive, inquiries = Archive(store), Inquiries(store)
        parts = make_parts(store, LiveFeed(store, asyncio.Event()), public_url)
        self.app = make_app(
            mailbox=Mailbox(store, keep_days=1),
            archive=archive,
            inquiries=inquiries,
            vitals=Vitals(store),
            images=ImageServer(Path("none"), list),
            pages=make_pages(store, parts, keep_days=1, public_url=public_url, clock=self.clock),
            channel_secrets=ChannelSecrets(),
            ahead_ms=self._ahead_ms,
        )

    async def _ahead_ms(self) -> int:
        """The shop goes by the clock, too."""
        return round((self.clock() - datetime.now(UTC)) / timedelta(milliseconds=1))

    @asynccontextmanager
    async def browser(
        self, address: str = "203.0.113.7", scheme: str = "http", language: str = "ja"
    ) -> AsyncGenerator["PageClient"]:
        """A browser with cookies and without scripts."""
        transport = httpx.ASGITransport(cast("Any", self.app), client=(address, 50000))
        headers = {"Accept": "text/html", "Accept-Language": language}
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://henji.test", headers=headers) as client:
            yield PageClient(client)

    async def invite(self, name: str, role: Role = "staff") -> str:
        """An account, and the path of its link."""
        return f"/welcome/{await self.people.add(name, role, self.clock())}"

    async def settle_in(self, name: str, role: Role = "staff") -> None:
        """An account with PASSWORD."""
        token = (await self.invite(name, role)).rpartition("/")[2]
        await self.sessions.redeem(token, PASSWORD, "198.51.100.1", self.clock())


class PageClient:
    """Fills forms in as people do: with the token of the page that they stand on."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client

    @property
    def cookie(self) -> str:
        return self.http.cookies.get("henji") or self.http.cookies.get("__Host-henji") or ""

    async def token(self, page: str = "/login") -> str:
        answer = await self.http.get(page, follow_redirects=True)
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', answer.text)
        assert found, answer.text
        return found[1]

    async def post(
        self, path: str, fields: dict[str, str] | None = None, *, on: str = "/login", **headers: str
    ) -> httpx.Response:
        return await self.http.post(path, data={"form_token": await self.token(on), **(fields or {})}, headers=headers)

    async def log_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.post("/login", {"name": name, "password": password, **more})

    async def is_in(self) -> bool:
        """Whether somebody is signed in."""
        return (await self.http.get("/inbox")).status_code == 200

    async def use(self, path: str, password: str = PASSWORD) -> httpx.Response:
        """Open a one-time link and choose a password."""
        return await self.post(path, {"password": password})


def link_on(answer: httpx.Response) -> str:
    """The address of the one-time link that a page shows."""
    found = re.search(r'value="(https?://[^"]+/welcome/[\w-]+)"', answer.text)
    assert found, answer.text
    return found[1]
