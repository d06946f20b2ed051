// Below the chat: the text, and the trays with stickers and with everything else that can be sent.

import { make, picture, STICKERS } from "./bubbles.js";
import { word } from "./words.js";

const MOST_BYTES = 10 * 1024 * 1024;
const $ = (id) => document.getElementById(id);

/** Have what is sent passed to `act(deed, body)`; `shop()` is the account's name, for a mention. */
export function startSending(act, shop) {
  const send = async (deed, body) => {
    try {
      await act(deed, body);
      say("");
    } catch {
      say(word("not_sent"));
      return false;
    }
    return true;
  };
  startText(send, shop);
  startTrays(send);
  startPicking(send);
}

/** Say what went wrong, above the text; nothing with an empty one. */
export function say(problem) {
  $("problem").textContent = problem;
  $("problem").hidden = !problem;
}

/** Put a text into the box, as if typed. */
export function fill(text) {
  $("text").value = text;
  $("text").focus();
  $("text").setSelectionRange(text.length, text.length);
}

/** Have a photo picked from this machine. */
export const pickPhoto = () => $("pick-photos").click();

/** Draw the stickers, in the language in use. */
export function drawStickers() {
  for (const button of $("stickers").children) {
    button.firstChild.alt = word(`sticker_${button.dataset.sticker}`);
  }
}

function startText(send, shop) {
  $("compose").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("text").value;
    if (!text.trim()) return;
    $("text").value = "";
    closeTrays();
    if (!(await send("texts", { text }))) $("text").value ||= text;
  });
  $("text").addEventListener("keydown", (event) => {
    // While an input method composes, Enter chooses characters (keyCode 229 is how Safari says so).
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    $("compose").requestSubmit();
  });
  $("mention").addEventListener("click", () => fill(`@${shop()} ${$("text").value}`));
}

function startTrays(send) {
  $("stickers").append(...STICKERS.map((name) => stickerButton(name, send)));
  for (const button of $("things").querySelectorAll("[data-send]")) {
    button.addEventListener("click", () => {
      closeTrays();
      send(button.dataset.send);
    });
  }
  for (const name of ["stickers", "things"]) {
    $(`${name}-button`).addEventListener("click", () => ($(name).hidden ? openTray(name) : closeTrays()));
    $(name).addEventListener("keydown", (event) => {
      if (event.key === "Escape") closeTrays(`${name}-button`);
    });
  }
}

function stickerButton(name, send) {
  const button = make("button", "", picture("", `/stickers/${name}.svg`, word(`sticker_${name}`)));
  button.type = "button";
  button.dataset.sticker = name;
  button.addEventListener("click", () => {
    closeTrays("stickers-button");
    send("stickers", { sticker: name });
  });
  return button;
}

function openTray(name) {
  closeTrays();
  $(name).hidden = false;
  $(`${name}-button`).setAttribute("aria-expanded", "true");
  $("log").scrollTop = $("log").scrollHeight;
}

/** Close both trays; `focus` is the id of what gets the focus then. */
export function closeTrays(focus) {
  for (const name of ["stickers", "things"]) {
    $(name).hidden = true;
    $(`${name}-button`).setAttribute("aria-expanded", "false");
  }
  if (focus) $(focus).focus();
}

function startPicking(send) {
  for (const button of $("things").querySelectorAll("[data-pick]")) {
    const input = $(`pick-${button.dataset.pick}`);
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      closeTrays();
      if (file.size > MOST_BYTES) say(word("too_large"));
      else await send(button.dataset.pick, { name: file.name, type: file.type, data: await base64(file) });
      input.value = "";
    });
  }
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
