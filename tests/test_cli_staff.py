"""`./henji staff`: people from the command line."""

import asyncio
import re
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import Store
from service.cli import main
from tests.support.pages import PASSWORD


def staff(redis_url: str, *words: str, **settings: str) -> Result:
    return CliRunner().invoke(main, ["staff", *words], env={"REDIS_URL": redis_url, **settings})


def test_a_new_person_gets_a_link_on_the_last_line(redis_url: str) -> None:
    added = staff(redis_url, "add", "佐藤", HENJI_PUBLIC_URL="https://henji.example")
    assert added.exit_code == 0
    assert re.fullmatch(r"https://henji\.example/welcome/[\w-]{43}", added.stdout.splitlines()[-1])
    local = staff(redis_url, "add", "店長", "--owner", HENJI_PORT="8123")
    assert local.stdout.splitlines()[-1].startswith("http://127.0.0.1:8123/welcome/")
    assert staff(redis_url, "list").stdout == "staff  invited   佐藤\nowner  invited   店長\n"


def test_a_name_is_given_once(redis_url: str) -> None:
    staff(redis_url, "add", "Emma")
    again = staff(redis_url, "add", "ＥＭＭＡ")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "somebody has that name already" in again.stderr


@pytest.mark.parametrize("name", ["", "佐藤\x00", "あ" * 41])
def test_a_person_needs_a_name_that_can_be_shown(redis_url: str, name: str) -> None:
    done = staff(redis_url, "add", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "1 to 40 characters" in done.stderr


@pytest.mark.parametrize("command", ["password", "disable", "enable"])
def test_somebody_who_is_not_there_is_exit_code_1(redis_url: str, command: str) -> None:
    done = staff(redis_url, command, "誰か")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nobody has that name" in done.stderr


async def test_a_person_is_shut_out_and_let_in_again_and_chooses_a_new_password(redis_url: str) -> None:
    async def run(*words: str) -> Result:
        return await asyncio.to_thread(staff, redis_url, *words)

    token = (await run("add", "佐藤")).stdout.strip().rpartition("/")[2]
    async with Store(redis_url, timeout_s=5) as store:
        sessions, now = Sessions(store, People(store)), datetime.now(UTC)
        session = await sessions.redeem(token, PASSWORD, "192.0.2.1", now)
        assert (await run("list")).stdout == "staff  active    佐藤\n"
        assert (await run("disable", "佐藤")).stdout == "disabled: 佐藤\n"
        assert await sessions.person(session, now) is None
        assert (await run("list")).stdout == "staff  disabled  佐藤\n"
        refused = await run("password", "佐藤")
        assert (refused.exit_code, "enable them first" in refused.stderr) == (1, True)
        assert (await run("enable", "佐藤")).stdout == "enabled: 佐藤\n"
        token = (await run("password", "佐藤")).stdout.strip().rpartition("/")[2]
        assert await sessions.redeem(token, "あたらしい青い自転車", "192.0.2.1", now)
        assert await sessions.log_in("佐藤", PASSWORD, "192.0.2.1", now) is None
