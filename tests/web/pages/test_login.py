"""Logging in: who gets in, and who tried too often."""

import asyncio
import re
import time

import pytest
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from service.core.people import MOST_ATTEMPTS_BY_ADDRESS, MOST_ATTEMPTS_BY_NAME
from tests.support.pages import PASSWORD, House, PageClient


async def test_whoever_is_not_signed_in_is_led_to_the_login_and_then_to_where_they_wanted(browser: PageClient) -> None:
    asked = await browser.http.get("/inbox?status=done")
    assert asked.headers["location"] == "/login?next=%2Finbox%3Fstatus%3Ddone"
    form = await browser.http.get(asked.headers["location"])
    assert 'name="next" value="/inbox?status=done"' in form.text
    entered = await browser.log_in("佐藤", next="/inbox?status=done")
    assert (entered.status_code, entered.headers["location"]) == (303, "/inbox?status=done")
    assert await browser.is_in()


async def test_the_root_leads_to_the_inbox(browser: PageClient) -> None:
    assert (await browser.http.get("/")).headers["location"] == "/inbox"


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "/\n/evil.test", ""])
async def test_a_login_never_leads_to_another_site(browser: PageClient, elsewhere: str) -> None:
    assert (await browser.log_in("佐藤", next=elsewhere)).headers["location"] == "/inbox"
    assert (await browser.http.get("/login", params={"next": elsewhere})).headers["location"] == "/inbox"


async def test_names_and_passwords_fit_in_any_width_and_case(house: House) -> None:
    token = (await house.invite("Emma")).rpartition("/")[2]
    await house.sessions.redeem(token, "correct horse 42", "198.51.100.1", house.clock())
    async with house.browser() as browser:
        assert (await browser.log_in(" ｅｍｍａ ", "ｃｏｒｒｅｃｔ　ｈｏｒｓｅ　４２")).status_code == 303


async def test_the_answer_to_an_unknown_name_is_that_to_a_wrong_password(house: House, browser: PageClient) -> None:
    await house.invite("鈴木")
    await house.settle_in("高橋")
    await house.people.disable("高橋", house.clock())
    answers = [
        await browser.log_in(name, password)
        for name, password in (
            ("佐藤", "違うパスワードです"),
            ("誰か", PASSWORD),
            ("鈴木", PASSWORD),
            ("高橋", PASSWORD),
            ("", ""),
        )
    ]
    assert {answer.status_code for answer in answers} == {422}
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1
    assert "お名前かパスワードが違います" in texts.pop()


async def test_a_password_typed_wrong_is_never_sent_back(browser: PageClient) -> None:
    assert "秘密のことば" not in (await browser.log_in("佐藤", "秘密のことば")).text


async def test_an_unknown_name_takes_as_much_work_as_a_known_one(house: House) -> None:
    """By the processor's time of this process: how long it takes says more about what else the machine does."""

    async def least_work(name: str) -> float:
        spent: list[float] = []
        for number in range(5):
            before = time.process_time()
            await house.sessions.log_in(name, "違うパスワード", f"192.0.2.{number}", house.clock())
            spent.append(time.process_time() - before)
        return min(spent)

    known, unknown = await least_work("佐藤"), await least_work("誰もいない")
    assert unknown > known / 2


async def test_ten_attempts_on_a_name_shut_it_for_a_while_in_every_process(store: Store, house: House) -> None:
    houses = [house, House(store, house.clock)]
    for number in range(MOST_ATTEMPTS_BY_NAME):
        async with houses[number % 2].browser(f"192.0.2.{number}") as browser:
            assert (await browser.log_in("佐藤", "違うパスワード")).status_code == 422
    async with houses[1].browser("192.0.2.99") as browser:
        refused = await browser.log_in("佐藤")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
        assert "あと15分" in refused.text
        assert (await browser.log_in("店長")).status_code == 303


async def test_a_name_that_nobody_has_is_shut_like_any_other(house: House) -> None:
    async with house.browser() as browser:
        codes = [(await browser.log_in("誰か", "違うパスワード")).status_code for _ in range(MOST_ATTEMPTS_BY_NAME + 1)]
    assert codes == [422] * MOST_ATTEMPTS_BY_NAME + [429]


async def test_attempts_from_one_address_are_counted_over_all_names(house: House) -> None:
    async with house.browser("2001:db8::1") as browser:
        for number in range(MOST_ATTEMPTS_BY_ADDRESS):
            assert (await browser.log_in(f"name{number}", "違うパスワード")).status_code == 422
    async with house.browser("2001:db8::ffff") as neighbour:
        assert (await neighbour.log_in("佐藤")).status_code == 429
    async with house.browser("2001:db8:0:1::1") as elsewhere:
        assert (await elsewhere.log_in("佐藤")).status_code == 303


async def test_guesses_at_the_same_moment_are_all_counted(store: Store, house: House) -> None:
    houses = [house, House(store, house.clock)]

    async def guess(number: int) -> int:
        async with houses[number % 2].browser(f"192.0.2.{number}") as browser:
            return (await browser.log_in("佐藤", "違うパスワード")).status_code

    codes = await asyncio.gather(*(guess(number) for number in range(MOST_ATTEMPTS_BY_NAME + 6)))
    assert sorted(codes) == [422] * MOST_ATTEMPTS_BY_NAME + [429] * 6


async def test_a_login_that_fits_and_a_new_password_clear_the_name(house: House, redis: Redis) -> None:
    async with house.browser() as browser:
        for _ in range(MOST_ATTEMPTS_BY_NAME):
            await browser.log_in("佐藤", "違うパスワード")
        token = await house.people.new_link("佐藤", "reset", house.clock())
        await house.sessions.redeem(token, PASSWORD, "192.0.2.1", house.clock())
        assert (await browser.log_in("佐藤")).status_code == 303
    assert not await redis.keys(f"{PREFIX}tries:name:*")
