// One chat: rows of bubbles, what they cost, the quick replies under the last one, and the menu of one's own bubbles.

import { bubble, make } from "./bubbles.js";
import { day, dayName, timeOfDay } from "./clock.js";
import { openMenu } from "./menu.js";
import { language, word } from "./words.js";

const drawn = new Map();
let drawnFor = null;

/**
 * Draw `chat` into `log`, as `chat.me` sees it. Bubbles already there stay, so that only new ones are read out.
 * Returns whether the end of the chat is to be in view.
 */
export function drawChat(log, chat, actions) {
  const view = `${chat.who.id} ${chat.me} ${language()}`;
  const isOther = drawnFor !== view;
  if (isOther) {
    log.setAttribute("aria-live", "off");
    log.replaceChildren();
    drawn.clear();
    drawnFor = view;
  }
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const visible = chat.lines.filter((line) => line.type);
  log.querySelector(".empty, .writing")?.remove();
  visible.forEach((line, index) => drawLine(log, line, visible[index - 1], chat, actions));
  if (!visible.length) log.append(make("p", "empty", word("nothing_yet")));
  if (chat.loading_ms > 0) log.append(writing(chat.loading_ms));
  const isOwn = visible.at(-1)?.author === chat.me;
  if (isOther) requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  return isOther || isAtEnd || isOwn;
}

/** Draw the quick replies of the chat's very last line; any tap or message takes them away, as on LINE. */
export function drawButtons(box, chat, actions) {
  const shown = chat.who.open ? chat.lines.at(-1)?.buttons ?? [] : [];
  const signature = JSON.stringify([chat.who.id, chat.lines.at(-1)?.key, shown, language()]);
  if (box.dataset.signature === signature) return;
  box.dataset.signature = signature;
  box.hidden = shown.length === 0;
  box.replaceChildren(...shown.map((action) => quickReply(box, action, actions)));
}

function quickReply(box, action, actions) {
  if (action.type === "uri") {
    const link = make("a", "pill", action.label);
    Object.assign(link, { href: action.uri, target: "_blank", rel: "noopener noreferrer" });
    return link;
  }
  const pill = make("button", "pill", action.label);
  pill.type = "button";
  pill.addEventListener("click", () => {
    box.hidden = true;
    actions.tap(action);
  });
  return pill;
}

const writer = (line) => (line.side === "shop" ? `shop ${line.sender ?? ""}` : line.author);

function drawLine(log, line, before, chat, actions) {
  const startsDay = !before || day(before.at) !== day(line.at);
  const startsGroup = startsDay || writer(before) !== writer(line);
  const signature = JSON.stringify([line, startsDay, startsGroup]);
  const old = drawn.get(line.key);
  if (old?.signature === signature) return;
  const element = make("div", "line-group", startsDay ? make("p", "day", dayName(line.at)) : null);
  const isOwn = line.side === "customer" && line.author === chat.me;
  element.append(isOwn ? outgoing(line, actions) : incoming(line, startsGroup, chat));
  const hasFocus = old?.element.contains(document.activeElement);
  if (old) old.element.replaceWith(element);
  else log.append(element);
  if (hasFocus) element.querySelector(".more")?.focus();
  drawn.set(line.key, { signature, element });
}

function incoming(line, startsGroup, chat) {
  const { name, from, isShop } = speaker(line, chat);
  const avatar = make("div", startsGroup ? `avatar ${isShop ? "shop-avatar" : ""}` : "avatar blank", startsGroup ? name.slice(0, 1) : "");
  avatar.setAttribute("aria-hidden", "true");
  const meta = make("div", "meta", isShop ? price(line) : null, make("time", "", timeOfDay(line.at)));
  const title = startsGroup ? make("p", "sender", from ?? name, from ? make("span", "from", ` from ${name}`) : null) : null;
  return make("div", "row in", avatar, make("div", "stack", title, make("div", "bubble-row", bubble(line), meta)));
}

/** Who speaks; LINE shows a message's own sender name as "name from account". */
function speaker(line, chat) {
  if (line.side === "shop") return { name: chat.shop, from: line.sender, isShop: true };
  return { name: chat.who.members?.find((member) => member.id === line.author)?.name ?? "?", isShop: false };
}

function price(line) {
  const mark = make("span", `mark ${line.mark}`, word(line.mark));
  mark.title = word(`${line.mark}_hint`);
  return mark;
}

function outgoing(line, actions) {
  const more = make("button", "more", "⋯");
  more.type = "button";
  more.setAttribute("aria-label", word("menu"));
  more.setAttribute("aria-haspopup", "true");
  const meta = make("div", "meta", line.read && !line.failed ? make("span", "read", word("read")) : null, make("time", "", timeOfDay(line.at)));
  const row = make("div", "row out", make("div", "bubble-row", more, meta, bubble(line)));
  openMenu(row, more, line, actions);
  if (line.failed) {
    const retry = make("button", "retry", word("retry"));
    retry.type = "button";
    retry.addEventListener("click", () => {
      retry.disabled = true;
      actions.redeliver(line);
    });
    row.append(make("p", "failed", `${word("failed")} `, retry));
  }
  return row;
}

function writing(milliseconds) {
  const dots = make("div", "row in writing", make("div", "avatar blank"), make("div", "bubble dots", make("i"), make("i"), make("i")));
  dots.setAttribute("aria-label", word("writing"));
  dots.setAttribute("role", "img");
  setTimeout(() => dots.remove(), milliseconds);
  return dots;
}
