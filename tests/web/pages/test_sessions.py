"""Sessions: for how long, under which cookie, and what else a browser is told."""

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.people import IDLE, LONGEST_SESSION
from tests.support.dump import everything
from tests.support.pages import PASSWORD, House, PageClient
from tests.support.system import make_settings, run_web

ICONS = ("icon.svg", "icon-192.png", "icon-apple.png")


async def test_an_id_that_came_from_outside_never_becomes_a_session(house: House, browser: PageClient) -> None:
    browser.http.cookies.set("henji", "attackerchosen", domain="henji.test")
    assert (await browser.log_in("佐藤")).status_code == 303
    assert browser.cookie not in {"", "attackerchosen"}
    async with house.browser() as attacker:
        attacker.http.cookies.set("henji", "attackerchosen", domain="henji.test")
        assert not await attacker.is_in()


async def test_login_and_logout_change_the_id_and_end_the_one_before(house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    first = browser.cookie
    await browser.post("/login", {"name": "店長", "password": PASSWORD}, on="/inbox")
    second = browser.cookie
    await browser.post("/logout", on="/inbox")
    assert len({first, second, browser.cookie}) == 3
    assert not await browser.is_in()
    for old in (first, second):
        assert await house.sessions.person(old, house.clock()) is None


async def test_a_session_ends_twelve_hours_after_its_last_use(house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    for _ in range(3):
        house.clock.move(IDLE - timedelta(minutes=1))
        assert await browser.is_in()
    house.clock.move(IDLE)
    assert not await browser.is_in()


async def test_a_session_ends_after_fourteen_days_however_much_it_is_used(house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    for _ in range(int(LONGEST_SESSION / timedelta(hours=8))):
        assert await browser.is_in()
        house.clock.move(timedelta(hours=8))
    assert not await browser.is_in()


async def test_a_session_that_was_ended_meanwhile_does_not_come_back(house: House, redis: Redis) -> None:
    before = len(await redis.keys(f"{PREFIX}session:*"))
    session_id = await house.sessions.log_in("佐藤", PASSWORD, "192.0.2.1", house.clock())
    assert session_id
    house.clock.move(timedelta(hours=1))
    async with asyncio.TaskGroup() as group:
        group.create_task(house.sessions.person(session_id, house.clock()))
        group.create_task(house.sessions.end_session(session_id))
    assert len(await redis.keys(f"{PREFIX}session:*")) == before
    assert await house.sessions.person(session_id, house.clock()) is None


async def test_a_session_lives_in_every_web_process(store: Store, house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    async with House(store, house.clock).browser() as other:
        other.http.cookies.set("henji", browser.cookie, domain="henji.test")
        assert await other.is_in()


async def test_neither_ids_of_sessions_nor_passwords_nor_links_are_kept_as_they_are(
    house: House, redis: Redis, browser: PageClient
) -> None:
    link = await house.invite("鈴木")
    await browser.log_in("佐藤")
    kept = await everything(redis)
    assert "鈴木" in kept
    for secret in (browser.cookie, PASSWORD, link.rpartition("/")[2]):
        assert secret not in kept


async def test_the_cookie_is_for_this_site_and_not_for_scripts(browser: PageClient) -> None:
    anonymous = (await browser.http.get("/login")).headers["set-cookie"]
    assert re.fullmatch(r"henji=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", anonymous)
    entered = (await browser.log_in("佐藤")).headers["set-cookie"]
    assert re.fullmatch(r"henji=[\w-]{43}; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax", entered)


@pytest.mark.parametrize(("public_url", "scheme"), [("https://henji.example", "http"), (None, "https")])
async def test_over_https_the_cookie_is_secure(store: Store, public_url: str | None, scheme: str) -> None:
    async with House(store, public_url=public_url).browser(scheme=scheme) as browser:
        answer = await browser.http.get("/login")
        assert answer.headers["set-cookie"].startswith("__Host-henji=")
        assert "; Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_behind_a_proxy_on_this_machine_the_sender_counts_and_https_is_known(
    redis_url: str, house: House, redis: Redis
) -> None:
    headers = {"Accept": "text/html", "X-Forwarded-For": "203.0.113.50", "X-Forwarded-Proto": "https"}
    async with run_web(make_settings(redis_url)) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        answer = await client.get("/login")
        cookie = answer.headers["set-cookie"].partition(";")[0]
        assert cookie.startswith("__Host-henji=")
        token = re.findall(r'name="form_token" value="(\w+)"', answer.text)[0]
        fields = {"form_token": token, "name": "佐藤", "password": "違うパスワード"}
        assert (await client.post("/login", data=fields, headers={"cookie": cookie})).status_code == 422
    assert await redis.keys(f"{PREFIX}tries:address:*") == [f"{PREFIX}tries:address:203.0.113.50".encode()]


@pytest.mark.parametrize("path", ["/webhook/line", "/api/v1/handoffs", "/api/schema", "/health/live", "/health/ready"])
async def test_nothing_but_pages_gets_a_cookie_or_touches_sessions(house: House, redis: Redis, path: str) -> None:
    async with house.browser() as browser:
        before = await redis.keys(f"{PREFIX}session:*")
        answer = await (browser.http.post(path) if "webhook" in path else browser.http.get(path))
        assert "set-cookie" not in answer.headers
        assert await redis.keys(f"{PREFIX}session:*") == before


@pytest.mark.parametrize("path", ["/login", "/inbox", "/staff", "/nowhere", "/welcome/nothing", "/"])
async def test_every_page_keeps_the_browser_on_the_safe_side(owner: PageClient, path: str) -> None:
    headers = (await owner.http.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


async def test_files_are_kept_for_ever_under_the_hash_of_what_they_hold(browser: PageClient) -> None:
    page = await browser.http.get("/login")
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert {re.sub(r"\.[0-9a-f]{10}\.", ".", path) for path in files} == {
        f"/static/{name}" for name in (*ICONS, "app.css", "app.js", "htmx.js", "htmx-sse.js")
    }
    for path in files:
        answer = await browser.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
    assert (await browser.http.get("/static/app.0000000000.css")).status_code == 404


async def test_a_form_without_the_token_of_this_browser_does_nothing(house: House, owner: PageClient) -> None:
    async with house.browser() as stranger:
        foreign = await stranger.token()
    for fields in ({}, {"form_token": foreign}, {"form_token": "0" * 64}, {"form_token": "é"}):
        answer = await owner.http.post("/staff/disable", data={"name": "佐藤", **fields})
        assert answer.status_code == 403
    assert [account.standing for account in await house.people.accounts()] == ["active", "active"]


async def test_the_token_before_a_login_is_worth_nothing_after_it(browser: PageClient) -> None:
    before = await browser.token()
    await browser.log_in("佐藤")
    assert (await browser.http.post("/logout", data={"form_token": before})).status_code == 403
    assert await browser.is_in()


async def test_a_form_cannot_log_a_browser_in_from_outside(browser: PageClient) -> None:
    answer = await browser.http.post("/login", data={"name": "佐藤", "password": PASSWORD})
    assert answer.status_code == 403


async def test_htmx_brings_the_token_in_a_header(owner: PageClient, house: House) -> None:
    headers = {"x-form-token": await owner.token("/inbox"), "hx-request": "true"}
    assert (await owner.http.post("/staff/disable", data={"name": "佐藤"}, headers=headers)).status_code == 303
    assert (await house.people.account("佐藤")).disabled


async def test_htmx_is_given_a_login_over_the_open_page(house: House, owner: PageClient) -> None:
    headers = {"x-form-token": await owner.token("/inbox"), "hx-request": "true"}
    house.clock.move(IDLE)
    refused = await owner.http.post("/staff/disable", data={"name": "佐藤"}, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["hx-retarget"] == "#login-place"
    assert refused.text.startswith("<dialog")
    token = re.findall(r'name="form_token" value="(\w+)"', refused.text)[0]
    again = {"name": "店長", "form_token": token}
    wrong = await owner.http.post("/login", data={**again, "password": "違うパスワード"}, headers=headers)
    assert (wrong.status_code, wrong.text[:7]) == (422, "<dialog")
    entered = await owner.http.post("/login", data={**again, "password": PASSWORD}, headers=headers)
    assert entered.status_code == 204
    assert "henji:signed-in" in entered.headers["hx-trigger"]
    assert await owner.is_in()


async def test_errors_reach_htmx_as_a_part_that_spares_what_was_typed(owner: PageClient) -> None:
    answer = await owner.http.get("/nowhere", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-retarget"]) == (404, "#notice")
    assert "<html" not in answer.text
