"""`./henji doctor`: looks at everything that has to be right outside of Henji, and says what is not, one line each.

Asking only; what the answers mean is judged in `core/diagnosis.py`. Every check runs, whatever became of the others.
It sends no message and costs nothing, but for one trial question to each model that is configured, and for what
is asked for: LINE's test of the webhook, a test alert to the staff.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from service import modelwiring, sensing, wiring
from service.adapters.faqfiles import read_sources
from service.adapters.images import ImageFolder
from service.adapters.inspection import Inspection, open_inspection
from service.adapters.ledger import OpenLedger
from service.adapters.line_account import Account, open_account
from service.adapters.store import Store
from service.adapters.vitals import Vitals
from service.core import diagnosis
from service.core.contents import read_contents
from service.core.diagnosis import Finding
from service.core.entries import Entry
from service.errors import HenjiError, LineRefused, LineUnavailable, ModelUnavailable, SettingsError
from service.settings import ROOT, Settings, load_settings

Clock = Callable[[], float]
TEST_ALERT = "テスト：要対応のお知らせ"
_TEST_TEXT = "Henjiからのテストです。お客様がお返事をお待ちのときは、ここにお知らせします。"
_STORE_TIMEOUT_S = 5.0
_EMBEDDING_WITHIN_S = 8.0
_TRIAL = "何時まで開いていますか"
_TRIAL_ENTRIES = [
    Entry(
        id="hours", question="営業時間を教えてください", phrasings=(), bubbles=("10時から19時です。",), file="", line=0
    ),
    Entry(id="parking", question="駐車場はありますか", phrasings=(), bubbles=("2台あります。",), file="", line=0),
]


async def run(*, test_webhook: bool, test_alert: bool) -> int:
    """Print all findings as they come. Returns the exit code: 1 when there is a FAIL among them."""
    settings, findings = read_settings()
    for finding in findings:
        click.echo(finding)
    if settings is not None:
        async for finding in examine(settings, test_webhook=test_webhook, test_alert=test_alert):
            click.echo(finding)
            findings.append(finding)
    return int(any(finding.level == "FAIL" for finding in findings))


def read_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | None = ROOT / ".env"
) -> tuple[Settings | None, list[Finding]]:
    """Read the settings; None when they make no sense. Without a LINE channel the rest can still be looked at."""
    try:
        return load_settings(environ, env_file, need_line=True), [Finding("ok", "settings", "can be read")]
    except SettingsError as error:
        findings = [Finding("FAIL", "settings", problem) for problem in error.problems]
    try:
        return load_settings(environ, env_file), findings
    except SettingsError:
        return None, findings


async def examine(
    settings: Settings, *, test_webhook: bool = False, test_alert: bool = False, clock: Clock = time.time
) -> AsyncIterator[Finding]:
    """Check everything, in the order in which a message meets it. `clock` is this machine's, in seconds since 1970."""
    token = settings.line_channel_access_token.get_secret_value()
    if token:
        async with open_account(token, settings.line_api_base) as account:
            checks = [_check_account, _check_webhook, *([_test_webhook] if test_webhook else []), _check_quota]
            for check in checks:
                for finding in await _safely("LINE", lambda: check(account, clock)):  # noqa: B023 - awaited at once
                    yield finding
    rest: dict[str, Callable[[], Awaitable[list[Finding]]]] = {
        "Redis": lambda: _check_store(settings, clock),
        "model": lambda: _check_model(settings),
        "embeddings": lambda: _check_embeddings(settings),
        "model today": lambda: _check_spending(settings),
        "FAQ": lambda: _check_faq(settings),
        "alerts": lambda: _check_alerts(settings, test=test_alert),
    }
    for what, look in rest.items():
        for finding in await _safely(what, look):
            yield finding
    for finding in diagnosis.REMINDERS:
        yield finding


async def _safely(what: str, check: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    """Run a check; whatever goes wrong in it is its finding."""
    try:
        return await check()
    except LineRefused as error:
        todo = "issue another LINE_CHANNEL_ACCESS_TOKEN in the LINE Developers console" if error.status == 401 else ""
        return [Finding("FAIL", what, f"refused: {error}", todo)]
    except LineUnavailable as error:
        return [Finding("FAIL", what, f"cannot be reached: {error}", "the network, or LINE API Status")]
    except ModelUnavailable as error:
        return [Finding("FAIL", what, f"no verdict: {error}", "OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL")]
    except HenjiError as error:
        return [Finding("FAIL", what, " ".join(f"{type(error).__name__} {error}".split()))]
    except Exception as error:  # noqa: BLE001 - a fault of ours must not hide the other findings
        return [Finding("FAIL", what, f"the check itself failed: {type(error).__name__}")]


async def _check_account(account: Account, clock: Clock) -> list[Finding]:
    before = clock()
    info = await account.bot_info()
    after = clock()
    findings = [
        Finding("ok", "LINE token", f"valid, for {info.name}"),
        diagnosis.judge_chat_mode(info.chat_mode),
    ]
    if info.answered_at is not None:
        at = info.answered_at.timestamp()
        # A Date header has whole seconds.
        findings.append(diagnosis.judge_clock("LINE's", before, at, at + 1, after))
    return findings


async def _check_webhook(account: Account, _: Clock) -> list[Finding]:
    endpoint = await account.webhook_endpoint()
    if endpoint is None:
        return [diagnosis.judge_webhook(None, active=False, public_url=None)]
    return [diagnosis.judge_webhook(endpoint.url, active=endpoint.active, public_url=None)]


async def _test_webhook(account: Account, _: Clock) -> list[Finding]:
    test = await account.test_webhook()
    return [diagnosis.judge_webhook_test(success=test.success, reason=test.reason, detail=test.detail)]


async def _check_quota(account: Account, clock: Clock) -> list[Finding]:
    quota = await account.quota()
    return [diagnosis.judge_quota(quota.limit, quota.used, datetime.fromtimestamp(clock(), UTC))]


async def _check_store(settings: Settings, clock: Clock) -> list[Finding]:
    with wiring.open_store(settings) as redis_url:
        async with open_inspection(redis_url) as inspection:
            findings = diagnosis.judge_store(await inspection.facts())
            return [*findings, await _check_redis_clock(inspection, clock)]


async def _check_redis_clock(inspection: Inspection, clock: Clock) -> Finding:
    before = clock()
    theirs = await inspection.now()
    return diagnosis.judge_clock("Redis'", before, theirs, theirs, clock())


async def _check_model(settings: Settings) -> list[Finding]:
    async with modelwiring.open_model(settings) as model:
        if model is None:
            return [Finding("ok", "model", "none is configured, and none is needed")]
        started = time.monotonic()
        verdict = await model.adjudicate(_TRIAL, _TRIAL_ENTRIES)
        return [diagnosis.judge_model(model.name, verdict, "hours", time.monotonic() - started)]


async def _check_embeddings(settings: Settings) -> list[Finding]:
    if not settings.embeddings_are_on:
        return []
    async with modelwiring.open_embedder(settings, OpenLedger()) as embedder:
        started = time.monotonic()
        try:
            vector = await embedder.embed(_TRIAL, (), _EMBEDDING_WITHIN_S)
        except ModelUnavailable as error:
            todo = "OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_EMBEDDING_MODEL"
            return [Finding("FAIL", "embeddings", f"no vector: {error}", todo)]
        took_s = time.monotonic() - started
    return [diagnosis.judge_embeddings(embedder.name, len(vector), took_s, sensing.BUDGET_S)]


async def _check_spending(settings: Settings) -> list[Finding]:
    if not settings.model_is_on:
        return []
    with wiring.open_store(settings) as redis_url:
        async with Store(redis_url, timeout_s=_STORE_TIMEOUT_S) as store:
            state = (await Vitals(store).read()).model
    return [diagnosis.judge_spending(state, priced=settings.model_price is not None)]


async def _check_faq(settings: Settings) -> list[Finding]:
    contents = read_contents(read_sources(settings.faq_dir), images=ImageFolder(settings.faq_dir).look)
    errors = sum(problem.severity == "error" for problem in contents.problems)
    return [diagnosis.judge_faq(len(contents.faq.entries), errors, len(contents.problems) - errors)]


async def _check_alerts(settings: Settings, *, test: bool) -> list[Finding]:
    async with wiring.open_notifier(settings) as notifier:
        kinds = notifier.names if notifier else []
        findings = [diagnosis.judge_alerts(kinds, settings.public_url)]
        if notifier and test:
            for number, kind in enumerate(kinds):
                accepted, why = await notifier.try_out(number, TEST_ALERT, _TEST_TEXT)
                findings.append(diagnosis.judge_alert_test(number + 1, kind, why, accepted=accepted))
        return findings
