"""Fits a calibration in a process of its own, which takes minutes for a large folder and must keep nobody waiting.

Run as a program it is that process: it reads a job, gives way to everything else on the machine, and writes the
calibration. Its standard input stays open for as long as somebody waits for it: when that closes, whatever ended the
other side, it ends.
"""

import asyncio
import os
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from service.adapters.tokenizing import open_tokenizer
from service.core.calibration import Calibration
from service.core.entries import Entry
from service.core.features import Wording
from service.core.fitting import calibrate, is_sound
from service.core.ranking import is_indexed
from service.core.vectors import Meanings, pack_vector, unpack_vector
from service.errors import FittingFailed
from service.settings import ROOT

# Of 100,000 phrasings it takes minutes; who takes longer than this hangs.
_LONGEST_S = 3600.0
_NICENESS = 10
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_SIZE_BYTES = 8


class Job(msgspec.Struct, frozen=True):
    """What the process is given: id, heading and phrasings of each entry and whether it is private, how they are read,
    and the vectors of all phrasings by a model of that name, if there is one.
    """

    entries: tuple[tuple[str, str, tuple[str, ...], bool], ...]
    synonyms: tuple[tuple[str, ...], ...]
    has_tokenizer: bool
    model: str
    vectors: dict[str, bytes]


async def fit(entries: Iterable[Entry], wording: Wording, index: str, meanings: Meanings | None = None) -> Calibration:
    """Fit a calibration for the index with that id, or that `vector_id` where `meanings` are given.

    Cancelled, it leaves no process behind. Raises FittingFailed.
    """
    job = await asyncio.to_thread(_pack, entries, wording, meanings)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-W", "ignore", "-m", __name__),
        env={**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            found, told = await _talk(process, job)
            code = await process.wait()
    except TimeoutError as error:
        raise FittingFailed(f"no calibration after {_LONGEST_S:.0f} s") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if code:
        raise FittingFailed(f"exit code {code} {_kind_of_error(told)}".strip())
    return _check(found, index)


async def _talk(process: Process, job: bytes) -> tuple[bytes, bytes]:
    """Hand over the job; gives all that is written to standard output and to standard error."""
    given, found, told = process.stdin, process.stdout, process.stderr
    if not (given and found and told):
        raise FittingFailed("it has no pipes")
    reading = asyncio.gather(found.read(), told.read())
    with suppress(ConnectionError):  # it has ended already: the exit code says more
        given.write(len(job).to_bytes(_SIZE_BYTES) + job)
        await given.drain()
    return await reading


def _pack(entries: Iterable[Entry], wording: Wording, meanings: Meanings | None) -> bytes:
    job = Job(
        entries=tuple((each.id, each.question, each.phrasings, each.private) for each in entries if is_indexed(each)),
        synonyms=wording.synonyms,
        has_tokenizer=wording.tokenizer is not None,
        model=meanings.model if meanings else "",
        vectors={text: pack_vector(vector) for text, vector in meanings.of.items()} if meanings else {},
    )
    return msgspec.msgpack.encode(job)


def _check(found: bytes, index: str) -> Calibration:
    try:
        calibration = msgspec.msgpack.decode(found, type=Calibration)
    except ValueError as error:
        raise FittingFailed("it wrote what is no calibration") from error
    if not is_sound(calibration, index):
        raise FittingFailed(f"it fitted something else than {index}")
    return calibration


def _kind_of_error(told: bytes) -> str:
    """The class of the error in a traceback; what follows may quote what it was given."""
    lines = told.decode(errors="replace").strip().splitlines()
    return lines[-1].partition(":")[0][:100] if lines else ""


def _read(size: int) -> bytes:
    """Read from standard input. Not through sys.stdin: its lock, held by a thread, would upset the end."""
    parts: list[bytes] = []
    while size and (part := os.read(0, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _end_when_nobody_waits() -> None:
    _read(1)
    os._exit(1)


def main() -> None:
    """Be the process."""
    os.nice(_NICENESS)
    job = msgspec.msgpack.decode(_read(int.from_bytes(_read(_SIZE_BYTES))), type=Job)
    threading.Thread(target=_end_when_nobody_waits, daemon=True).start()
    entries = [
        Entry(id=name, question=question, phrasings=phrasings, bubbles=(), private=private, file="", line=0)
        for name, question, phrasings, private in job.entries
    ]
    wording = Wording(open_tokenizer("sudachi" if job.has_tokenizer else "none"), job.synonyms)
    vectors = {text: unpack_vector(packed) for text, packed in job.vectors.items()}
    meanings = Meanings(job.model, vectors) if vectors else None
    sys.stdout.buffer.write(msgspec.msgpack.encode(calibrate(entries, wording, meanings)))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
