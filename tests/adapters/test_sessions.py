"""Passwords are worked on beside the event loop, a few at once, and kept as Argon2 hashes."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from service.adapters.people import People
from service.adapters.sessions import Sessions
from service.adapters.store import PREFIX, Store
from service.errors import Conflict, NotFound

NOON = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


async def test_hashing_passwords_does_not_hold_the_loop_up(store: Store) -> None:
    sessions = Sessions(store, People(store))
    logins = [
        asyncio.create_task(sessions.log_in(f"name{number}", "x" * 12, f"192.0.2.{number}", NOON))
        for number in range(8)
    ]
    waits: list[float] = []
    while not all(login.done() for login in logins):
        before = time.perf_counter()
        await asyncio.sleep(0)
        waits.append(time.perf_counter() - before)
    # Most turns of the loop: the machine's other work may hold up a few.
    assert sorted(waits)[int(len(waits) * 0.99)] < 0.02
    assert len(waits) > 100


async def test_a_password_is_kept_as_an_argon2_hash(store: Store) -> None:
    people = People(store)
    await Sessions(store, people).redeem(
        await people.add("佐藤", "staff", NOON), "みどりの傘と三毛猫", "192.0.2.1", NOON
    )
    assert (await people.account("佐藤")).password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_two_who_add_the_same_name_at_once_make_one_person(store: Store) -> None:
    people = People(store)
    made = await asyncio.gather(*(people.add("佐藤", "staff", NOON) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, str) for one in made) == 1
    assert sum(isinstance(one, Conflict) for one in made) == 4


async def test_a_session_of_somebody_who_was_deleted_is_over(store: Store) -> None:
    people = People(store)
    sessions = Sessions(store, people)
    session = await sessions.redeem(await people.add("佐藤", "staff", NOON), "みどりの傘と三毛猫", "192.0.2.1", NOON)
    await store.call(lambda redis: redis.delete(f"{PREFIX}staff:佐藤"))
    assert await sessions.person(session, NOON) is None
    with pytest.raises(NotFound):
        await people.account("佐藤")
