"""How soon a message stands in an open inbox, and how fast the inbox's pages are with 10,000 conversations.

    .venv/bin/python -m bench.inbox

Promise: the list's first page in under 150 ms (p95) on a calm machine. Beside it stands the same page of an inbox in
which few wait: the ratio of the two says more than either on a machine that does other things as well.
"""

import asyncio
import json
import re
import statistics
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx

from bench.handoffs import COUNT, fill
from bench.rig import make_request, quantile, run_line, run_store, run_web, run_worker
from service.adapters.people import People
from service.adapters.store import Store

TRIES = 40
# As many as stand on one page; each is waited for, so what is measured is the way, not the load.
MESSAGES = 30
ASKS = "スタッフと話したい"
PAGES = {
    "the list's first page": "/inbox/list",
    "the lines on top": "/inbox/front",
    "a search, many found": "/inbox/list?q=カット",
    "a search, none found": "/inbox/list?q=カラオケ",
}


async def sign_in(client: httpx.AsyncClient, store: Store) -> None:
    token = await People(store).add("佐藤", "staff", datetime.now(UTC), kind="login")
    entrance = await client.get(f"/welcome/{token}")
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', entrance.text)
    assert found
    (await client.post(f"/welcome/{token}", data={"form_token": found[1]}, follow_redirects=True)).raise_for_status()


async def look(client: httpx.AsyncClient, path: str) -> list[float]:
    """Ask for a page again and again; gives how long each took (ms)."""
    took: list[float] = []
    for _ in range(TRIES):
        before = time.perf_counter()
        (await client.get(path, headers={"HX-Request": "true"})).raise_for_status()
        took.append((time.perf_counter() - before) * 1000)
    return took


async def watch(client: httpx.AsyncClient, port: int) -> list[float]:
    """Post messages as LINE does; gives how long each took to stand in the list of an inbox that is open (ms).

    As the page does it: told over server-sent events, then the list is asked for.
    """
    took: list[float] = []
    async with client.stream("GET", "/inbox/live") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        for number in range(MESSAGES):
            customer = f"U{number:032x}"
            before = time.perf_counter()
            await post(port, make_request(port, number, MESSAGES, ASKS))
            async for line in lines:
                if line.startswith("data: ") and json.loads(line[6:])["conv"] == customer:
                    break
            page = await client.get("/inbox/list", headers={"HX-Request": "true"})
            took.append((time.perf_counter() - before) * 1000)
            assert customer in page.text
    return took


async def post(port: int, request: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    assert b" 200 " in await reader.readline()
    writer.close()


async def measure(url: str, port: int, *, full: bool) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store(url, timeout_s=10))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30))
        await sign_in(client, store)
        found = {} if full else {"from webhook to list": await watch(client, port)}
        if full:
            await fill(store)
        return found | {name: await look(client, path) for name, path in PAGES.items()}


def show(name: str, few: list[float], many: list[float] | None = None) -> None:
    line = f"{name:24}{statistics.median(few):8.1f} {quantile(few, 0.95):8.1f}"
    if many:
        ratio = statistics.median(many) / statistics.median(few)
        line += f"{statistics.median(many):9.1f} {quantile(many, 0.95):8.1f} {ratio:8.2f}"
    print(line, flush=True)


def main() -> None:
    print(f"ms, {TRIES} of each ({MESSAGES} messages){'few wait':>9} {f'{COUNT} wait':>20}")
    print(f"{'':24}  median      p95   median      p95    ratio", flush=True)
    with run_store() as url, run_line() as (line, _), run_web(url) as (port, _), run_worker(url, line):
        few = asyncio.run(measure(url, port, full=False))
    with run_store() as url, run_web(url) as (port, _):
        many = asyncio.run(measure(url, port, full=True))
    for name, took in few.items():
        show(name, took, many.get(name))


if __name__ == "__main__":
    main()
