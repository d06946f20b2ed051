"""Photos to be fetched and photos kept, each script on a real Valkey, with the mailbox's steps around it."""

import time
from typing import Any, cast

import msgspec
import pytest
from redis.asyncio import Redis

from service.adapters.caretaking import Caretaker
from service.adapters.mailbox import Mailbox
from service.adapters.photos import CLAIM_MS, PART_BYTES, Claim, Photos
from service.adapters.store import PREFIX, Store
from service.core.events import Incoming
from service.core.photos import KEEP_S, MAX_BYTES, MAX_BYTES_OF_ALL, MAX_BYTES_OF_ONE, MOST_TRIES, NoPhoto, Photo
from service.errors import NotFound, StoreUnavailable
from tests.adapters.test_mailbox import CUSTOMER, plan_for, take, turn_of
from tests.support.dump import everything

OTHER = "U" + "2" * 32
JPEG = Photo(b"\xff\xd8\xff the whole photo", "image/jpeg")
GONE = NoPhoto("gone")


@pytest.fixture
def mailbox(store: Store) -> Mailbox:
    return Mailbox(store, keep_days=180)


@pytest.fixture
def photos(store: Store) -> Photos:
    return Photos(store)


def sent(number: int, *, customer: str = CUSTOMER, unsends: bool = False, **source: str) -> Incoming:
    """A photo as LINE tells of it, or that it was taken back."""
    now = time.time_ns() // 1_000_000
    what: dict[str, Any] = {"type": "unsend", "unsend": {"messageId": f"m{number}"}}
    if not unsends:
        what = {"type": "message", "message": {"id": f"m{number}", "type": "image"}}
    raw = {"timestamp": now, "source": {"type": "user", "userId": customer, **source}, **what}
    return Incoming(
        id=f"01{'U' if unsends else 'E'}{number}",
        conversation=customer,
        raw=msgspec.json.encode(raw).decode(),
        at=now,
        reply_token="",
        unsent=f"m{number}" if unsends else "",
    )


async def decide(mailbox: Mailbox, token: str) -> str:
    """Take the next conversation and commit all that waits in it."""
    lease = await take(mailbox, token)
    turn = turn_of(lease)
    return (await mailbox.commit(lease, turn, plan_for(lease, turn, answer=False)))[0]


async def send(mailbox: Mailbox, *numbers: int, customer: str = CUSTOMER) -> None:
    """Have photos sent and decided: they are to be fetched now."""
    await mailbox.put([sent(number, customer=customer) for number in numbers])
    assert await decide(mailbox, f"t{numbers[0]}") == "done"


async def claim(photos: Photos) -> Claim:
    claimed = await photos.claim()
    assert claimed is not None
    return claimed


async def make_due(redis: Redis) -> None:
    """Let the time pass after which it is tried again."""
    for message in cast("list[bytes]", await redis.zrange(f"{PREFIX}photos", 0, -1)):
        await redis.zadd(f"{PREFIX}photos", {message: 1})


async def test_a_photo_is_to_be_fetched_from_the_step_that_records_its_message_on(
    mailbox: Mailbox, photos: Photos
) -> None:
    await mailbox.put([sent(1)])
    assert await photos.claim() is None
    assert await decide(mailbox, "t1") == "done"
    assert await photos.read(CUSTOMER, "m1") == NoPhoto("pending")
    assert await claim(photos) == Claim("m1", 1)
    assert await photos.claim() is None, "one fetches it at a time"


async def test_a_kept_photo_is_read_with_its_type_by_its_own_customer_only(mailbox: Mailbox, photos: Photos) -> None:
    await send(mailbox, 1)
    assert await photos.keep(await claim(photos), JPEG)
    assert await photos.read(CUSTOMER, "m1") == JPEG
    assert await photos.album(CUSTOMER) == {"m1": JPEG}
    with pytest.raises(NotFound):
        await photos.read(OTHER, "m1")
    with pytest.raises(NotFound):
        await photos.read(CUSTOMER, "m2")


async def test_photos_sent_together_are_fetched_each_once_in_their_order(mailbox: Mailbox, photos: Photos) -> None:
    await send(mailbox, 1, 2, 3)
    claims = [await claim(photos) for _ in range(3)]
    assert [claimed.message for claimed in claims] == ["m1", "m2", "m3"]
    assert await photos.claim() is None


async def test_what_became_of_it_is_written_down_and_shown_to_whoever_watches(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1, 2)
    await photos.keep(await claim(photos), JPEG)
    await photos.keep(await claim(photos), GONE)
    assert await photos.read(CUSTOMER, "m2") == GONE
    await make_due(redis)
    assert await photos.claim() is None
    shown = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"{PREFIX}live"))
    assert [line[b"what"] for _, line in shown] == [b"silent", b"photo", b"photo"]


async def test_a_photo_ends_after_14_days_and_sooner_where_nothing_is_kept_so_long(
    mailbox: Mailbox, photos: Photos, redis: Redis, store: Store
) -> None:
    await send(mailbox, 1)
    await photos.keep(await claim(photos), JPEG)
    await send(Mailbox(store, keep_days=3), 2, customer=OTHER)
    for name in ("photo:m1", f"album:{CUSTOMER}", "shelf"):
        assert KEEP_S - 60 < await redis.ttl(f"{PREFIX}{name}") <= KEEP_S
    for name in ("photo:m2", f"album:{OTHER}"):
        assert 0 < await redis.ttl(f"{PREFIX}{name}") <= 3 * 86_400


async def test_whoever_dies_with_it_in_hand_leaves_it_to_the_next_and_cannot_write_any_more(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1)
    first = await claim(photos)
    due = cast("float", await redis.zscore(f"{PREFIX}photos", "m1"))
    assert abs(due - time.time() * 1000 - CLAIM_MS) < 10_000
    await make_due(redis)
    second = await claim(photos)
    assert second == Claim("m1", 2)
    assert not await photos.keep(first, GONE)
    assert not await photos.put_off(first, 0)
    assert await photos.claim() is None
    assert await photos.keep(second, JPEG)
    assert not await photos.keep(second, GONE), "run twice it is the same as once"
    assert await photos.read(CUSTOMER, "m1") == JPEG


async def test_a_due_time_absurdly_far_ahead_is_now(mailbox: Mailbox, photos: Photos, redis: Redis) -> None:
    await send(mailbox, 1)
    await redis.zadd(f"{PREFIX}photos", {"m1": time.time() * 1000 + 25 * 3_600_000})
    assert await claim(photos) == Claim("m1", 1)


async def test_it_is_put_off_and_given_up_after_so_many_tries_whoever_dies_meanwhile(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1)
    for tries in range(1, MOST_TRIES + 1):
        assert await claim(photos) == Claim("m1", tries)
        if tries % 2:
            assert await photos.put_off(Claim("m1", tries), 60_000)
        assert await photos.claim() is None
        await make_due(redis)
    assert await photos.claim() is None
    assert await photos.read(CUSTOMER, "m1") == NoPhoto("unavailable")
    assert not await photos.keep(Claim("m1", MOST_TRIES), JPEG)


async def test_what_has_expired_before_it_was_fetched_is_forgotten(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1, 2)
    await redis.delete(f"{PREFIX}photo:m1")
    assert await claim(photos) == Claim("m2", 1)
    assert not await redis.exists(f"{PREFIX}photo:m1")


# Taken back, erased, sent again


async def test_a_photo_taken_back_before_its_turn_is_never_fetched(mailbox: Mailbox, photos: Photos) -> None:
    await mailbox.put([sent(1)])
    await mailbox.put([sent(1, unsends=True)])
    assert await decide(mailbox, "t1") == "unsent"
    assert await photos.claim() is None
    with pytest.raises(NotFound):
        await photos.read(CUSTOMER, "m1")


@pytest.mark.parametrize("state", ["due", "in hand", "kept", "given up"])
@pytest.mark.parametrize("how", ["unsend", "erase"])
async def test_what_is_taken_back_or_erased_goes_at_once_and_stays_away(
    mailbox: Mailbox, photos: Photos, redis: Redis, store: Store, *, state: str, how: str
) -> None:
    await send(mailbox, 1, 2)
    claimed = Claim("m1", 1) if state == "due" else await claim(photos)
    if state in {"kept", "given up"}:
        await photos.keep(claimed, JPEG if state == "kept" else GONE)
    if how == "unsend":
        await mailbox.put([sent(1, unsends=True)])
    else:
        assert (await Caretaker(store).erase(CUSTOMER, who="cli")).photos == 2
    assert not await photos.keep(claimed, JPEG)
    assert not await photos.put_off(claimed, 0)
    assert await mailbox.put([sent(1), sent(2)]) == 0, "a redelivery brings nothing back"
    with pytest.raises(NotFound):
        await photos.read(CUSTOMER, "m1")
    assert JPEG.data.decode(errors="replace") not in await everything(redis)
    left = {"m2"} if how == "unsend" else set[str]()
    assert set(await photos.album(CUSTOMER)) == left
    await make_due(redis)
    assert (await photos.claim() is None) == (how == "erase")


async def test_an_erased_customer_takes_no_other_s_photos_along(
    mailbox: Mailbox, photos: Photos, redis: Redis, store: Store
) -> None:
    for number, customer in ((1, CUSTOMER), (2, OTHER)):
        await send(mailbox, number, customer=customer)
        await photos.keep(await claim(photos), JPEG)
    await Caretaker(store).erase(CUSTOMER, who="cli")
    assert CUSTOMER not in await everything(redis)
    assert "m1" not in await everything(redis)
    assert await photos.album(OTHER) == {"m2": JPEG}


async def test_a_photo_whose_message_is_put_back_from_the_dead_letters_is_not_fetched_again(
    mailbox: Mailbox, photos: Photos
) -> None:
    await send(mailbox, 1)
    await photos.keep(await claim(photos), JPEG)
    again = msgspec.structs.replace(sent(1), id="01E1~1-0")
    await mailbox.put([again])
    assert await decide(mailbox, "t2") == "done"
    assert await photos.claim() is None
    assert await photos.read(CUSTOMER, "m1") == JPEG


# Room


@pytest.mark.parametrize(("customer", "limit"), [(CUSTOMER, "most_of_one"), (OTHER, "most_of_all")])
async def test_the_oldest_photos_make_room_for_the_newest(
    mailbox: Mailbox, store: Store, redis: Redis, *, customer: str, limit: str
) -> None:
    photos = Photos(store, **{limit: 2 * len(JPEG.data)})
    await send(mailbox, 1)
    await send(mailbox, 2, customer=OTHER)
    await send(mailbox, 3, 4, customer=customer)
    for _ in range(4):
        await photos.keep(await claim(photos), JPEG)
    gone = ["m1"] if customer == CUSTOMER else ["m1", "m2"]
    found = {**await photos.album(CUSTOMER), **await photos.album(OTHER)}
    assert {message for message, photo in found.items() if photo == NoPhoto("no_room")} == set(gone)
    assert {message for message, photo in found.items() if photo == JPEG} == {"m1", "m2", "m3", "m4"} - set(gone)
    await redis.delete(f"{PREFIX}photo:m4")
    await send(mailbox, 5, customer=customer)
    await photos.keep(await claim(photos), JPEG)
    assert await photos.read(customer, "m3") == JPEG, "what is gone takes no room"


async def test_the_largest_photo_is_kept_whole(mailbox: Mailbox, photos: Photos) -> None:
    assert 4 * MAX_BYTES <= MAX_BYTES_OF_ONE < MAX_BYTES_OF_ALL
    largest = Photo(b"\xff\xd8\xff".ljust(MAX_BYTES, b"x"), "image/jpeg")
    await send(mailbox, 1)
    assert await photos.keep(await claim(photos), largest)
    assert await photos.read(CUSTOMER, "m1") == largest


async def test_a_try_that_was_cut_off_leaves_nothing_in_the_photo_of_the_next(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1)
    await claim(photos)
    parts = {str(part): b"x" * PART_BYTES for part in range(3)}
    await redis.hset(f"{PREFIX}photo:m1", mapping=cast("dict[Any, Any]", parts))
    assert await photos.read(CUSTOMER, "m1") == NoPhoto("pending")
    await make_due(redis)
    whole = Photo(b"\xff\xd8\xff".ljust(PART_BYTES + 1, b"y"), "image/jpeg")
    assert await photos.keep(await claim(photos), whole)
    assert await photos.read(CUSTOMER, "m1") == whole


async def test_of_a_photo_given_up_no_part_is_left_and_the_reason_ends_with_it(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1)
    claimed = await claim(photos)
    await redis.hset(f"{PREFIX}photo:m1", "0", "x")
    await photos.keep(claimed, GONE)
    assert await redis.hgetall(f"{PREFIX}photo:m1") == {b"conv": CUSTOMER.encode(), b"why": b"gone"}
    assert KEEP_S - 60 < await redis.ttl(f"{PREFIX}photo:m1") <= KEEP_S


async def test_a_full_redis_takes_no_photo_and_keeps_it_to_be_fetched(
    mailbox: Mailbox, photos: Photos, redis: Redis
) -> None:
    await send(mailbox, 1)
    claimed = await claim(photos)
    await redis.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(StoreUnavailable):
            await photos.keep(claimed, JPEG)
    finally:
        await redis.config_set("maxmemory", "0")
    assert await photos.read(CUSTOMER, "m1") == NoPhoto("pending")
    assert await photos.keep(claimed, JPEG)
