"""The log tells what happened in ids and codes, one JSON object a line, and keeps everybody's words and secrets."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from service.adapters.archive import Archive
from service.adapters.store import Store
from service.settings import ROOT
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.support.needs import needs
from tests.support.real import Service, running, write_faq
from tests.support.shop import ENTRIES
from tests.support.system import SECRET, TOKEN, free_port

SURE, ANSWER = "駐車場はありますか", "駐車場はありますかの答えです。"
UNKNOWN, REGRETTED = "ワンちゃんのトリミングはお願いできるでしょうか", "電話番号は 090-1234-5678 です"
REPLY = "はい、承ります。"
NOTIFY_PASSWORD = "hunter2"
ANY_ERROR = """
import logging, structlog
from service.errors import LineRefused
from service.tools.logs import log_to_stderr
log_to_stderr()
def read(text): return int(text)
try:
    try: read("SECRET")
    except ValueError as error: raise RuntimeError("about SECRET") from error
except RuntimeError:
    structlog.get_logger().exception("handler_failed")
    logging.getLogger("library").exception("broken")
try: raise ExceptionGroup("SECRET", [KeyError("SECRET"), LineRefused(401, "wrong token")])
except ExceptionGroup: structlog.get_logger().exception("handler_failed")
logging.getLogger("library").info("SECRET")
"""


@pytest.fixture
async def fake() -> AsyncIterator[FakeLine]:
    line = FakeLine(channel_secret=SECRET, access_token=TOKEN)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
def service(tmp_path: Path, fake: FakeLine) -> Service:
    needs(Path("/proc/self/environ").exists(), "/proc (Linux)")
    write_faq(tmp_path / "faq", ENTRIES)
    nobody_there = f"json://shop:{NOTIFY_PASSWORD}@127.0.0.1:{free_port()}/"
    return Service(tmp_path / "data", tmp_path / "faq", fake, HENJI_NOTIFY=nobody_there)


async def tell_a_story(fake: FakeLine, client: httpx.AsyncClient) -> list[str]:
    """Everything that is said and that can go wrong on the way. Returns the reply tokens."""
    customer, quiet = fake.add_user("田中 はるか"), fake.add_user("鈴木 美咲")
    sent = [await fake.send_text(customer, SURE)]
    await fake.until(lambda: len(fake.seen(customer)) == 1, 20)
    for fault in (Fault.status(400), Fault.status(500), Fault.reset_after()):
        fake.faults.next("reply", fault)
        sent.append(await fake.send_text(quiet, SURE))
    fake.faults.next("loading", Fault.status(500))
    sent += [await fake.send_text(customer, UNKNOWN), await fake.image(customer), await fake.sticker(customer)]
    regretted = await fake.send_text(customer, REGRETTED)
    sent += [regretted, await fake.unsend(customer, regretted.event["message"]["id"])]
    await fake.send_event(customer, {"type": "message", "message": {"type": "text", "text": {"odd": UNKNOWN}}})
    await fake.send_text(customer, UNKNOWN, signature="wrong")
    await fake.until(lambda: len(fake.seen(customer)) >= 2, 40)
    (handoff, *_) = (await client.get("/handoffs")).json()["items"]
    await client.post(f"/handoffs/{handoff['id']}/reply", json={"text": REPLY})
    await client.post(f"/handoffs/{handoff['id']}/reply", json={"text": {"odd": REPLY}})
    return [event["replyToken"] for delivery in sent for event in delivery.events if "replyToken" in event]


async def test_no_word_and_no_secret_of_anybody_is_in_the_log(service: Service, fake: FakeLine) -> None:
    async with running(service), Store(service.redis_url, timeout_s=5) as store:
        archive = Archive(store)
        token = await archive.add_token("佐藤")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", headers=headers, timeout=10) as client:
            reply_tokens = await tell_a_story(fake, client)
        key = (await archive.signing_key()).decode()
        assert await service.end() == 0
    log = service.log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"turn", "send", "alert", "staff"} <= {line["event"] for line in lines}
    assert len(reply_tokens) >= 7
    words = (SURE, ANSWER, UNKNOWN, REGRETTED, "090-1234-5678", REPLY, "田中 はるか", "鈴木 美咲")
    written = log + "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    for secret in (*words, SECRET, TOKEN, NOTIFY_PASSWORD, token, key, *reply_tokens):
        assert secret not in written


def test_an_error_is_logged_with_its_kind_and_place_and_without_what_a_library_quotes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANY_ERROR], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    ours, library, group = (json.loads(line) for line in done.stderr.splitlines())
    for line in (ours, library):
        assert "in read" in line["exception"]
        assert line["exception"].index("builtins.ValueError") < line["exception"].index("builtins.RuntimeError")
    assert (library["event"], library["level"]) == ("broken", "error")
    assert (
        "builtins.KeyError\nTraceback (most recent call last):\nservice.errors.LineRefused: 401 wrong token"
        in group["exception"]
    )
    assert "SECRET" not in done.stderr
