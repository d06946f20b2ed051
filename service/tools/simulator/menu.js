// The menu of one's own bubble: take it back, or have LINE deliver it again. Opened by its button, a right click, or a
// long press.

const LONG_PRESS_MS = 500;
const MARGIN = 8;
const $ = (id) => document.getElementById(id);
let open = null;

/** Let `button` and `row` open the menu for `line`. */
export function openMenu(row, button, line, actions) {
  const show = () => showMenu(line, actions);
  button.dataset.line = line.key;
  button.addEventListener("click", () => (open === line.key ? hideMenu() : show()));
  row.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, video")) return;
    event.preventDefault();
    show();
  });
  let pressed = 0;
  row.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") pressed = setTimeout(show, LONG_PRESS_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) row.addEventListener(end, () => clearTimeout(pressed));
}

// The bubble, and its button, may have been drawn anew since the menu was opened.
const opener = () => document.querySelector(`.more[data-line="${CSS.escape(open ?? "")}"]`);

function showMenu(line, actions) {
  open = line.key;
  $("unsend").hidden = line.unsent || !line.message;
  $("unsend").onclick = () => choose(actions.unsend, line);
  $("redeliver").onclick = () => choose(actions.redeliver, line);
  $("menu").hidden = false;
  place();
  $("menu").querySelector("button:not([hidden])").focus();
}

function place() {
  const [menu, button] = [$("menu"), opener()];
  if (!button) {
    hideMenu();
    return;
  }
  const [anchor, phone] = [button, button.closest(".phone")].map((element) => element.getBoundingClientRect());
  const top = anchor.bottom + menu.offsetHeight + MARGIN < innerHeight ? anchor.bottom : anchor.top - menu.offsetHeight;
  menu.style.top = `${Math.max(MARGIN, top)}px`;
  menu.style.left = `${Math.max(MARGIN, Math.min(anchor.left, phone.right - menu.offsetWidth - MARGIN))}px`;
}

function choose(action, line) {
  hideMenu();
  action(line);
}

function hideMenu() {
  const button = opener();
  $("menu").hidden = true;
  open = null;
  button?.focus();
}

document.addEventListener("keydown", (event) => {
  if (open && event.key === "Escape") hideMenu();
});
document.addEventListener("pointerdown", (event) => {
  if (open && !event.target.closest("#menu, .more")) hideMenu();
});
document.addEventListener("scroll", () => open && place(), true);
