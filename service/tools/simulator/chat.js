// One customer's chat: bubbles, what they cost, and the quick replies under the last one.

import { language, word } from "./words.js";

const LINK = /https?:\/\/[^\s<>"'（）「」、。]+/g;
const TILES = new Set(["image", "sticker", "video", "audio", "file", "location"]);
const drawn = new Map();
let drawnFor = null;

/** Make an element with a class and children; strings become text, never HTML. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The time of day, in the page's language. */
export const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", hour12: false });

/** Draw the chat into `log`. Bubbles already there stay, so that only new ones are read out. */
export function drawChat(log, chat, actions) {
  const customer = `${chat.customer.id} ${language()}`;
  const isOther = drawnFor !== customer;
  if (isOther) {
    log.setAttribute("aria-live", "off");
    log.replaceChildren();
    drawn.clear();
    drawnFor = customer;
  }
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const visible = chat.lines.filter((line) => line.type);
  log.querySelector(".empty, .writing")?.remove();
  visible.forEach((line, index) => drawLine(log, line, visible[index - 1], chat, actions));
  if (!visible.length) log.append(make("p", "empty", word("nothing_yet")));
  if (chat.loading_ms > 0) log.append(writing(chat.loading_ms));
  const isOwn = visible.at(-1)?.side === "customer";
  if (isOther || isAtEnd || isOwn) log.scrollTop = log.scrollHeight;
  if (isOther) requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
}

/** Draw the quick replies of the chat's very last line; any tap or message takes them away, as on LINE. */
export function drawButtons(box, chat, actions) {
  const actionsShown = chat.lines.at(-1)?.buttons ?? [];
  const signature = JSON.stringify([chat.customer.id, chat.lines.at(-1)?.key, actionsShown, language()]);
  if (box.dataset.signature === signature) return;
  box.dataset.signature = signature;
  box.hidden = actionsShown.length === 0;
  box.replaceChildren(...actionsShown.map((action) => button(box, action, actions)));
}

function button(box, action, actions) {
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

function drawLine(log, line, before, chat, actions) {
  const startsDay = !before || day(before.at) !== day(line.at);
  const startsGroup = startsDay || before.side !== line.side || before.sender !== line.sender;
  const signature = JSON.stringify([line, startsDay, startsGroup]);
  const old = drawn.get(line.key);
  if (old?.signature === signature) return;
  const element = make("div", "line-group", startsDay ? make("p", "day", dayName(line.at)) : null);
  element.append(line.side === "shop" ? incoming(line, startsGroup, chat) : outgoing(line, actions));
  if (old) old.element.replaceWith(element);
  else log.append(element);
  drawn.set(line.key, { signature, element });
}

function incoming(line, startsGroup, chat) {
  const avatar = make("div", startsGroup ? "avatar shop-avatar" : "avatar blank", startsGroup ? chat.shop.slice(0, 1) : "");
  avatar.setAttribute("aria-hidden", "true");
  const mark = make("span", `mark ${line.mark}`, word(line.mark));
  mark.title = word(`${line.mark}_hint`);
  const meta = make("div", "meta", mark, make("time", "", clock(line.at)));
  // LINE shows a message's own sender name as "name from account".
  const from = line.sender ? make("span", "from", ` from ${chat.shop}`) : null;
  const name = startsGroup ? make("p", "sender", line.sender ?? chat.shop, from) : null;
  return make("div", "row in", avatar, make("div", "stack", name, make("div", "bubble-row", body(line), meta)));
}

function outgoing(line, actions) {
  const meta = make("div", "meta", line.read && !line.failed ? make("span", "read", word("read")) : null, make("time", "", clock(line.at)));
  const row = make("div", "row out", make("div", "bubble-row", meta, body(line)));
  if (line.failed) {
    const retry = make("button", "retry", word("retry"));
    retry.type = "button";
    retry.addEventListener("click", () => {
      retry.disabled = true;
      actions.retry(line.key);
    });
    row.append(make("p", "failed", `${word("failed")} `, retry));
  }
  return row;
}

function body(line) {
  if (line.unsent) return make("div", "bubble unsent", word("unsent"));
  if (line.type === "image" && line.photo) return photo(line);
  if (line.text) return make("div", "bubble", ...linked(line.text));
  return tile(line.type);
}

function photo(line) {
  const image = make("img", "photo");
  Object.assign(image, { src: line.photo, alt: word("photo_tile"), width: 180, height: 135 });
  image.addEventListener("error", () => image.replaceWith(tile("image")));
  return image;
}

function tile(type) {
  const name = type === "image" ? "photo" : type;
  return make("div", `tile ${name}`, TILES.has(type) ? word(`${name}_tile`) : word("other_tile", { type }));
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = make("a", "", match[0]);
    Object.assign(link, { href: match[0], target: "_blank", rel: "noopener noreferrer" });
    parts.push(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}

function writing(milliseconds) {
  const dots = make("div", "row in writing", make("div", "avatar blank"), make("div", "bubble dots", make("i"), make("i"), make("i")));
  dots.setAttribute("aria-label", word("writing"));
  dots.setAttribute("role", "img");
  setTimeout(() => dots.remove(), milliseconds);
  return dots;
}

const day = (seconds) => new Date(seconds * 1000).toDateString();

const dayName = (seconds) =>
  day(seconds) === new Date().toDateString()
    ? word("today")
    : new Date(seconds * 1000).toLocaleDateString(language(), { month: "long", day: "numeric", weekday: "short" });
