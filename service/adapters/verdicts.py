"""What the language model has said: verdicts for a while, and the probes that show what they are worth."""

import hashlib
from typing import Any, cast

import msgspec

from service.adapters.store import PREFIX, Store
from service.core.decisions import Verdict
from service.core.probes import Probes
from service.core.verdicts import Findings

# The same question about the same entries gets the same verdict for so long.
KEEP_VERDICT_S = 7 * 24 * 3600
# What probes have shown is forgotten when no worker has looked at it for so long.
KEEP_FINDINGS_S = 90 * 24 * 3600
# One worker probes; another one may go on when it has not for so long.
_MINE_S = 30


class Answer(msgspec.Struct, frozen=True):
    """What came of one probe: the entries that were shown and the one picked, if any. `shown` empty: passed over."""

    shown: tuple[str, ...]
    picked: str | None = None


class Run(msgspec.Struct, frozen=True):
    """Probes that are being asked: hashes of the entries when it began, and the answers so far by number."""

    entries: dict[str, str]
    probes: Probes
    answers: dict[int, Answer] = {}


class Verdicts:
    """Verdicts and probes in Redis. Every method raises StoreUnavailable when it is away.

    `model` and `prompt` say whose probes these are: another model or prompt begins anew.
    """

    def __init__(self, store: Store) -> None:
        self._call = store.call

    async def recall(self, key: str) -> Verdict | None:
        """Give the verdict that was kept under the key, if any."""
        found = cast("bytes | None", await self._call(lambda redis: redis.get(f"{PREFIX}verdict:{key}")))
        return _read(found, Verdict)

    async def remember(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict."""
        said = msgspec.json.encode(verdict)
        await self._call(lambda redis: redis.set(f"{PREFIX}verdict:{key}", said, ex=KEEP_VERDICT_S))

    async def findings(self, whose: str) -> Findings | None:
        """Read what finished probes have shown."""
        name = f"{PREFIX}verdicts:{whose}"
        found = cast("bytes | None", await self._call(lambda redis: redis.getex(name, ex=KEEP_FINDINGS_S)))
        return _read(found, Findings)

    async def finish(self, whose: str, findings: Findings) -> None:
        """Keep what finished probes have shown, in place of what was known before; the run is over."""
        said = msgspec.json.encode(findings)
        await self._call(lambda redis: redis.set(f"{PREFIX}verdicts:{whose}", said, ex=KEEP_FINDINGS_S))
        await self._call(lambda redis: redis.delete(f"{PREFIX}probes:{whose}"))

    async def run(self, whose: str) -> Run | None:
        """Read the run that has begun, with its answers so far."""
        fields = cast("dict[bytes, bytes]", await self._call(lambda redis: redis.hgetall(f"{PREFIX}probes:{whose}")))
        if (begun := _read(fields.pop(b"run", None), Run)) is None:
            return None
        answers = {int(number): msgspec.json.decode(answer, type=Answer) for number, answer in fields.items()}
        return msgspec.structs.replace(begun, answers=answers)

    async def begin(self, whose: str, run: Run) -> None:
        """Begin a run, in place of one that was not finished."""
        name = f"{PREFIX}probes:{whose}"
        await self._call(lambda redis: redis.delete(name))
        await self._call(lambda redis: redis.hset(name, "run", msgspec.json.encode(run)))
        await self._call(lambda redis: redis.expire(name, KEEP_FINDINGS_S))

    async def note(self, whose: str, number: int, answer: Answer) -> None:
        """Note what came of the probe with this number."""
        said = msgspec.json.encode(answer)
        await self._call(lambda redis: redis.hset(f"{PREFIX}probes:{whose}", str(number), said))

    async def may_probe(self, worker: str) -> bool:
        """Tell whether this worker (a name of its own) is the one that probes, and keep it so for a while."""
        name = f"{PREFIX}probing"
        if await self._call(lambda redis: redis.set(name, worker, nx=True, ex=_MINE_S)):
            return True
        if await self._call(lambda redis: redis.get(name)) != worker.encode():
            return False
        return bool(await self._call(lambda redis: redis.expire(name, _MINE_S)))


def _read(found: bytes | None, kind: Any) -> Any | None:
    """What another version wrote, or somebody else, counts as nothing: it can be asked for again."""
    try:
        return msgspec.json.decode(found, type=kind) if found else None
    except msgspec.DecodeError:
        return None


def whose_probes(model: str, prompt: str) -> str:
    """Name a model with a prompt in 16 hex digits."""
    return hashlib.sha256(f"{model}\n{prompt}".encode()).hexdigest()[:16]


class Notepad:
    """Keeps verdicts in this process only, for a command that ends soon."""

    def __init__(self) -> None:
        self._verdicts: dict[str, Verdict] = {}

    async def recall(self, key: str) -> Verdict | None:
        """Give the verdict that was kept under the key, if any."""
        return self._verdicts.get(key)

    async def remember(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict."""
        self._verdicts[key] = verdict
