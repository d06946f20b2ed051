"""`./henji ask`: the decision for one message, with its reasons, sending nothing."""

from contextlib import suppress
from typing import Any

import msgspec

from service import modelwiring, wiring
from service.adapters.calibrations import Calibrations
from service.adapters.faqfolder import FaqFolder
from service.adapters.store import Store
from service.adapters.tokenizing import open_tokenizer
from service.adapters.verdicts import Notepad
from service.advising import Advisor
from service.core.alerting import REASONS
from service.core.decisions import BY_MEANING, Answer, Clarify, Decision, Greet, Handoff, Silent
from service.core.inquiry import Tried
from service.core.knowledge import Knowledge
from service.core.situation import MAX_CHOICES
from service.errors import StartError, StoreUnavailable
from service.informing import decide
from service.settings import Settings

_KINDS = {"answer": "回答", "clarify": "確認", "handoff": "スタッフへ", "greet": "あいさつ", "silent": "応答なし"}
_REASONS = {
    "sure": "確信あり",
    "keyword": "キーワードに一致",
    "choice": "選択肢から",
    "model": "AIの判定",
    "model_unclear": "AIの判定が分かれた",
    "courtesy": "お礼のみ",
    "greeting": "あいさつのみ",
    **REASONS,
}


async def ask(settings: Settings, text: str) -> tuple[dict[str, Any], str]:
    """Decide about one message as if a new customer had written it. Returns the decision as data and in words."""
    folder = FaqFolder(settings.faq_dir, tokenizer=open_tokenizer(settings.tokenizer))
    folder.load()
    knowledge = await _calibrated(folder.current, settings)
    async with modelwiring.open_model(settings) as model:
        tried = await decide(text, knowledge, Advisor(model, Notepad()) if model else None)
    return msgspec.to_builtins(tried), _in_words(tried, knowledge)


async def _calibrated(knowledge: Knowledge, settings: Settings) -> Knowledge:
    """A large folder with what the service has fitted for it, where Redis has that."""
    if knowledge.stale:
        with suppress(StartError, StoreUnavailable), wiring.open_store(settings) as redis_url:
            async with Store(redis_url, timeout_s=wiring.WEB_REDIS_TIMEOUT_S) as store:
                if kept := await Calibrations(store).find(knowledge.index.id):
                    return knowledge.with_calibration(kept)
    return knowledge


def _in_words(tried: Tried, knowledge: Knowledge) -> str:
    decision, trace = tried.decision, tried.model
    kind = str(type(decision).__struct_config__.tag)
    lines = [f"{_KINDS[kind]}（{_REASONS.get(decision.reason, decision.reason)}）"]
    match decision:
        case Answer(entry):
            found = knowledge.entries[entry]
            lines += [
                f"{found.question}  [{entry}]  {found.file}:{found.line}",
                "",
                *"\n---\n".join(tried.bubbles).split("\n"),
            ]
        case Clarify(choices):
            lines += [f"{number}. {knowledge.entries[entry].question}" for number, entry in enumerate(choices, 1)]
        case Greet() | Handoff():
            lines += ["", *"\n---\n".join(tried.bubbles).split("\n")] if tried.bubbles else []
        case Silent():
            pass
    if trace:
        lines += ["", f"AI: {trace.verdict}  ({trace.name}, {trace.prompt}, {trace.ms} ms)"]
    lines += ["", *why] if (why := _why(decision, knowledge, asked=trace is not None)) else []
    candidates = () if isinstance(decision, Greet | Silent) else decision.candidates
    if candidates:
        lines += ["", "候補（正しい確率）"]
        lines += [
            f"  {candidate.probability:.3f}  {knowledge.entries[candidate.entry].question}  [{candidate.entry}]"
            for candidate in candidates[:5]
        ]
    return "\n".join(lines)


def _why(decision: Decision, knowledge: Knowledge, *, asked: bool) -> list[str]:
    """Explain a decision by meaning: what was reached, and what would have been needed. `asked`: a model was."""
    if not isinstance(decision, Answer | Clarify | Handoff) or decision.reason not in BY_MEANING:
        return []
    if not decision.candidates:
        return ["理由：FAQと共通する言葉がありません。"] if decision.reason == "no_entry" else []
    calibration = knowledge.calibration
    best = decision.candidates[0].probability
    chance = f"{best:.1%}" if best < 0.9995 else "99.9% 以上"
    four = sum(candidate.probability for candidate in decision.candidates[:MAX_CHOICES])
    sure, clarify = f"{calibration.sure:.1%}", f"{calibration.clarify:.1%}"
    if best >= calibration.sure:
        return [f"理由：いちばん近いFAQが正しい確率は {chance} で、自動で回答する {sure} 以上です。"]
    if four < calibration.clarify:
        return [f"理由：上位4件を合わせても {four:.1%} で、選択肢をお見せする {clarify} に届きません。"]
    lines = [
        f"理由：いちばん近いFAQが正しい確率は {chance} で、自動で回答する {sure} に届きません。",
        f"　　　上位4件を合わせると {four:.1%} で、選択肢をお見せする {clarify} 以上です。",
    ]
    if knowledge.calibration_state == "calibrating":
        lines.append("　　　言い回しが多いFAQは、サービスが動いているあいだに学習します。まだ済んでいません。")
    elif not calibration.promises:
        lines.append("　　　言い回しが少ないので、言い回しと同じ文にだけ自動で回答します。")
    elif decision.candidates[0].entry in knowledge.never_sure:
        lines.append("　　　このFAQは、言い回しが少ないか、ほかのFAQと似ています。言い回しを足してみてください。")
    if not asked:
        lines.append("　　　AIを使う設定なら、下の候補と質問を見せて、どれに当たるかをたずねます。")
    return lines
