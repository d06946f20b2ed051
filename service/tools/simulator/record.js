// The panel beside the chat: what Henji decided for each turn and why, read from its REST API.

import { kind, make } from "./bubbles.js";
import { timeOfDay } from "./clock.js";
import { reason, word } from "./words.js";

const percent = (probability) => `${Math.round(probability * 100)}%`;
const milliseconds = (value) => `${Number(value).toLocaleString("en", { maximumFractionDigits: 1 })} ms`;

/** Draw the conversation's state and its turns, newest first. `answer` is what `/state/<customer>` gave. */
export function drawRecord(panel, stateBox, answer) {
  const conversation = answer.conversation ?? {};
  const state = conversation.paused ? "paused" : conversation.state ?? "bot";
  stateBox.className = `state ${state}`;
  stateBox.textContent = answer.status === "unreachable" ? "" : word(state === "waiting" ? "waiting_state" : state);
  panel.replaceChildren(...notices(answer, conversation), ...turns(conversation.items ?? []).map(card));
}

function notices(answer, conversation) {
  if (answer.status === "unreachable") return [make("p", "notice bad", word("unreachable"))];
  const { handoff, items } = conversation;
  if (handoff && handoff.status !== "done") {
    const why = handoff.reason ? make("span", "why", reason(handoff.reason)) : null;
    return [make("p", "notice warn", make("strong", "", word("stopped")), why)];
  }
  return (items ?? []).some((item) => item.kind === "trace") ? [] : [make("p", "notice", word("no_record"))];
}

/** Pair every trace with the messages that came before it. */
function turns(items) {
  const found = [];
  let messages = [];
  for (const item of items) {
    if (item.kind === "message") messages.push(item);
    if (item.kind !== "trace") continue;
    found.unshift({ trace: item, messages });
    messages = [];
  }
  return found;
}

function card({ trace, messages }) {
  const decision = trace.decision ?? {};
  const type = decision.type ?? "silent";
  const heading = (entry) => trace.questions?.[entry] ?? entry;
  const head = make("header", "", make("span", `badge ${type}`, word(type)), time(trace.at));
  const element = make("article", `card ${type}`, head, make("p", "reason", reason(decision.reason)));
  if (messages.length) element.append(make("blockquote", "", messages.map(said).join("\n")));
  if (decision.entry) element.append(make("p", "entry", make("span", "tag", word("entry")), heading(decision.entry)));
  if (decision.choices?.length) element.append(choices(decision.choices.map(heading)));
  if (decision.candidates?.length) element.append(candidates(decision.candidates, heading, trace.thresholds, decision.entry));
  element.append(facts(trace));
  return element;
}

const said = (message) => message.text || word("sent_media", { type: kind(message.type) });

function time(at) {
  const seconds = typeof at === "number" ? at : Date.parse(at) / 1000;
  return make("time", "", Number.isFinite(seconds) ? timeOfDay(seconds) : "");
}

function choices(headings) {
  return make("div", "block", make("h3", "", word("choices")), make("ol", "", ...headings.map((text) => make("li", "", text))));
}

function candidates(list, heading, thresholds, chosen) {
  const rows = list.slice(0, 5).map(({ entry, probability }) => {
    const bar = make("span", "bar-fill");
    bar.style.width = percent(probability);
    const track = make("span", "bar-track", bar);
    if (typeof thresholds?.sure === "number") {
      const tick = make("span", "tick sure");
      tick.style.left = percent(thresholds.sure);
      track.append(tick);
    }
    track.setAttribute("aria-hidden", "true");
    const label = make("span", "candidate", heading(entry));
    return make("li", entry === chosen ? "chosen" : "", label, make("span", "percent", percent(probability)), track);
  });
  return make("div", "block", make("h3", "", word("candidates")), make("ul", "bars", ...rows));
}

function facts(trace) {
  const list = make("dl", "facts");
  const add = (name, value) => value && list.append(make("div", "", make("dt", "", word(name)), make("dd", "", value)));
  const { sure, clarify } = trace.thresholds ?? {};
  if (typeof sure === "number" && typeof clarify === "number") {
    add("threshold_label", word("thresholds", { sure: percent(sure), clarify: percent(clarify) }));
  }
  if (trace.model) {
    const { name, verdict, ms } = trace.model;
    add("model", word("model_said", { name, verdict: typeof verdict === "string" ? verdict : JSON.stringify(verdict), ms: milliseconds(ms) }));
  }
  add("knowledge", trace.knowledge);
  add("took", trace.took_ms === undefined ? "" : milliseconds(trace.took_ms));
  return list;
}
