"""`./henji doctor` with a fake LINE and a Valkey that really is durable: healthy, and each fault."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import redis
from aiohttp import web

from service.adapters.embedded import EmbeddedValkey
from service.adapters.store import PREFIX
from service.core.diagnosis import Finding
from service.settings import ROOT, load_settings
from service.tools.doctor import TEST_ALERT, examine, read_settings
from service.tools.fakeline.faults import Fault
from service.tools.fakeline.server import FakeLine
from tests.support.desk import open_desk
from tests.support.scripted_openai import ScriptedOpenAI, Step, says, status, verdict
from tests.support.toy_embeddings import ToyEmbeddings, as_answer

TOKEN = "token-of-the-channel"
REMINDERS = ["応答メッセージ", "AIチャットボット(β)", "あいさつメッセージ", "Webhookの再送"]


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey.start(tmp_path_factory.mktemp("durable"))
    yield server
    server.stop()


@pytest.fixture
async def fake() -> AsyncGenerator[FakeLine]:
    """A LINE whose webhooks go to something that answers 200."""

    async def take(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/webhook/line", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook/line"
    fake = FakeLine(channel_secret="secret", access_token=TOKEN, webhook_url=url)
    await fake.start()
    yield fake
    await fake.stop()
    await runner.cleanup()


@pytest.fixture
def environ(fake: FakeLine, durable: EmbeddedValkey) -> dict[str, str]:
    return {
        "LINE_CHANNEL_SECRET": "secret",
        "LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
        "LINE_API_BASE": fake.base_url,
        "REDIS_URL": durable.url,
    }


async def examined(
    environ: dict[str, str], *, test_webhook: bool = False, test_alert: bool = False, ahead_s: float = 0, **more: str
) -> dict[str, Finding]:
    """All findings by what they are about; this machine's clock may run ahead."""
    settings = load_settings(environ | more, None)
    findings = [
        each
        async for each in examine(
            settings, test_webhook=test_webhook, test_alert=test_alert, clock=lambda: time.time() + ahead_s
        )
    ]
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings)
    assert list(by_name)[-4:] == REMINDERS
    return by_name


def bad(findings: dict[str, Finding]) -> dict[str, str]:
    return {what: finding.level for what, finding in findings.items() if finding.level in {"warn", "FAIL"}}


async def test_a_healthy_service(fake: FakeLine, environ: dict[str, str]) -> None:
    findings = await examined(environ, test_webhook=True)
    assert bad(findings) == {}
    assert list(findings)[:-4] == [
        "LINE token",
        "LINE chat",
        "LINE's clock",
        "LINE webhook",
        "LINE webhook test",
        "LINE quota",
        "Redis",
        "Redis durability",
        "Redis memory",
        "Redis' clock",
        "model",
        "FAQ",
        "alerts",
    ]
    assert len(fake.deliveries) == 1


async def test_the_webhook_is_tested_only_when_asked_for(fake: FakeLine, environ: dict[str, str]) -> None:
    assert "LINE webhook test" not in await examined(environ)
    assert fake.deliveries == []


async def test_faults_at_line(fake: FakeLine, environ: dict[str, str]) -> None:
    fake.rules.chat_mode = "bot"
    fake.platform.pushes_used = 200
    fake.webhook_url = None
    findings = await examined(environ, test_webhook=True)
    assert bad(findings) == {
        "LINE chat": "warn",
        "LINE webhook": "FAIL",
        "LINE webhook test": "FAIL",
        "LINE quota": "FAIL",
    }


async def test_a_webhook_that_is_switched_off(fake: FakeLine, environ: dict[str, str]) -> None:
    fake.faults.next("webhook_endpoint", Fault.extra_fields(active=False))
    assert bad(await examined(environ)) == {"LINE webhook": "FAIL"}


async def test_a_wrong_token_says_what_to_do(environ: dict[str, str]) -> None:
    settings = load_settings(environ | {"LINE_CHANNEL_ACCESS_TOKEN": "wrong"}, None)
    findings = [each async for each in examine(settings)]
    failed = [each for each in findings if each.level == "FAIL"]
    assert [each.what for each in failed] == ["LINE"] * 3
    assert all(each.found.startswith("refused: 401") for each in failed)
    assert "LINE_CHANNEL_ACCESS_TOKEN" in failed[0].todo
    assert [each.level for each in findings if each.what == "FAQ"] == ["ok"]


async def test_an_outage_at_line_does_not_hide_the_rest(fake: FakeLine, environ: dict[str, str]) -> None:
    fake.faults.outage(True)
    findings = [each async for each in examine(load_settings(environ, None))]
    failed = [each.found for each in findings if each.level == "FAIL"]
    assert len(failed) == 3
    assert all(each.startswith("cannot be reached: 503 Internal server error") for each in failed)
    assert {"Redis", "Redis durability", "model", "FAQ"} <= {each.what for each in findings if each.level == "ok"}


@pytest.mark.parametrize(("ahead_s", "level"), [(10, "warn"), (60, "FAIL"), (-60, "FAIL")])
async def test_a_clock_that_is_off(environ: dict[str, str], ahead_s: float, level: str) -> None:
    assert bad(await examined(environ, ahead_s=ahead_s)) == {"LINE's clock": level, "Redis' clock": level}


async def test_a_store_that_does_not_wait_for_the_disk(environ: dict[str, str], redis_url: str) -> None:
    findings = await examined(environ, REDIS_URL=redis_url)
    assert bad(findings) == {"Redis durability": "warn"}
    assert findings["Redis durability"].found.startswith("appendonly yes, appendfsync no")


async def test_a_managed_store_that_forbids_config(environ: dict[str, str], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser("managed", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"])
    url = redis_url.replace("unix://", "unix://managed:x@")
    findings = await examined(environ, REDIS_URL=url)
    assert bad(findings) == {"Redis durability": "warn"}
    assert "cannot see appendfsync" in findings["Redis durability"].found


async def test_a_store_that_tells_nothing_about_itself(environ: dict[str, str], redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser("mute", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config", "-info"])
    url = redis_url.replace("unix://", "unix://mute:x@")
    assert bad(await examined(environ, REDIS_URL=url)) == dict.fromkeys(
        ("Redis", "Redis durability", "Redis memory"), "warn"
    )


async def test_a_store_that_is_away(environ: dict[str, str]) -> None:
    findings = await examined(environ, REDIS_URL="redis://127.0.0.1:1")
    assert bad(findings) == {"Redis": "FAIL"}
    assert findings["Redis"].found.startswith("StoreUnavailable")


async def test_without_a_redis_of_its_own_it_is_the_embedded_one(environ: dict[str, str], tmp_path: Path) -> None:
    del environ["REDIS_URL"]
    assert bad(await examined(environ, HENJI_DATA_DIR=str(tmp_path))) == {}


async def test_a_model_is_asked_one_question(environ: dict[str, str]) -> None:
    async with ScriptedOpenAI(verdict("pick", "hours")) as server:
        findings = await examined(environ, OPENAI_BASE_URL=server.base_url, OPENAI_MODEL="small-model")
        assert len(server.requests) == 1
    assert bad(findings) == {}
    assert "cost one request" in findings["model"].found


async def test_what_the_workers_have_spent_on_the_model_is_told(environ: dict[str, str]) -> None:
    more = {"OPENAI_MODEL": "small-model", "HENJI_MODEL_PRICE": "1, 2", "HENJI_MODEL_BUDGET": "0.5"}
    with redis.Redis.from_url(environ["REDIS_URL"]) as client:
        async with ScriptedOpenAI(*[verdict("pick", "hours")] * 3) as server:
            told = environ | more | {"OPENAI_BASE_URL": server.base_url}
            before = (await examined(told))["model today"]
            client.hset(f"{PREFIX}model", mapping={"spent": 450_000, "day_ends": 10**13, "budget": 500_000})
            much = (await examined(told))["model today"]
            client.hset(f"{PREFIX}model", mapping={"failures": 3, "shut_until": 10**13, "spent": 0})
            shut = (await examined(told))["model today"]
        client.delete(f"{PREFIX}model")
    assert (before.level, before.found) == ("ok", "the service has not asked it yet")
    assert (much.level, much.found) == ("warn", "0.45 used, of 0.5")
    assert (shut.level, "left alone" in shut.found) == ("warn", True)


async def test_an_embedding_model_is_asked_for_one_vector(environ: dict[str, str]) -> None:
    assert "embeddings" not in await examined(environ)
    with ToyEmbeddings((200, as_answer([[1.0, 0.0]])), (404, {})) as server:
        told = environ | {"OPENAI_BASE_URL": server.base_url, "OPENAI_EMBEDDING_MODEL": "toy"}
        works, fails = (await examined(told))["embeddings"], (await examined(told))["embeddings"]
        assert len(server.texts) == 2
    assert works.found.startswith("toy gave a vector of 2 numbers")
    assert (fails.level, fails.found) == ("FAIL", "no vector: http_404")


async def test_a_model_that_does_not_understand(environ: dict[str, str]) -> None:
    async with ScriptedOpenAI(verdict("none")) as server:
        findings = await examined(environ, OPENAI_BASE_URL=server.base_url, OPENAI_MODEL="small-model")
    assert bad(findings) == {"model": "warn"}


@pytest.mark.parametrize(
    ("steps", "reason"), [([status(401)], "http_401"), ([says("こんにちは"), says("こんにちは")], "not_a_verdict")]
)
async def test_a_model_without_a_verdict(environ: dict[str, str], steps: list[Step], reason: str) -> None:
    async with ScriptedOpenAI(*steps) as server:
        findings = await examined(environ, OPENAI_BASE_URL=server.base_url, OPENAI_MODEL="small-model")
    assert bad(findings) == {"model": "FAIL"}
    assert findings["model"].found == f"no verdict: {reason}"


async def test_faults_in_the_faq(environ: dict[str, str], tmp_path: Path) -> None:
    assert bad(await examined(environ, HENJI_FAQ_DIR=str(tmp_path / "none"))) == {"FAQ": "FAIL"}
    file = tmp_path / "faq.md"
    file.write_text("## 営業時間 {#hours}\n\n10時から19時です。\n\n## 駐車場 {#hours}\n\n2台です。\n", encoding="utf-8")
    findings = await examined(environ, HENJI_FAQ_DIR=str(tmp_path))
    assert bad(findings) == {"FAQ": "FAIL"}
    assert "1 errors" in findings["FAQ"].found


def test_settings_are_findings_too() -> None:
    settings, findings = read_settings({}, None)
    assert settings is not None
    assert [str(each).split(":")[0] for each in findings] == ["FAIL  settings"] * 2
    settings, findings = read_settings({"HENJI_PORT": "many"}, None)
    assert settings is None
    assert any("HENJI_PORT" in each.found for each in findings)


async def doctor(environ: dict[str, str], *options: str) -> tuple[int | None, list[str]]:
    """Run the command itself. Empty values keep a developer's .env out."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    no_model = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"), "")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "doctor", *options,
        cwd=ROOT, env=keep | no_model | environ, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode().splitlines()


async def test_the_command_prints_a_line_each_and_ends_with_0_when_all_is_well(environ: dict[str, str]) -> None:
    code, lines = await doctor(environ, "--test-webhook")
    assert code == 0, lines
    assert lines[0] == "ok    settings: can be read"
    assert {line.split(maxsplit=1)[0] for line in lines} == {"ok", "look"}
    assert len(lines) == 18


async def test_the_command_ends_with_1_when_something_fails(environ: dict[str, str]) -> None:
    code, lines = await doctor(environ | {"LINE_CHANNEL_SECRET": "", "LINE_CHANNEL_ACCESS_TOKEN": ""})
    assert code == 1
    assert [line for line in lines if line.startswith("FAIL")] == [
        "FAIL  settings: LINE_CHANNEL_SECRET: is needed, see the README",
        "FAIL  settings: LINE_CHANNEL_ACCESS_TOKEN: is needed, see the README",
    ]
    assert any(line.startswith("ok    Redis durability") for line in lines)


async def test_alerts_that_nobody_gets_are_pointed_out(environ: dict[str, str]) -> None:
    finding = (await examined(environ))["alerts"]
    assert finding.level == "look"
    assert finding.found.startswith("no address: only browsers")


async def test_alerts_are_named_by_their_kinds_and_sent_only_when_asked_for(environ: dict[str, str]) -> None:
    async with open_desk() as desk:
        more = {"HENJI_NOTIFY": f"{desk.address('hunter2')}, mailto://user:hunter2@gmail.com"}
        finding = (await examined(environ | more))["alerts"]
        assert (finding.level, finding.found) == ("warn", "go to JSON, E-Mail, without a link to the handoff")
        more["HENJI_PUBLIC_URL"] = "https://henji.example"
        finding = (await examined(environ | more))["alerts"]
        assert (finding.level, finding.found) == ("ok", "go to JSON, E-Mail, with links to https://henji.example")
        assert desk.tries == 0


async def test_a_test_alert_goes_to_every_address(environ: dict[str, str]) -> None:
    async with open_desk() as desk:
        desk.status["broken"] = 500
        notify = f"{desk.address('broken')}\n{desk.address('desk')}"
        findings = await examined(environ, test_alert=True, HENJI_NOTIFY=notify)
        assert (findings["test alert 1"].level, findings["test alert 2"].level) == ("FAIL", "ok")
        assert "500" in findings["test alert 1"].found
        assert desk.titles() == [TEST_ALERT]


async def test_an_address_that_apprise_does_not_understand(environ: dict[str, str]) -> None:
    finding = (await examined(environ, HENJI_NOTIFY="slack://hunter2"))["alerts"]
    assert finding.level == "FAIL"
    assert "address 1 (slack://…)" in finding.found
    assert "hunter2" not in str(finding)
