"""The inbox in a real browser, with everything behind it: web, worker, Valkey, and a fake LINE."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from service.adapters.people import People
from service.adapters.store import Store
from service.core.knowledge import Knowledge, build_knowledge
from service.ports import Drafter
from service.web.pages.visit import FORM_FIELD, FORM_HEADER
from tests.support.salon import SALON
from tests.support.shop import ENTRIES, entry
from tests.support.system import System, run_system
from tests.support.waiting import tick

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
DRAFTS = (
    entry(
        "booked", "予約の確定", answer=("〇〇様、ご予約を承りました。〇月〇日にお待ちしております。",), action="suggest"
    ),
    entry("late", "遅れるとの連絡へ", answer=("承知しました。お気をつけてお越しください。",), action="suggest"),
)


def make_salon() -> Knowledge:
    """The small shop with the salon's hours and two drafts for its staff."""
    return build_knowledge((*ENTRIES, *DRAFTS), SALON)


async def make_link(store: Store, name: str = "佐藤") -> str:
    """Make a one-time way in for somebody of the staff, who joins where they have not yet."""
    people, now = People(store), datetime.now(UTC)
    if name not in {account.name for account in await people.accounts()}:
        await people.add(name, "staff", now)
    return f"/welcome/{await people.new_link(name, 'login', now)}"


async def sign_in(client: httpx.AsyncClient, store: Store, name: str = "佐藤") -> None:
    """Sign a client in. From then on it sends the token of its session's forms with everything."""
    link = await make_link(store, name)
    entrance = await client.get(link)
    await client.post(link, data={FORM_FIELD: _form_token(entrance.text)})
    client.headers[FORM_HEADER] = _form_token((await client.get("/inbox")).text)


def _form_token(page: str) -> str:
    found = re.search(rf'name="{FORM_FIELD}" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


class Counter:
    """The shop's counter: browsers in which staff are signed in. What goes wrong in a page is kept in `problems`."""

    def __init__(self, system: System, store: Store, browser: Browser) -> None:
        self.system = system
        self.store = store
        self.problems: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def sign_in(self, name: str = "佐藤", **options: Any) -> Page:
        """Open a browser of somebody's, who lands in the inbox."""
        link = await make_link(self.store, name)
        chosen: dict[str, Any] = {"viewport": DESKTOP, "locale": "ja-JP"} | options
        context = await self._browser.new_context(**chosen)
        self._contexts.append(context)
        page = await context.new_page()
        self.watch(page)
        await page.goto(f"{self.system.url}{link}")
        await page.locator("main form button").click()
        await page.wait_for_url("**/inbox")
        return page

    def watch(self, page: Page) -> None:
        """Keep what goes wrong: faults of scripts, and whatever the policy for content forbids."""
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.problems.append(f"{said.text} {said.location} {page.url}")
                if "Content Security" in said.text
                else None
            ),
        )

    async def aclose(self) -> None:
        for context in self._contexts:
            await context.close()


@asynccontextmanager
async def open_counter(redis_url: str, browser: Browser, drafter: Drafter | None = None) -> AsyncGenerator[Counter]:
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(run_system(redis_url, make_salon(), drafter=drafter))
        store = await stack.enter_async_context(Store(redis_url, timeout_s=5))
        counter = Counter(system, store, browser)
        stack.push_async_callback(counter.aclose)
        yield counter
    assert counter.problems == []


async def asks(counter: Counter, name: str = "田中 はるか", text: str = "スタッフと話したい") -> str:
    """Let a new customer ask for a person; returns who it is once the handoff is there."""
    customer = counter.system.fake.add_user(name)
    await counter.system.fake.send_text(customer, text)
    await counter.system.seen(customer, 1)
    await handoff_of(counter, customer)
    return customer


async def handoff_of(counter: Counter, customer: str) -> str:
    while not (found := (await counter.system.archive.conversation(customer)).handoff):
        await tick()
    return found


async def open_first(page: Page) -> None:
    await page.locator("#list .handoff").first.click()
    await expect(page.locator("#desk[data-ready]")).to_be_visible()
    await expect(page.locator("#card h3").first).to_be_attached()


async def send(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.get_by_role("button", name="送信", exact=True).click()


def bubbles(page: Page, side: str) -> Locator:
    return page.locator(f".bubble.{side} .words")
