"""`./henji evaluate`: how many of a file's questions would be answered, how many rightly, and is the promise kept.

Questions go the way of production (triage, settle), each as the first message of a new customer; with vectors where an
embedding model is configured. Where a language model is, it is tried on probes first, as a worker does, and then asked
like there. Shop hours, states and keyword rules are left aside.
"""

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec

from service import modelwiring
from service.adapters.faqfiles import read_sources
from service.adapters.ledger import OpenLedger
from service.adapters.tokenizing import open_tokenizer
from service.adapters.verdicts import Notepad
from service.advising import Advisor
from service.core.contents import read_contents
from service.core.features import Tokenizer, Wording
from service.core.fitting import calibrate
from service.core.folder import format_problem
from service.core.judging import Judged, Question, Summary, summarize
from service.core.knowledge import Knowledge, build_knowledge
from service.core.probes import read_probes
from service.core.ranking import to_embed
from service.core.vectors import Meanings
from service.errors import InputError, KnowledgeError, ModelUnavailable, StartError
from service.modelwiring import open_embedder
from service.settings import Settings, load_settings
from service.tools.evaluation_words import in_words
from service.tools.questioning import ModelSummary, ask_all, probe_all, summarize_model


class Evaluation(msgspec.Struct, frozen=True):
    """One folder held against one file of questions. `never_sure` are the headings of the entries that only clarify."""

    faq: str
    file: str
    summary: Summary
    questions: tuple[Judged, ...]
    never_sure: tuple[str, ...]
    model: ModelSummary | None = None


class Embed(Protocol):
    """Gives the vectors of texts; `what` says what they are, for people, `said` whether customers say them."""

    def __call__(self, texts: Sequence[str], what: str, *, said: bool) -> Meanings:
        """Raise StartError when the embedding model gives none."""
        ...


def learn(
    directory: Path,
    tokenizer: Tokenizer | None = None,
    embed: Embed | None = None,
    *,
    promise: float | None = None,
    share: float | None = None,
) -> Knowledge:
    """Read a FAQ folder and fit it for a promise and a share of unanswerable messages, else the shop's own.

    With `embed`, fit it once more with the vectors of its phrasings. May take minutes. Keywords are left out.
    """
    contents = read_contents(read_sources(directory))
    entries = contents.faq.entries
    if not entries:
        raise KnowledgeError("\n".join(format_problem(problem, "en") for problem in contents.problems))
    shop = msgspec.structs.replace(
        contents.shop,
        when_open="bot_first",
        when_closed="bot_first",
        max_wrong_answers=promise or contents.shop.max_wrong_answers,
        unanswerable=share or contents.shop.unanswerable,
    )
    wording = Wording(tokenizer, shop.synonyms)
    meanings = embed(to_embed(entries, wording), str(directory), said=False) if embed else None
    knowledge = build_knowledge(
        entries,
        shop,
        contents.texts,
        tokenizer=tokenizer,
        calibration=calibrate(entries, wording),
        meanings=meanings,
        vector_calibration=calibrate(entries, wording, meanings) if meanings else None,
    )
    return dataclasses.replace(knowledge, keywords={})


def read_questions(file: Path) -> list[Question]:
    """Read one JSON object a line. Raises InputError with file and line."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    questions: list[Question] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            questions.append(_read_question(line, f"{file}:{number}"))
    if not questions:
        raise InputError(f"{file}: no questions")
    return questions


def _read_question(line: str, place: str) -> Question:
    try:
        return msgspec.json.decode(line, type=Question)
    except msgspec.DecodeError as error:
        shape = '{"text": "...", "entries": ["id", ...]}'
        raise InputError(f"{place}: {error}. Expected {shape} on each line") from error


def unknown_entries(questions: Iterable[Question], knowledge: Knowledge) -> list[str]:
    """List the entries that questions name and the folder does not have."""
    return sorted({entry for question in questions for entry in question.entries} - set(knowledge.entries))


def evaluate(
    faq: Path, file: Path, judged: Iterable[Judged], knowledge: Knowledge, model: ModelSummary | None
) -> Evaluation:
    """Add up what was decided."""
    knowledge = dataclasses.replace(knowledge, calibration=knowledge.usual_calibration)
    calibration, questions = knowledge.calibration, tuple(judged)
    summary = summarize(
        questions,
        promise=calibration.promise,
        share=calibration.share,
        promises_anything=calibration.promises,
    )
    headings = tuple(knowledge.entries[entry].question for entry in knowledge.never_sure)
    return Evaluation(str(faq), str(file), summary, questions, headings, model)


def in_json(evaluations: list[Evaluation]) -> str:
    """Write one evaluation as one object, several under `sets`."""
    objects: list[dict[str, Any]] = [_as_object(evaluation, named=len(evaluations) > 1) for evaluation in evaluations]
    whole: Any = objects[0] if len(objects) == 1 else {"sets": objects}
    return msgspec.json.encode(whole).decode()


def _as_object(evaluation: Evaluation, *, named: bool) -> dict[str, Any]:
    names = {"faq": evaluation.faq, "file": evaluation.file} if named else {}
    model = {"model": evaluation.model} if evaluation.model else {}
    questions = [_without_choices(question) for question in evaluation.questions]
    return {**names, "summary": evaluation.summary, **model, "questions": questions}


def _without_choices(judged: Judged) -> dict[str, Any]:
    """Choices stand only where some were shown."""
    data: dict[str, Any] = msgspec.to_builtins(judged)
    if judged.outcome != "clarify":
        del data["choices"]
    return data


def _embedding(settings: Settings) -> Embed | None:
    """What gives vectors, with a bar that shows how far it is; None where no embedding model is configured."""
    if not settings.embeddings_are_on:
        return None

    async def embed(texts: Sequence[str], done: Callable[[int], None], *, said: bool) -> Meanings:
        async with open_embedder(settings, OpenLedger()) as embedder:
            return await embedder.embed_all(texts, done, said=said)

    def with_bar(texts: Sequence[str], what: str, *, said: bool) -> Meanings:
        different = list(dict.fromkeys(texts))
        with click.progressbar(length=len(different), label=f"{what}: ベクトル vectors", file=sys.stderr) as bar:
            try:
                return asyncio.run(embed(different, bar.update, said=said))
            except ModelUnavailable as error:
                settings_named = "OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_EMBEDDING_MODEL"
                raise StartError(f"the embedding model gives no vectors: {error} ({settings_named})") from error

    return with_bar


async def _hold(
    pair: tuple[Path, Path],
    questions: Sequence[Question],
    knowledge: Knowledge,
    meanings: Meanings | None,
    settings: Settings,
) -> Evaluation:
    """Hold a folder against a file, showing how far it is on stderr."""
    faq, file = pair
    async with modelwiring.open_model(settings) as model:
        advisor = Advisor(model, Notepad()) if model else None
        if advisor:
            count = len(read_probes(knowledge.usual_calibration).questions)
            with click.progressbar(length=count, label=f"{faq}: AIを試験中 probing", file=sys.stderr) as bar:
                await probe_all(advisor, knowledge, bar.update)
        with click.progressbar(length=len(questions), label=str(file), file=sys.stderr) as bar:
            judged = await ask_all(questions, knowledge, advisor, meanings, bar.update)
        return evaluate(faq, file, judged, knowledge, summarize_model(advisor, knowledge) if advisor else None)


def run(
    pairs: list[tuple[Path, Path]],
    *,
    as_json: bool,
    picture: Path | None,
    promise: float | None,
    share: float | None,
    with_model: bool,
) -> str:
    """Evaluate folders with their files, asking the language model where one is configured and wanted.

    Shows how far it is on stderr. Returns what is to be printed.
    """
    settings = load_settings()
    tokenizer = open_tokenizer(settings.tokenizer)
    embed = _embedding(settings)
    if not with_model:
        settings = settings.model_copy(update={"openai_api_key": None, "openai_base_url": None})
    evaluations: list[Evaluation] = []
    for faq, file in pairs:
        questions = read_questions(file)
        click.echo(f"{faq}: 学習中… fitting", err=True)
        knowledge = learn(faq, tokenizer, embed, promise=promise, share=share)
        if unknown := unknown_entries(questions, knowledge):
            click.echo(f"{file}: no such entries in {faq}: {', '.join(unknown)}", err=True)
        meanings = embed([question.text for question in questions], str(file), said=True) if embed else None
        evaluations.append(asyncio.run(_hold((faq, file), questions, knowledge, meanings, settings)))
    if picture:
        from service.tools.plotting import plot

        plot(evaluations, picture)
    if as_json:
        return in_json(evaluations)
    return "\n\n".join(
        in_words(f"{each.faq}  {each.file}", each.summary, each.questions, each.never_sure, each.model)
        for each in evaluations
    )
