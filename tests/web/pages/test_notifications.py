"""Notifications and the app on the home screen, as the server sees them."""

import re
from datetime import timedelta

import httpx
import pytest

from service.adapters.browsers import id_of
from service.core.people import IDLE
from tests.support.pages import House, PageClient
from tests.support.pushservice import Receiver, b64

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc:APA91b"


async def offer(house: House, endpoint: str = ENDPOINT, key: str = "") -> dict[str, str]:
    receiver = Receiver()
    key = key or (await house.browsers.keys()).shown
    return {"endpoint": endpoint, "p256dh": b64(receiver.point), "auth": b64(receiver.auth), "key": key}


async def turn_on(house: House, who: PageClient, endpoint: str = ENDPOINT) -> httpx.Response:
    agent = "Mozilla/5.0 (Linux; Android 15; K) Chrome/131.0.0.0 Mobile Safari/537.36"
    return await who.post("/notifications/on", await offer(house, endpoint), on="/inbox", **{"user-agent": agent})


async def test_a_browser_is_notified_from_when_it_asked_until_it_is_told_not_to(
    house: House, owner: PageClient
) -> None:
    assert (await turn_on(house, owner)).status_code == 200
    (browser,) = (await house.browsers.of("店長")).values()
    assert (browser.name, browser.endpoint, browser.label) == ("店長", ENDPOINT, "Android・Chrome")
    page = (await owner.http.get("/notifications")).text
    assert "Android・Chrome" in page
    assert ENDPOINT not in page, "who has it can write to the browser"
    answer = await owner.post("/notifications/off", {"browser": id_of(ENDPOINT)}, on="/notifications")
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications")
    assert await house.browsers.of("店長") == {}


async def test_asking_again_changes_nothing_but_the_keys(house: House, owner: PageClient) -> None:
    for _ in range(2):
        await turn_on(house, owner)
    assert list(await house.browsers.of("店長")) == [id_of(ENDPOINT)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "https://169.254.169.254/latest"},
        {"endpoint": "http://fcm.googleapis.com/x"},
        {"endpoint": ""},
        {"p256dh": "short"},
        {"auth": ""},
    ],
)
async def test_what_is_no_push_service_or_no_key_is_refused(
    house: House, owner: PageClient, wrong: dict[str, str]
) -> None:
    answer = await owner.post("/notifications/on", await offer(house) | wrong, on="/inbox")
    assert answer.status_code == 422
    assert await house.browsers.of("店長") == {}


async def test_a_browser_that_was_told_another_key_is_told_this_one(house: House, owner: PageClient) -> None:
    answer = await owner.post("/notifications/on", await offer(house, key="BOld"), on="/inbox")
    assert (answer.status_code, answer.text) == (409, (await house.browsers.keys()).shown)


async def test_nobody_ends_the_notifications_of_another_person(house: House, owner: PageClient) -> None:
    await turn_on(house, owner)
    async with house.browser() as other:
        await other.log_in("佐藤")
        await other.post("/notifications/off", {"browser": id_of(ENDPOINT)}, on="/inbox")
        await other.post("/logout", {"endpoint": ENDPOINT}, on="/inbox")
    assert list(await house.browsers.of("店長")) == [id_of(ENDPOINT)]


async def test_signing_out_ends_the_notifications_of_that_browser_only(house: House, owner: PageClient) -> None:
    await turn_on(house, owner)
    await turn_on(house, owner, f"{ENDPOINT}2")
    await owner.post("/logout", {"endpoint": ENDPOINT}, on="/inbox")
    assert list(await house.browsers.of("店長")) == [id_of(f"{ENDPOINT}2")]


async def test_a_session_that_is_over_by_itself_ends_no_notifications(house: House, owner: PageClient) -> None:
    await turn_on(house, owner)
    house.clock.move(IDLE + timedelta(hours=1))
    assert not await owner.is_in()
    assert list(await house.browsers.of("店長")) == [id_of(ENDPOINT)]


@pytest.mark.parametrize("path", ["/notifications", "/notifications/on", "/notifications/off"])
async def test_strangers_ask_for_nothing(house: House, browser: PageClient, path: str) -> None:
    answer = await (browser.http.get(path) if path == "/notifications" else browser.post(path))
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(("language", "name"), [("ja", "返事"), ("en", "Henji")])
async def test_the_app_has_a_name_in_the_persons_language_and_icons_that_are_there(
    house: House, language: str, name: str
) -> None:
    async with house.browser(language=language) as browser:
        page = (await browser.http.get("/login")).text
        assert '<link rel="manifest" href="/manifest.webmanifest">' in page
        answer = await browser.http.get("/manifest.webmanifest")
        assert answer.headers["content-type"] == "application/manifest+json"
        manifest = answer.json()
        assert (manifest["name"], manifest["start_url"], manifest["display"]) == (name, "/inbox", "standalone")
        apple = re.findall(r'rel="apple-touch-icon" href="([^"]+)"', page)
        sizes = {icon["sizes"]: icon["src"] for icon in manifest["icons"]}
        assert set(sizes) == {"192x192", "512x512"}
        for path in (*apple, *(icon["src"] for icon in manifest["icons"])):
            icon = await browser.http.get(path)
            assert icon.headers["content-type"] == "image/png"
            assert icon.content.startswith(b"\x89PNG")
        assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])


async def test_the_script_behind_the_pages_answers_no_request_and_keeps_nothing(browser: PageClient) -> None:
    answer = await browser.http.get("/service-worker.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert "set-cookie" not in answer.headers
    code = re.sub(r"//.*", "", answer.text)
    assert not re.search(r"caches|indexedDB|addEventListener\(\"fetch\"", code)
    for path in re.findall(r'"(/static/[^"]+)"', answer.text):
        assert (await browser.http.get(path)).status_code == 200
