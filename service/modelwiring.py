"""Builds what has to do with models, from the settings, and closes it again: a part of service/wiring.py.

Heavy imports stand inside the functions here, too.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from service.settings import Settings

if TYPE_CHECKING:
    from service.adapters.embedding import OpenAIEmbedder
    from service.adapters.faqfolder import FaqFolder
    from service.adapters.modelgate import ModelGate
    from service.adapters.store import Store
    from service.advising import Advisor
    from service.core.knowledge import Knowledge
    from service.ports import Adjudicator, Ledger
    from service.sensing import Sense


@asynccontextmanager
async def open_gate(settings: Settings, ledger: "Ledger") -> AsyncGenerator["ModelGate | None"]:
    """Open the way to the language model's server, or give None where none is configured."""
    if not settings.model_is_on:
        yield None
        return
    from service.adapters import modelgate

    async with modelgate.open_gate(
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model or "",
        ledger=ledger,
    ) as gate:
        yield gate


def make_model(settings: Settings, gate: "ModelGate | None") -> "Adjudicator | None":
    """Build what chooses among candidates. Raises SettingsError for a broken prompt."""
    if gate is None:
        return None
    from service.adapters.model import OpenAIAdjudicator, load_adjudication_prompt

    return OpenAIAdjudicator(gate, load_adjudication_prompt(settings.prompts_dir))


def make_drafting(
    settings: Settings, gate: "ModelGate | None", store: "Store", knowledge: Callable[[], "Knowledge"]
) -> list[Coroutine[Any, Any, None]]:
    """What drafts replies for staff, for ever, where there is a model. Raises SettingsError for a broken prompt."""
    if gate is None:
        return []
    from service.adapters.drafting import OpenAIDrafter, load_draft_prompt
    from service.adapters.draftlist import DraftList
    from service.drafting import draft_replies

    drafter = OpenAIDrafter(gate, load_draft_prompt(settings.prompts_dir))
    return [draft_replies(DraftList(store), drafter, knowledge)]


def make_advisor(settings: Settings, gate: "ModelGate | None", store: "Store") -> "Advisor | None":
    """Build what says how far to trust the model. Raises as `make_model` does."""
    from service.adapters.verdicts import Verdicts
    from service.advising import Advisor

    model = make_model(settings, gate)
    return Advisor(model, Verdicts(store)) if model else None


@asynccontextmanager
async def open_model(settings: Settings) -> AsyncGenerator["Adjudicator | None"]:
    """Open the language model for what somebody asks by hand: it is not counted. Raises as `make_model` does."""
    from service.adapters.ledger import OpenLedger

    async with open_gate(settings, OpenLedger()) as gate:
        yield make_model(settings, gate)


@asynccontextmanager
async def open_embedder(settings: Settings, ledger: "Ledger") -> AsyncGenerator["OpenAIEmbedder"]:
    """Open the embedding model, where one is configured (`Settings.embeddings_are_on`)."""
    from service.adapters import modelgate
    from service.adapters.embedding import OpenAIEmbedder

    async with modelgate.open_gate(
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_embedding_model or "",
        ledger=ledger,
    ) as gate:
        yield OpenAIEmbedder(gate)


@asynccontextmanager
async def open_sense(
    settings: Settings, ledger: "Ledger", folder: "FaqFolder", store: "Store"
) -> AsyncGenerator["Sense | None"]:
    """Open what gives customers' texts their vectors, and keep the folder's beside it.

    None where no embedding model is configured.
    """
    if not settings.embeddings_are_on:
        yield None
        return
    from service.adapters.calibrations import Calibrations
    from service.adapters.vectorcache import VectorCache
    from service.adapters.vectorlearning import learn_vectors
    from service.sensing import Sense
    from service.worker import cancel

    async with open_embedder(settings, ledger) as embedder:
        learning = asyncio.create_task(learn_vectors(folder, VectorCache(store, embedder), Calibrations(store)))
        try:
            yield Sense(embedder)
        finally:
            await cancel(learning)
