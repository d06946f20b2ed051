"""The simulator's page in a real browser, with the fake LINE and a small bot behind it."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from service.core.shop import Interval, Shop
from service.tools.fakeline.server import FakeLine
from service.tools.simulator.app import FIRST_CUSTOMERS, ShopTime, SimulatorServer, start_simulator
from tests.support.needs import needs
from tests.tools.simulator.tiny_henji import API_TOKEN, TinyHenji, running

# One browser for all tests of a module: it has to live in one event loop with them.
BROWSER = shutil.which("chromium")
BROWSER_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DAILY = (Interval(10 * 60, 20 * 60),)
SHOP = Shop(week=(DAILY,) * 7)
TOKEN, SECRET = "channel-token", "channel-secret"


@pytest_asyncio.fixture(loop_scope="module")
async def fake() -> AsyncIterator[FakeLine]:
    fake = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def henji_and_url(fake: FakeLine) -> AsyncIterator[tuple[TinyHenji, str]]:
    async with running(fake, TOKEN, SECRET) as both:
        yield both


@pytest.fixture
def henji(henji_and_url: tuple[TinyHenji, str]) -> TinyHenji:
    return henji_and_url[0]


@pytest.fixture
def moved() -> list[int]:
    """What the shop's time was set ahead by, in milliseconds, each time."""
    return []


@pytest.fixture
def shop_time(moved: list[int]) -> ShopTime:
    async def move(ahead_ms: int) -> None:
        moved.append(ahead_ms)

    return ShopTime(move, lambda: SHOP)


@pytest_asyncio.fixture(loop_scope="module")
async def simulator(
    fake: FakeLine, henji_and_url: tuple[TinyHenji, str], shop_time: ShopTime
) -> AsyncIterator[SimulatorServer]:
    server = await start_simulator(
        fake, henji_url=henji_and_url[1], api_token=API_TOKEN, host="127.0.0.1", port=0, shop_time=shop_time
    )
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    needs(BROWSER, "chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=BROWSER_ARGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, simulator: SimulatorServer) -> AsyncIterator[Page]:
    """The page as a customer opens it. Nothing it does may leave an error in the console."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    page = await context.new_page()
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A connection that a test cuts is no fault of the page.
        if message.type == "error" and not message.text.startswith("Failed to load resource: net::"):
            problems.append(message.text)

    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", note)
    await page.goto(simulator.base_url)
    await expect(page.locator(".customer")).to_have_count(len(FIRST_CUSTOMERS) + 1)
    yield page
    assert problems == []
    await context.close()


async def say(page: Page, text: str) -> None:
    """Write a text and send it."""
    await page.fill("#text", text)
    await page.press("#text", "Enter")


def first_customer(fake: FakeLine) -> str:
    return next(iter(fake.users))
