"""`./henji demo`: everything on this machine, no accounts: our own Valkey, the sample shop, and a fake LINE to talk to.

Messages take the same way as in production: a signed webhook over HTTP, the mailbox, the worker, LINE's API (the fake
one's). Only LINE itself is not real, and the shop's time can be moved: the web process and the worker are the demo's
own (`run_part`), since those of `serve` and `work` go by the real time and by nothing else.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import click

from service import wiring
from service.adapters.faqfolder import read_sources
from service.adapters.people import People
from service.core.contents import NOTHING, read_contents
from service.core.shop import Shop
from service.core.shopfile import SHOP_FILE
from service.errors import KnowledgeError, NotFound, StartError
from service.settings import Settings
from service.tools.fakeline.server import FakeLine
from service.tools.processes import run_together, service_process
from service.tools.simulator.app import ShopTime, start_simulator
from service.tools.simulator.view import PUBLIC_URL

# Apart from real data: a message to an invented customer must never reach the real LINE.
DATA_DIR = "demo"
PERSON = "店長"
TOKEN_NAME = "demo"  # noqa: S105 - the token's owner, not the token
_READY_WITHIN_S = 60.0


async def demo(settings: Settings, stop: asyncio.Event) -> int:
    """Run the demo until `stop` is set. Returns the exit code."""
    henji_url = f"http://{_from_here(settings.host)}:{settings.port}"
    wiring.listen(settings.host, settings.port).close()
    channel_secret, access_token = secrets.token_hex(16), secrets.token_hex(32)
    fake = FakeLine(channel_secret=channel_secret, access_token=access_token, webhook_url=f"{henji_url}/webhook/line")
    data_dir = settings.data_dir / DATA_DIR
    async with wiring.keep_store(settings.model_copy(update={"data_dir": data_dir, "redis_url": None})) as redis_url:
        await fake.start()
        try:
            environ = {
                "REDIS_URL": redis_url,
                "LINE_CHANNEL_SECRET": channel_secret,
                "LINE_CHANNEL_ACCESS_TOKEN": access_token,
                "LINE_API_BASE": fake.base_url,
                "HENJI_NOTIFY": "",
            }
            return await _run(settings, fake, environ, data_dir / "demo.log", stop)
        finally:
            await fake.stop()


async def run_part(part: str, settings: Settings, stop: asyncio.Event) -> int:
    """Be one of the demo's processes, `web` or `worker`, until `stop` is set. Returns the exit code."""
    if settings.redis_url is None:
        raise StartError("a part of the demo runs only inside the demo")
    run = wiring.run_web if part == "web" else wiring.run_worker
    await run(settings, settings.redis_url.get_secret_value(), stop, in_demo=True)
    return 0


async def _run(settings: Settings, fake: FakeLine, environ: dict[str, str], log_path: Path, stop: asyncio.Event) -> int:
    host, redis_url = _from_here(settings.host), environ["REDIS_URL"]
    henji_url, simulator_url = (f"http://{host}:{port}" for port in (settings.port, settings.port + 1))
    with log_path.open("ab") as output:
        running = asyncio.create_task(
            run_together(
                [
                    service_process(["demo", "--part", "web"], environ, output),
                    service_process(["demo", "--part", "worker"], environ | {"HENJI_PUBLIC_URL": PUBLIC_URL}, output),
                ],
                stop,
            )
        )
        async with AsyncExitStack() as stack:
            clock = await stack.enter_async_context(wiring.open_clock(redis_url))
            await clock.move(0)
            token = await _new_token(redis_url)
            people = await stack.enter_async_context(wiring.open_people(redis_url))
            link = f"{henji_url}/welcome/{await _invite(people)}"
            simulator = await start_simulator(
                fake,
                henji_url=henji_url,
                api_token=token,
                host=settings.host,
                port=settings.port + 1,
                shop_time=ShopTime(clock.move, shop_of(settings.faq_dir)),
            )
            stack.push_async_callback(simulator.stop)
            try:
                if await _is_ready(henji_url, running):
                    addresses = {"henji_url": henji_url, "token": token, "redis_url": redis_url}
                    click.echo(_welcome(simulator_url, link, **addresses, log_path=log_path))
                code = await running
            finally:
                stop.set()
                await running
    if code:
        raise StartError(f"the service did not start, see {log_path}")
    return code


def _from_here(host: str) -> str:
    """The address to reach it by, also when it listens on all of them, as in a container."""
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - not bound to here, but recognised


def shop_of(directory: Path) -> Callable[[], Shop]:
    """Give what reads the shop anew from its FAQ folder; a broken file is passed over for the last good one."""
    contents = NOTHING

    def read() -> Shop:
        nonlocal contents
        with suppress(KnowledgeError):
            sources = read_sources(directory)
            contents = read_contents((source for source in sources if source.name == SHOP_FILE), contents)
        return contents.shop

    return read


async def _new_token(redis_url: str) -> str:
    async with wiring.open_archive(redis_url) as archive:
        await archive.revoke_token(TOKEN_NAME)
        return await archive.add_token(TOKEN_NAME)


async def _invite(people: People) -> str:
    """Make a one-time link that signs in as the shop's owner."""
    now = datetime.now(UTC)
    try:
        return await people.new_link(PERSON, "login", now)
    except NotFound:
        return await people.add(PERSON, "owner", now, kind="login")


async def _is_ready(henji_url: str, running: "asyncio.Task[int]") -> bool:
    """Wait until the web process answers; False when everything has ended before."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(_READY_WITHIN_S):
        while not running.done():
            try:
                async with session.get(f"{henji_url}/health/ready") as response:
                    if response.ok:
                        return True
            except aiohttp.ClientError:
                pass
            await asyncio.wait({running}, timeout=0.05)
    return False


def _welcome(simulator_url: str, link: str, *, henji_url: str, token: str, redis_url: str, log_path: Path) -> str:
    return f"""
返事 Henji  --  demo

  お客様として  Talk to the shop as a customer:
      {simulator_url}

  スタッフとして  Open the inbox as staff (the link works once, for an hour):
      {link}

  または  Or over REST:
      curl -H 'Authorization: Bearer {token}' {henji_url}/api/v1/handoffs

  記録  The records:   redis-cli -s {redis_url.removeprefix("unix://")} keys '*'
  ログ  The log:       {log_path}

  Ctrl-C で終了  ends it all."""
