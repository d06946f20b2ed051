"""Logging in: passwords, attempts, sessions. What is kept of a session is whose it is and when it was used."""

import asyncio
import secrets
from datetime import datetime
from typing import cast

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from redis.asyncio import Redis

from service.adapters.audit import AUDIT_MS, entry, note, sha256
from service.adapters.people import People
from service.adapters.store import PREFIX, Store
from service.core.people import (
    ATTEMPTS_WINDOW,
    LONGEST_SESSION,
    MOST_ATTEMPTS_BY_ADDRESS,
    MOST_ATTEMPTS_BY_NAME,
    SEEN_IS_FRESH,
    Account,
    Session,
    Staff,
    is_live,
    name_key,
    network_of,
    read_password,
)
from service.errors import NotFound, TooManyAttempts

_AT_ONCE = 2  # Argon2 takes 19 MiB and a core for each
# What a password is held against where there is none, so that it takes as long.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$NSpk0a5STKYKSdtRLnxgbw$txZliJ/YkemDFe4kDhgkUj2spEDLWSfGZweZLbgiT2U"


class Sessions:
    """Who is signed in. Raises StoreUnavailable when Redis is away. Every method is told what time it is."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._call = store.call
        self._people = people
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._hashing = asyncio.Semaphore(_AT_ONCE)

    async def log_in(self, name: str, password: str, address: str, now: datetime) -> str | None:
        """Start a session for a name and a password as typed; returns its id. None when they do not fit.

        An unknown name takes as long as a wrong password. Raises TooManyAttempts.
        """
        await self._count_attempt(name, address)
        try:
            account = await self._people.account(name)
        except (NotFound, ValueError):
            account = None
        fits = await self._verify(account.password if account else "", read_password(password))
        if account is None:
            return None
        if not fits or account.standing != "active":
            await self._call(lambda redis: note(redis, entry(account.name, "login_failed", now, address=address)))
            return None
        return await self._start_session(account.name, account.epoch, address, now)

    async def redeem(self, token: str, password: str | None, address: str, now: datetime) -> str:
        """Use a link up, set the password (None only for a link that just signs in), start a session, return its id.

        Raises NotFound when somebody was faster, or the link is over.
        """
        link = await self._people.link(token, now)
        call = {
            "hash": sha256(token),
            "key": name_key(link.name),
            "password": await self._hash(read_password(password)) if password is not None else "",
            "audit": entry(link.name, "password" if password is not None else "link_login", now, address=address),
            "audit_ms": AUDIT_MS,
        }
        epoch = await self._store.run("redeem", msgspec.msgpack.encode(call))
        if epoch is None:
            raise NotFound("this link is used or over")
        return await self._start_session(link.name, int(epoch), address, now)

    async def person(self, session_id: str, now: datetime) -> Staff | None:
        """Say who is signed in with a session, and note that it was used. None when it is over or was never one."""
        found = await self._find(session_id, now)
        if found is None:
            return None
        session, account = found
        if now - session.seen_at > SEEN_IS_FRESH:
            seen = msgspec.json.encode(msgspec.structs.replace(session, seen_at=now))
            # Only where it still is: one that was ended meanwhile must not come back.
            await self._call(lambda redis: redis.set(_session_key(session_id), seen, xx=True, keepttl=True))
        return account.staff

    async def still(self, session_id: str, staff: Staff, now: datetime) -> bool:
        """Say whether a session is this person's still, in this role. To look is not to use it."""
        found = await self._find(session_id, now)
        return found is not None and found[1].staff == staff

    async def _find(self, session_id: str, now: datetime) -> tuple[Session, Account] | None:
        key = _session_key(session_id)
        raw = cast("bytes | None", await self._call(lambda redis: redis.get(key)))
        if raw is None:
            return None
        session = msgspec.json.decode(raw, type=Session)
        try:
            account = await self._people.account(session.name)
        except NotFound:
            return None
        if not is_live(session, account, now):
            await self._call(lambda redis: redis.delete(key))
            return None
        return session, account

    async def log_out(self, session_id: str, name: str, now: datetime) -> None:
        """End one session."""
        await self.end_session(session_id)
        await self._call(lambda redis: note(redis, entry(name, "logout", now)))

    async def end_session(self, session_id: str) -> None:
        """Forget a session that another one takes the place of."""
        await self._call(lambda redis: redis.delete(_session_key(session_id)))

    async def _start_session(self, name: str, epoch: int, address: str, now: datetime) -> str:
        session_id = secrets.token_urlsafe(32)
        session = msgspec.json.encode(Session(name, epoch, now, now))

        async def write(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=True)
            pipe.set(_session_key(session_id), session, ex=LONGEST_SESSION)
            pipe.delete(f"{PREFIX}tries:name:{sha256(name_key(name))}")
            note(pipe, entry(name, "login", now, address=address))
            await pipe.execute()

        await self._call(write)
        return session_id

    async def _count_attempt(self, name: str, address: str) -> None:
        try:
            by_name = name_key(name)
        except ValueError:
            by_name = ""
        counters = (
            {"name": f"name:{sha256(by_name)}", "most": MOST_ATTEMPTS_BY_NAME},
            {"name": f"address:{network_of(address)}", "most": MOST_ATTEMPTS_BY_ADDRESS},
        )
        call = {"counters": counters, "window_ms": int(ATTEMPTS_WINDOW.total_seconds() * 1000)}
        wait_ms = cast("int", await self._store.run("attempt", msgspec.msgpack.encode(call)))
        if wait_ms:
            raise TooManyAttempts(-(-wait_ms // 1000))

    # Argon2 works in a thread and lets go of the interpreter: the event loop goes on.

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, kept: str, password: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(_fits, self._hasher, kept or _NOBODYS, password) and bool(kept)


def _fits(hasher: PasswordHasher, kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def _session_key(session_id: str) -> str:
    return f"{PREFIX}session:{sha256(session_id)}"
