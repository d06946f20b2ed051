"""One-time links: used once, for a while, by one person."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.pages import House, PageClient


async def test_an_invitation_lets_in_once(house: House, browser: PageClient) -> None:
    path = await house.invite("鈴木")
    assert "鈴木さん、ようこそ" in (await browser.http.get(path)).text
    assert "鈴木さん、ようこそ" in (await browser.http.get(path)).text
    assert (await browser.use(path)).headers["location"] == "/inbox"
    assert await browser.is_in()
    async with house.browser() as other:
        assert (await other.http.get(path)).status_code == 410
        assert (await other.use(path, "また別のパスワード")).status_code == 410
        assert (await other.log_in("鈴木")).status_code == 303


async def test_of_two_who_use_a_link_at_once_one_gets_in(house: House) -> None:
    path = await house.invite("鈴木")
    async with house.browser() as first, house.browser() as second:
        answers = await asyncio.gather(first.use(path), second.use(path))
    assert sorted(answer.status_code for answer in answers) == [303, 410]


@pytest.mark.parametrize(("kind", "lasts"), [("invite", timedelta(days=7)), ("reset", timedelta(hours=1))])
async def test_a_link_is_good_until_its_time_is_over(
    house: House, browser: PageClient, kind: str, lasts: timedelta
) -> None:
    token = await house.people.new_link("佐藤", "invite" if kind == "invite" else "reset", house.clock())
    house.clock.move(lasts - timedelta(seconds=1))
    assert (await browser.http.get(f"/welcome/{token}")).status_code == 200
    house.clock.move(timedelta(seconds=1))
    assert (await browser.http.get(f"/welcome/{token}")).status_code == 410
    assert (await browser.use(f"/welcome/{token}")).status_code == 410


async def test_a_new_link_ends_the_one_before(house: House, browser: PageClient) -> None:
    first = await house.invite("鈴木")
    second = await house.people.new_link("鈴木", "invite", house.clock())
    assert (await browser.http.get(first)).status_code == 410
    assert (await browser.http.get(f"/welcome/{second}")).status_code == 200


@pytest.mark.parametrize(
    ("password", "words"),
    [("みじかい", "10文字以上"), ("password2026", "推測"), ("佐藤19850412", "推測"), ("あ" * 201, "200文字以内")],
)
async def test_a_password_that_is_refused_uses_no_link_up(
    house: House, browser: PageClient, password: str, words: str
) -> None:
    path = f"/welcome/{await house.people.new_link('佐藤', 'reset', house.clock())}"
    refused = await browser.use(path, password)
    assert refused.status_code == 422
    assert words in refused.text
    assert password not in refused.text or password == "佐藤"
    assert (await browser.use(path)).status_code == 303


async def test_a_new_password_ends_all_sessions_of_the_old_one(house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    token = await house.people.new_link("佐藤", "reset", house.clock())
    assert await browser.is_in()
    async with house.browser() as other:
        assert (await other.use(f"/welcome/{token}", "あたらしい青い自転車")).status_code == 303
        assert await other.is_in()
    assert not await browser.is_in()
    assert (await browser.log_in("佐藤")).status_code == 422
    assert (await browser.log_in("佐藤", "あたらしい青い自転車")).status_code == 303


async def test_a_link_that_only_signs_in_sets_no_password(house: House, browser: PageClient) -> None:
    token = await house.people.new_link("店長", "login", house.clock())
    assert (await browser.post(f"/welcome/{token}", {"password": "x"})).status_code == 303
    assert await browser.is_in()
    assert (await browser.http.get(f"/welcome/{token}")).headers["location"] == "/inbox"
    async with house.browser() as other:
        assert (await other.log_in("店長")).status_code == 303
