"""The owner's page of people, and what is written down of it."""

from typing import Any, cast

import pytest
from redis.asyncio import Redis

from service.adapters.store import PREFIX, Store
from tests.support.pages import House, PageClient, link_on


async def test_only_owners_see_and_change_people(house: House, browser: PageClient) -> None:
    await browser.log_in("佐藤")
    assert "/staff" not in (await browser.http.get("/inbox")).text
    assert (await browser.http.get("/staff")).status_code == 403
    for path in ("invite", "link", "role", "disable", "enable"):
        answer = await browser.post(f"/staff/{path}", {"name": "店長", "role": "owner"}, on="/inbox")
        assert answer.status_code == 403
    assert (await house.people.account("佐藤")).role == "staff"


async def test_an_owner_invites_by_a_link_under_the_public_address(store: Store, house: House) -> None:
    outside = House(store, house.clock, public_url="https://henji.example")
    async with outside.browser(scheme="https") as owner:
        await owner.log_in("店長")
        made = await owner.post("/staff/invite", {"name": " 鈴木　花子 ", "role": "staff"}, on="/staff")
        assert link_on(made).startswith("https://henji.example/welcome/")
        assert "鈴木 花子さんの招待リンク" in made.text
        again = await owner.post("/staff/invite", {"name": "鈴木 花子", "role": "staff"}, on="/staff")
        assert (again.status_code, "同じお名前のスタッフがいます" in again.text) == (422, True)
        empty = await owner.post("/staff/invite", {"name": " ", "role": "staff"}, on="/staff")
        assert (empty.status_code, "1〜40文字" in empty.text) == (422, True)


async def test_a_new_link_sets_a_password_for_those_who_have_one_and_invites_the_others(
    house: House, owner: PageClient
) -> None:
    await house.invite("鈴木")
    assert "鈴木さんの招待リンク" in (await owner.post("/staff/link", {"name": "鈴木"}, on="/staff")).text
    made = await owner.post("/staff/link", {"name": "佐藤"}, on="/staff")
    assert "佐藤さんの再設定リンク" in made.text
    async with house.browser() as browser:
        assert "新しいパスワード" in (await browser.http.get(link_on(made).removeprefix("http://henji.test"))).text


async def test_whoever_is_shut_out_is_out_with_the_next_click(
    house: House, browser: PageClient, owner: PageClient
) -> None:
    await browser.log_in("佐藤")
    link = await house.people.new_link("佐藤", "reset", house.clock())
    assert (await owner.post("/staff/disable", {"name": "佐藤"}, on="/staff")).status_code == 303
    assert not await browser.is_in()
    assert (await browser.http.get(f"/welcome/{link}")).status_code == 410
    assert (await owner.post("/staff/link", {"name": "佐藤"}, on="/staff")).status_code == 409
    assert (await owner.post("/staff/enable", {"name": "佐藤"}, on="/staff")).status_code == 303
    assert not await browser.is_in()
    assert (await browser.log_in("佐藤")).status_code == 303


async def test_a_role_holds_from_the_next_click(browser: PageClient, owner: PageClient) -> None:
    await browser.log_in("佐藤")
    await owner.post("/staff/role", {"name": "佐藤", "role": "owner"}, on="/staff")
    assert (await browser.http.get("/staff")).status_code == 200
    await owner.post("/staff/role", {"name": "佐藤", "role": "staff"}, on="/staff")
    assert (await browser.http.get("/staff")).status_code == 403


async def test_nobody_takes_their_own_place_away(house: House, owner: PageClient) -> None:
    assert (await owner.post("/staff/disable", {"name": "店長"}, on="/staff")).status_code == 409
    assert (await owner.post("/staff/role", {"name": "店長", "role": "staff"}, on="/staff")).status_code == 409
    assert (await house.people.account("店長")).staff.is_owner


@pytest.mark.parametrize(("path", "fields"), [("disable", {}), ("role", {"name": "佐藤", "role": "king"})])
async def test_a_form_that_makes_no_sense_is_refused(owner: PageClient, path: str, fields: dict[str, str]) -> None:
    assert (await owner.post(f"/staff/{path}", fields, on="/staff")).status_code == 400


async def test_a_person_that_is_not_there_is_not_found(owner: PageClient) -> None:
    assert (await owner.post("/staff/disable", {"name": "誰か"}, on="/staff")).status_code == 404


async def test_a_name_is_shown_as_text(house: House, owner: PageClient) -> None:
    await house.invite("<b>'\"&")
    page = await owner.http.get("/staff")
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


async def test_the_audit_log_says_who_did_what_without_secrets(
    house: House, redis: Redis, browser: PageClient, owner: PageClient
) -> None:
    await redis.delete(f"{PREFIX}audit")
    await browser.log_in("佐藤", "違うパスワード")
    await browser.log_in("誰か", "違うパスワード")
    await browser.log_in("佐藤")
    await browser.post("/logout", on="/inbox")
    invited = await owner.post("/staff/invite", {"name": "鈴木", "role": "staff"}, on="/staff")
    await owner.post("/staff/role", {"name": "佐藤", "role": "owner"}, on="/staff")
    await owner.post("/staff/disable", {"name": "佐藤"}, on="/staff")
    await owner.post("/staff/enable", {"name": "佐藤"}, on="/staff")
    await browser.use(link_on(invited).removeprefix("http://henji.test"))
    found = cast("list[tuple[Any, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}audit"))
    lines = [{name.decode(): value.decode() for name, value in fields.items()} for _, fields in found]
    assert [(line["who"], line["what"], line.get("about", "")) for line in lines] == [
        ("佐藤", "login_failed", ""),
        ("佐藤", "login", ""),
        ("佐藤", "logout", ""),
        ("店長", "invite", "鈴木"),
        ("店長", "role", "佐藤"),
        ("店長", "disable", "佐藤"),
        ("店長", "enable", "佐藤"),
        ("鈴木", "password", ""),
        ("鈴木", "login", ""),
    ]
    assert {line["at"] for line in lines} == {str(round(house.clock().timestamp() * 1000))}
    assert lines[0]["address"] == "203.0.113.7"
