"""What all pages share: languages, errors, limits."""

import pytest

from service.adapters.store import Store
from tests.support.pages import House, PageClient


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("", "ja"), ("en-GB,en;q=0.9", "en"), ("fr, en;q=0.4, ja;q=0.6", "ja"), ("de", "ja"), ("en;q=x, ja;q=0.1", "ja")],
)
async def test_pages_come_in_the_language_that_the_browser_asks_for(house: House, wanted: str, language: str) -> None:
    async with house.browser(language=wanted) as browser:
        assert f'<html lang="{language}">' in (await browser.http.get("/login")).text


async def test_the_language_can_be_chosen_and_stays(browser: PageClient) -> None:
    chosen = await browser.post("/language", {"language": "en", "back": "/login"})
    assert chosen.headers["location"] == "/login"
    assert '<html lang="en">' in (await browser.http.get("/login")).text
    assert "Sign in" in (await browser.http.get("/login")).text


async def test_people_get_pages_for_errors_and_programs_get_problems(browser: PageClient) -> None:
    page = await browser.http.get("/nowhere")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "ページが見つかりません" in page.text
    for path, accept in (("/nowhere", "application/json"), ("/api/v1/nowhere", "text/html")):
        answer = await browser.http.get(path, headers={"accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_without_redis_a_page_asks_for_patience() -> None:
    async with Store("redis://127.0.0.1:1", timeout_s=0.5) as away, House(away).browser() as browser:
        browser.http.cookies.set("henji", "x" * 43, domain="henji.test")
        answer = await browser.http.get("/inbox")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "少し待ってから" in answer.text


async def test_a_body_that_is_too_large_is_refused(browser: PageClient) -> None:
    token = await browser.token()
    answer = await browser.http.post("/login", data={"form_token": token, "name": "a" * 300_000, "password": "x"})
    assert answer.status_code == 413
