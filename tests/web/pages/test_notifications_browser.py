"""Notifications, sound and settings in a real browser.

Headless Chromium has no push service behind it. So what the page and its script do is tried in two halves: a stand-in
for the browser's `PushManager` asks and is answered, and DevTools deliver a push to the real service worker.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from service.adapters.browsers import Browsers
from tests.support.chromium import faults, run_chromium
from tests.support.inbox import PHONE, Counter, open_counter
from tests.support.pushservice import Receiver, b64
from tests.support.waiting import tick

# One browser for all tests of this module: it has to live in one event loop with them.
pytestmark = pytest.mark.asyncio(loop_scope="module")

# A browser that gets notifications from a push service: what `subscribe` gives, and that it is remembered.
STAND_IN = """(() => {
  const KEYS = %s;
  const toText = (text) => atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const toBytes = (text) => Uint8Array.from(toText(text), (char) => char.charCodeAt(0));
  const remember = (key) => key ? localStorage.setItem("stand-in", key) : localStorage.removeItem("stand-in");
  const made = (key) => key && {
    endpoint: KEYS.endpoint, options: { applicationServerKey: toBytes(key).buffer },
    toJSON: () => ({ endpoint: KEYS.endpoint, keys: KEYS }), unsubscribe: async () => remember(null),
  };
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    remember(applicationServerKey);
    return made(applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => made(localStorage.getItem("stand-in"));
})()"""
SOUNDS = """(() => {
  window.sounds = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) { window.sounds += 1; return start.apply(this, when); };
})()"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with run_chromium() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module")
async def counter(redis_url: str, browser: Browser) -> AsyncIterator[Counter]:
    async with open_counter(redis_url, browser) as it:
        yield it


def stand_in() -> str:
    receiver = Receiver()
    keys = {
        "endpoint": "https://fcm.googleapis.com/fcm/send/x",
        "p256dh": b64(receiver.point),
        "auth": b64(receiver.auth),
    }
    return STAND_IN % json.dumps(keys)


async def open_settings(counter: Counter, **options: Any) -> Page:
    page = await counter.sign_in(**options)
    await page.goto(f"{counter.system.url}/notifications")
    return page


async def test_notifications_are_asked_for_on_a_tap_and_ended_on_another(counter: Counter) -> None:
    page = await counter.sign_in(permissions=["notifications"])
    await page.add_init_script(stand_in())
    await page.goto(f"{counter.system.url}/notifications")
    assert await Browsers(counter.store).of("佐藤") == {}, "nobody has asked yet"
    await page.get_by_role("button", name="通知を受け取る").click()
    await expect(page.locator("#push-off")).to_be_visible()
    await expect(page.locator(".people strong")).to_have_count(1)
    assert len(await Browsers(counter.store).of("佐藤")) == 1
    assert await faults(page) == []
    await page.get_by_role("button", name="この端末の通知を止める").click()
    await expect(page.locator("#push-on")).to_be_visible()
    assert await Browsers(counter.store).of("佐藤") == {}


async def test_signing_out_ends_them_and_the_next_person_who_signs_in_there_gets_them(counter: Counter) -> None:
    page = await counter.sign_in(permissions=["notifications"])
    await page.add_init_script(stand_in())
    await page.goto(f"{counter.system.url}/notifications")
    await page.get_by_role("button", name="通知を受け取る").click()
    await expect(page.locator("#push-off")).to_be_visible()
    await page.locator(".me summary").click()
    await page.get_by_role("button", name="ログアウト").click()
    await page.wait_for_url("**/login")
    assert await Browsers(counter.store).of("佐藤") == {}


async def test_where_the_browser_cannot_subscribe_a_sentence_says_so(counter: Counter) -> None:
    page = await open_settings(counter, permissions=["notifications"])
    await page.get_by_role("button", name="通知を受け取る").click()
    await expect(page.locator("[data-when=failed]")).to_be_visible(timeout=15_000)
    await expect(page.locator("#push-on")).to_be_visible()


async def test_an_iphone_is_told_to_add_the_app_first(counter: Counter) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"
    page = await counter.sign_in(user_agent=agent)
    await page.add_init_script("delete window.PushManager")
    await page.goto(f"{counter.system.url}/notifications")
    await expect(page.locator("[data-when=ios]")).to_be_visible()
    await expect(page.locator("#push-on")).to_be_hidden()


async def test_what_is_pushed_is_shown_and_opens_the_handoff(counter: Counter) -> None:
    page = await open_settings(counter, permissions=["notifications"])
    session = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: dict[str, Any]) -> None:
        for registration in event["registrations"]:
            if not found.done():
                found.set_result(registration["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", registered)
    await session.send("ServiceWorker.enable")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    notice = {
        "title": "至急・要対応：予約",
        "body": "お客様がお待ちです。",
        "url": "/inbox/0011223344556677",
        "tag": "0011223344556677",
        "urgent": True,
        "waiting": 3,
    }
    for data in (json.dumps(notice), json.dumps(notice | {"title": "まもなく期限です"}), "unreadable"):
        push = {"origin": counter.system.url, "registrationId": await found, "data": data}
        await session.send("ServiceWorker.deliverPushMessage", push)
    shown: list[dict[str, Any]] = []
    while len(shown) < 2:
        shown = cast(
            "list[dict[str, Any]]",
            await page.evaluate(
                """async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(
                  ({ title, tag, data, requireInteraction }) => ({ title, tag, url: data.url, requireInteraction })
                )"""
            ),
        )
        await tick()
    assert sorted(shown, key=lambda one: one["tag"]) == [
        {"title": "要対応", "tag": "", "url": "/inbox", "requireInteraction": False},
        {
            "title": "まもなく期限です",
            "tag": "0011223344556677",
            "url": "/inbox/0011223344556677",
            "requireInteraction": True,
        },
    ]


async def test_a_new_handoff_sounds_only_where_somebody_wants_it_and_in_one_tab(counter: Counter) -> None:
    page = await open_settings(counter)
    await page.context.add_init_script(SOUNDS)
    await expect(page.locator("#sound-on")).not_to_be_checked()
    await page.goto(f"{counter.system.url}/inbox")
    await wait(counter, page, "田中", 1)
    assert await page.evaluate("window.sounds") == 0
    await page.goto(f"{counter.system.url}/notifications")
    await page.get_by_label("新しい要対応を音で知らせる").check()
    await page.get_by_role("button", name="試し聞き").click()
    assert await page.evaluate("window.sounds") == 2, "two tones"
    await page.goto(f"{counter.system.url}/inbox")
    other = await page.context.new_page()
    counter.watch(other)
    await other.goto(f"{counter.system.url}/inbox")
    await wait(counter, page, "鈴木", 2)
    await expect(other.locator("#list .handoff")).to_have_count(2)
    assert [await tab.evaluate("window.sounds") for tab in (page, other)] == [2, 0]


async def wait(counter: Counter, page: Page, name: str, rows: int) -> None:
    """Let one more customer wait, and the page show it."""
    await expect(page.locator("#list")).to_be_visible()
    await counter.system.fake.send_text(counter.system.fake.add_user(name), "スタッフと話したい")
    await expect(page.locator("#list .handoff")).to_have_count(rows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_axe_finds_nothing(counter: Counter, scheme: str, size: str) -> None:
    options: dict[str, Any] = {"viewport": PHONE} if size == "phone" else {}
    page = await open_settings(counter, color_scheme=scheme, permissions=["notifications"], **options)
    await expect(page.locator("#push-on")).to_be_visible()
    assert await faults(page) == []
    await page.locator(".me summary").click()
    assert await faults(page) == []
