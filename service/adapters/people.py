"""The people of the shop in Redis: their accounts and the one-time links to them.

Secrets are kept as hashes: passwords by Argon2, ids of sessions and links, which are random, by SHA-256. Every change
of an account is one step together with its line in the audit log.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, cast

import msgspec

from service.adapters.audit import AUDIT_MS, entry, ms, sha256
from service.adapters.store import PREFIX, Store
from service.core.people import LINK_LASTS, Account, Link, LinkKind, Role, is_usable, name_key
from service.core.records import utc
from service.errors import Conflict, NotFound

_COMMAND_LINE = "henji"
# How many keys of any kind one call looks through for those of people.
_LOOK_AT = 1000


class People:
    """Who may use the staff's pages. Raises StoreUnavailable when Redis is away.

    `by` is who does it, for the audit log. Every method that depends on the time is told it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._call = store.call

    # Accounts

    async def account(self, name: str) -> Account:
        """Read an account. Raises NotFound for a name that nobody has."""
        raw = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(_account_key(name))))
        if not raw:
            raise NotFound("nobody has that name")
        return _read_account(raw)

    async def accounts(self) -> list[Account]:
        """Read all accounts, the oldest first."""
        async with self._store.master() as redis:
            keys = [
                key async for key in cast("AsyncIterator[bytes]", redis.scan_iter(f"{PREFIX}staff:*", count=_LOOK_AT))
            ]
            found = [cast("dict[bytes, bytes]", await cast("Any", redis.hgetall(key))) for key in keys]
        return sorted((_read_account(raw) for raw in found if raw), key=lambda account: account.created_at)

    async def add(
        self, name: str, role: Role, now: datetime, *, by: str = _COMMAND_LINE, kind: LinkKind = "invite"
    ) -> str:
        """Make an account, and a one-time link to it; returns the link's token. Raises Conflict for a name in use."""
        fields = {"name": name, "role": role, "created_at": str(ms(now))}
        token = secrets.token_urlsafe(32)
        audit = entry(by, "invite", now, about=name, role=role)
        if not await self._write(name, fields, audit, is_new=True, link=_link(token, name, kind, now)):
            raise Conflict("somebody has that name already")
        return token

    async def new_link(self, name: str, kind: LinkKind, now: datetime, *, by: str = _COMMAND_LINE) -> str:
        """Make a new one-time link; an earlier one ends. Returns its token. Raises NotFound, or Conflict."""
        account = await self.account(name)
        if account.disabled:
            raise Conflict("this person is disabled: enable them first")
        token = secrets.token_urlsafe(32)
        audit = entry(by, f"{kind}_link", now, about=account.name)
        await self._write(name, {}, audit, link=_link(token, account.name, kind, now))
        return token

    async def set_role(self, name: str, role: Role, now: datetime, *, by: str) -> None:
        """Give a role. It holds from the person's next click. Raises NotFound."""
        await self._change(name, {"role": role}, entry(by, "role", now, about=name, role=role))

    async def disable(self, name: str, now: datetime, *, by: str = _COMMAND_LINE) -> None:
        """Shut somebody out: all their sessions and links end at once. Raises NotFound."""
        await self._change(name, {"disabled": "1"}, entry(by, "disable", now, about=name), ends_sessions=True)

    async def enable(self, name: str, now: datetime, *, by: str = _COMMAND_LINE) -> None:
        """Let somebody in again, with the password they had. Raises NotFound."""
        await self._change(name, {"disabled": ""}, entry(by, "enable", now, about=name))

    async def link(self, token: str, now: datetime) -> Link:
        """Say what a one-time link is good for, without using it. Raises NotFound when it is used, over or unknown."""
        raw = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(_link_key(token))))
        if raw:
            link = Link(raw[b"name"].decode(), cast("LinkKind", raw[b"kind"].decode()), utc(int(raw[b"until"])))
            if is_usable(link, await self.account(link.name), now):
                return link
        raise NotFound("this link is used or over")

    async def _change(
        self, name: str, fields: dict[str, str], audit: list[str], *, ends_sessions: bool = False
    ) -> None:
        if not await self._write(name, fields, audit, ends_sessions=ends_sessions):
            raise NotFound("nobody has that name")

    async def _write(
        self,
        name: str,
        fields: Mapping[str, str],
        audit: list[str],
        *,
        is_new: bool = False,
        ends_sessions: bool = False,
        link: dict[str, Any] | None = None,
    ) -> bool:
        call = {
            "key": name_key(name),
            "is_new": is_new,
            "fields": fields,
            "ends_sessions": ends_sessions,
            "link": link,
            "audit": audit,
            "audit_ms": AUDIT_MS,
        }
        return bool(await self._store.run("account", msgspec.msgpack.encode(call), durable=not is_new))


def _read_account(raw: Mapping[bytes, bytes]) -> Account:
    return Account(
        name=raw[b"name"].decode(),
        role=cast("Role", raw[b"role"].decode()),
        created_at=utc(int(raw[b"created_at"])),
        password=raw.get(b"password", b"").decode(),
        disabled=b"disabled" in raw,
        epoch=int(raw.get(b"epoch", 0)),
    )


def _link(token: str, name: str, kind: LinkKind, now: datetime) -> dict[str, Any]:
    lasts_ms = int(LINK_LASTS[kind].total_seconds() * 1000)
    return {"hash": sha256(token), "name": name, "kind": kind, "until": ms(now) + lasts_ms, "lasts_ms": lasts_ms}


def _account_key(name: str) -> str:
    return f"{PREFIX}staff:{name_key(name)}"


def _link_key(token: str) -> str:
    return f"{PREFIX}link:{sha256(token)}"
