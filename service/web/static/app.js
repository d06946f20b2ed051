// What HTML cannot do by itself. Without this script every form still works.

// Buttons that need it are hidden until it is there.
function prepare(root) {
  for (const button of root.querySelectorAll("[data-shows]")) button.hidden = false;
  for (const button of root.querySelectorAll("[data-copies]")) button.hidden = !navigator.clipboard;
  for (const dialog of root.querySelectorAll("dialog[data-open]")) {
    if (dialog.open) continue;
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.remove());
  }
  root.querySelector("[data-focus]")?.focus();
}

document.addEventListener("click", async (event) => {
  const menu = document.querySelector("details.me[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
  const shows = event.target.closest("[data-shows]");
  if (shows) {
    const input = document.getElementById(shows.dataset.shows);
    const visible = input.type === "password";
    input.type = visible ? "text" : "password";
    shows.setAttribute("aria-pressed", String(visible));
  }
  const copies = event.target.closest("[data-copies]");
  if (copies) {
    await navigator.clipboard.writeText(document.getElementById(copies.dataset.copies).value);
    copies.textContent = copies.dataset.done;
  }
});

// The dialog over a page whose session was over: go on with what is typed, under the new session's token.
document.addEventListener("henji:signed-in", (event) => {
  const { token, name } = event.detail;
  if (document.body.dataset.person && document.body.dataset.person !== name) {
    location.reload();
    return;
  }
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  for (const header of Object.keys(headers)) headers[header] = token;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify(headers));
  for (const input of document.querySelectorAll("input[name=form_token]")) input.value = token;
  document.getElementById("login-dialog")?.close();
  document.getElementById("login-place").replaceChildren();
});

document.addEventListener("htmx:after:swap", () => prepare(document));
prepare(document);
