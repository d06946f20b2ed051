"""The commands. Each one only reads its arguments and settings and calls the part that does the work."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from service.errors import HenjiError, InputError, KnowledgeError, SettingsError, StartError
from service.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from service.adapters.archive import Archive, Scope
    from service.adapters.caretaking import Caretaker
    from service.adapters.people import People

_T = TypeVar("_T")
_P = TypeVar("_P")
WRONG_SETUP = 2
LONGEST_NAME = 40


class _Commands(click.Group):
    """Turns our own errors into a sentence and an exit code: 2 for a wrong set-up, 1 for anything else."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(WRONG_SETUP)
        except (StartError, KnowledgeError, InputError) as error:
            click.echo(str(error), err=True)
            sys.exit(WRONG_SETUP)
        except HenjiError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Henji (返事) answers a shop's LINE messages from its own FAQ files, and hands everything else to the staff."""


@main.command()
@click.option("--part", type=click.Choice(["web", "worker"]), hidden=True)
@click.option("--end-with-parent", is_flag=True, hidden=True)
def demo(*, part: str | None, end_with_parent: bool) -> None:
    """Run everything on this machine, with a fake LINE to talk to. No accounts needed."""
    from service import wiring
    from service.tools.demo import demo as run_demo
    from service.tools.demo import run_part
    from service.tools.logs import log_to_stderr
    from service.tools.processes import end_with_parent as watch_parent

    log_to_stderr()
    settings = load_settings(need_line=part is not None)
    if end_with_parent:
        watch_parent()
    sys.exit(wiring.run(lambda stop: run_part(part, settings, stop) if part else run_demo(settings, stop)))


@main.command()
@click.option("--no-worker", is_flag=True, help="Only the web process; run `work` elsewhere.")
@click.option("--end-with-parent", is_flag=True, hidden=True)
def serve(*, no_worker: bool, end_with_parent: bool) -> None:
    """Run the service: web and worker."""
    from service import wiring
    from service.tools.logs import log_to_stderr
    from service.tools.processes import end_with_parent as watch_parent
    from service.tools.serve import serve as run_both

    log_to_stderr()
    settings = load_settings(need_line=True)
    if end_with_parent:
        watch_parent()
    if not no_worker:
        sys.exit(wiring.run(lambda stop: run_both(settings, stop)))

    async def run_web(stop: asyncio.Event) -> None:
        async with wiring.keep_store(settings) as redis_url:
            await wiring.run_web(settings, redis_url, stop)

    wiring.run(run_web)


@main.command()
@click.option("--end-with-parent", is_flag=True, hidden=True)
def work(*, end_with_parent: bool) -> None:
    """Run one more worker; any number of them, on any number of machines."""
    from service import wiring
    from service.tools.logs import log_to_stderr
    from service.tools.processes import end_with_parent as watch_parent

    log_to_stderr()
    settings = load_settings(need_line=True)
    if end_with_parent:
        watch_parent()

    async def run_worker(stop: asyncio.Event) -> None:
        async with wiring.keep_store(settings) as redis_url:
            await wiring.run_worker(settings, redis_url, stop)

    wiring.run(run_worker)


@main.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ask(text: str, *, as_json: bool) -> None:
    """Show what Henji would do with one message, and why. Sends nothing."""
    from service.tools.asking import ask as decide

    data, words = asyncio.run(decide(load_settings(), text))
    click.echo(json.dumps(data, ensure_ascii=False, indent=2) if as_json else words)


class _Share(click.ParamType[float]):
    """A share of something: 5%, 0.05."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip().replace("％", "%")
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{value!r} is no share: write 5% or 0.05", param, ctx)
        if not 0 < share < 1:
            self.fail(f"{value!r} is not between 0% and 100%", param, ctx)
        return share


@main.command()
@click.option(
    "--faq",
    "folders",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder of FAQ files.",
)
@click.option(
    "--questions",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Questions for it, one JSON object a line. Both may be repeated, in pairs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw reliability and risk into this file.",
)
@click.option("--promise", type=_Share(), help="Wrong answers allowed: else as `_shop.yaml` says.")
@click.option("--share", type=_Share(), help="Assumed unanswerable messages: else as `_shop.yaml` says.")
@click.option("--no-model", is_flag=True, help="Do not ask the language model, though one is configured.")
def evaluate(
    *,
    folders: tuple[Path, ...],
    files: tuple[Path, ...],
    as_json: bool,
    picture: Path | None,
    promise: float | None,
    share: float | None,
    no_model: bool,
) -> None:
    """Measure on questions with known answers what would be answered, how much of it rightly, and the promise."""
    from service.tools.evaluating import run

    if len(folders) != len(files):
        raise click.UsageError("each --faq needs its --questions")
    pairs = list(zip(folders, files, strict=True))
    click.echo(run(pairs, as_json=as_json, picture=picture, promise=promise, share=share, with_model=not no_model))


@main.command()
@click.option("--test-webhook", is_flag=True, help="Have LINE post to the webhook as well; LINE allows 60 an hour.")
@click.option("--test-alert", is_flag=True, help="Send the staff a test alert at every address as well.")
def doctor(*, test_webhook: bool, test_alert: bool) -> None:
    """Check LINE, Redis, clocks, the model, the FAQ and alerts, one line each. Exit code 1 when one of them fails."""
    from service.tools.doctor import run
    from service.tools.logs import log_to_stderr

    log_to_stderr()
    sys.exit(asyncio.run(run(test_webhook=test_webhook, test_alert=test_alert)))


@main.group()
def faq() -> None:
    """Look after the FAQ files."""


@faq.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--fix", is_flag=True, help="Mend what is only oddly typed, and write ids down.")
def check(directory: Path | None, *, fix: bool) -> None:
    """Report every problem in the FAQ files as file:line: message. Exit code 1 when there are errors."""
    from service.adapters.tokenizing import open_tokenizer
    from service.tools.faqcheck import check_folder, find_never_sure, fix_folder

    settings = load_settings()
    folder = directory or settings.faq_dir
    fixed, all_written = fix_folder(folder) if fix else ([], True)
    lines, has_errors = check_folder(folder, now=datetime.now(UTC), can_send_images=settings.public_url is not None)
    for line in (*fixed, *lines):
        click.echo(line)
    for hint in find_never_sure(folder, open_tokenizer(settings.tokenizer)):
        click.echo(hint, err=True)
    sys.exit(1 if has_errors or not all_written else 0)


@faq.command("expand")
@click.argument("ids", nargs=-1)
@click.option(
    "--fewer-than",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Without ids: for the entries that have fewer phrasings than this.",
)
@click.option("--dry-run", is_flag=True, help="Only show them.")
def expand_faq(ids: tuple[str, ...], *, fewer_than: int, dry_run: bool) -> None:
    """Have the language model propose phrasings, and write them into the FAQ files for review.

    Nothing uses a proposal before somebody accepts it. IDS are entries; without any, all that have few phrasings.
    """
    from service.tools.expanding import expand

    if not asyncio.run(expand(load_settings(), ids, fewer_than=fewer_than, dry_run=dry_run)):
        sys.exit(1)


@main.group()
def token() -> None:
    """Manage the tokens of the REST API."""


@token.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="read or write; may be given twice. Without it: both.")
def add_token(name: str, scopes: tuple[str, ...]) -> None:
    """Make a token for NAME and print it, once, on the last line."""
    from service.adapters.archive import ALL_SCOPES

    name = name.strip()
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise click.BadParameter(f"a name has 1 to {LONGEST_NAME} characters, on one line", param_hint="NAME")
    if wrong := set(scopes) - set(ALL_SCOPES):
        raise click.BadParameter(f"there is no {min(wrong)}, only {', '.join(ALL_SCOPES)}", param_hint="--scope")
    chosen: tuple[Scope, ...] = cast("tuple[Scope, ...]", scopes) or ALL_SCOPES
    click.echo(_with_archive(lambda archive: archive.add_token(name, chosen)))


@token.command("list")
def list_tokens() -> None:
    """List the tokens: id, when it was made, what it is good for, name."""
    for token_id, owner in _with_archive(lambda archive: archive.tokens()).items():
        click.echo(f"{token_id}  {owner.created_at:%Y-%m-%d %H:%M}  {'+'.join(owner.scopes):10}  {owner.name}")


@token.command("revoke")
@click.argument("name_or_id")
def revoke_token(name_or_id: str) -> None:
    """Make a token (by its id) or all tokens of a name invalid at once."""
    count = _with_archive(lambda archive: archive.revoke_token(name_or_id))
    if not count:
        click.echo(f"no token is called {name_or_id}", err=True)
        sys.exit(1)
    click.echo(f"revoked: {count}")


@main.group()
def staff() -> None:
    """Look after the people who use the pages."""


@staff.command("add")
@click.argument("name")
@click.option("--owner", is_flag=True, help="Somebody who may invite and shut out others.")
def add_staff(name: str, *, owner: bool) -> None:
    """Make an account for NAME and print a link, on the last line: with it they choose a password. Good for 7 days."""
    name = _person(name)
    _show_link(_with_people(lambda people: people.add(name, "owner" if owner else "staff", datetime.now(UTC))))


@staff.command("list")
def list_staff() -> None:
    """List the people: role, whether they can sign in, name."""
    for account in _with_people(lambda people: people.accounts()):
        click.echo(f"{account.role:5}  {account.standing:8}  {account.name}")


@staff.command("password")
@click.argument("name")
def reset_password(name: str) -> None:
    """Print a link, on the last line, with which NAME chooses a new password. Good for an hour."""
    name = _person(name)
    _show_link(_with_people(lambda people: people.new_link(name, "reset", datetime.now(UTC))))


@staff.command("disable")
@click.argument("name")
def disable_staff(name: str) -> None:
    """Shut NAME out: all their sessions and links end at once."""
    name = _person(name)
    _with_people(lambda people: people.disable(name, datetime.now(UTC)))
    click.echo(f"disabled: {name}")


@staff.command("enable")
@click.argument("name")
def enable_staff(name: str) -> None:
    """Let NAME in again."""
    name = _person(name)
    _with_people(lambda people: people.enable(name, datetime.now(UTC)))
    click.echo(f"enabled: {name}")


def _person(name: str) -> str:
    from service.core.people import read_name

    try:
        return read_name(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error


def _show_link(token: str) -> None:
    click.echo(f"{load_settings().site_url}/welcome/{token}")


@main.group()
def dead() -> None:
    """Look after what failed for good."""


@dead.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@click.option("--text", "with_text", is_flag=True, help="Show what customers wrote as well.")
def list_dead(*, as_json: bool, with_text: bool) -> None:
    """List the dead letters: id, when it was given up, why, conversation, what it is."""
    from service.tools.deadletters import list_letters

    for line in _with_caretaker(lambda caretaker: list_letters(caretaker, as_json=as_json, with_text=with_text)):
        click.echo(line)


@dead.command("retry")
@click.argument("ids", nargs=-1)
@click.option("--all", "all_of_them", is_flag=True, help="All there are.")
@click.option("--force", is_flag=True, help="Also what is older than 23 hours.")
def retry_dead(ids: tuple[str, ...], *, all_of_them: bool, force: bool) -> None:
    """Have dead letters handled again. Exit code 1 when one of them does not go back."""
    from service.tools.deadletters import retry

    if bool(ids) == all_of_them:
        raise click.UsageError("name the dead letters by their ids, or say --all")
    lines, all_done = _with_caretaker(lambda caretaker: retry(caretaker, ids, force=force))
    for line in lines:
        click.echo(line)
    sys.exit(0 if all_done else 1)


@main.group()
def customer() -> None:
    """Show or delete what is kept about one customer."""


@customer.command("export")
@click.argument("customer_id")
def export_customer(customer_id: str) -> None:
    """Print all that is kept about the customer with this LINE id, as one JSON document."""
    from service.adapters.exporting import export

    click.echo(_with_caretaker(lambda caretaker: export(caretaker, customer_id, who="cli")))


@customer.command("erase")
@click.argument("customer_id")
@click.option("--yes", is_flag=True, help="Do not ask for the id again.")
def erase_customer(customer_id: str, *, yes: bool) -> None:
    """Delete all that is kept about the customer with this LINE id, for good."""
    from service.tools.customers import erase

    if not yes:
        _with_caretaker(lambda caretaker: caretaker.kept(customer_id))
        typed = click.prompt("This cannot be undone. Type the id again to erase all that is kept about it", err=True)
        if typed.strip() != customer_id:
            click.echo("that is another id; nothing was erased", err=True)
            sys.exit(1)
    for line in _with_caretaker(lambda caretaker: erase(caretaker, customer_id)):
        click.echo(line)


def _with_archive(call: "Callable[[Archive], Awaitable[_T]]") -> _T:
    from service import wiring

    return _at_store(wiring.open_archive, call)


def _with_people(call: "Callable[[People], Awaitable[_T]]") -> _T:
    from service import wiring

    return _at_store(wiring.open_people, call)


def _with_caretaker(call: "Callable[[Caretaker], Awaitable[_T]]") -> _T:
    from service.adapters.caretaking import open_caretaker

    return _at_store(open_caretaker, call)


def _at_store(
    open_part: "Callable[[str], AbstractAsyncContextManager[_P]]", call: "Callable[[_P], Awaitable[_T]]"
) -> _T:
    from service import wiring

    async def run(redis_url: str) -> _T:
        async with open_part(redis_url) as part:
            return await call(part)

    with wiring.open_store(load_settings()) as redis_url:
        return asyncio.run(run(redis_url))
