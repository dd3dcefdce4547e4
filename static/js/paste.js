// Paste and check: show the secret, fill both fields from one paste, say that a check is under way.
// The server does all of it, too; without this script the pages work the same.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
  const label = button.firstChild;
  button.dataset.show ??= label.textContent;
  label.textContent = shown ? button.dataset.show : button.dataset.hide;
});

const VALUE = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/gi;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff\u00ad]/g;

// Two values in one text, in the order key, secret; null when the text is anything else.
function pairIn(text) {
  const clean = text.replace(INVISIBLE, "");
  const found = [...clean.matchAll(VALUE)];
  if (found.length !== 2 || found[0][0] === found[1][0]) return null;
  const before = clean.slice(0, found[0].index);
  const between = clean.slice(found[0].index + 32, found[1].index);
  const isSecret = /secret|geheim|secrète|secreto/i;
  const turned = isSecret.test(before) && !isSecret.test(between);
  const values = found.map((match) => match[0]);
  return turned ? values.reverse() : values;
}

const form = document.querySelector("form.paste");
form?.addEventListener("paste", (event) => {
  const pair = pairIn(event.clipboardData?.getData("text") ?? "");
  if (!pair) return;
  event.preventDefault();
  form.elements.key.value = pair[0];
  form.elements.secret.value = pair[1];
  const news = form.querySelector("[data-both]");
  news.textContent = news.dataset.both;
  form.querySelector("[type=submit]").focus();
});

// A second click must not send the form again; the server would not mind, the person might.
document.addEventListener("submit", (event) => {
  const sent = event.target;
  if (event.defaultPrevented || !sent.dataset.busy) return;
  if (sent.hasAttribute("aria-busy")) {
    event.preventDefault();
    return;
  }
  sent.setAttribute("aria-busy", "true");
  const button = event.submitter ?? sent.querySelector("button:not([type=button])");
  button.setAttribute("aria-busy", "true");
  const status = document.createElement("p");
  status.className = "busy";
  status.setAttribute("role", "status");
  button.after(status);
  requestAnimationFrame(() => { status.textContent = sent.dataset.busy; });
});

function readyAgain() {
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.removeAttribute("aria-busy");
  for (const status of document.querySelectorAll(".busy")) status.remove();
}

// Whoever stops the page while it waits may send the form again; what was typed stands as it was.
window.navigation?.addEventListener("navigateerror", readyAgain);

// Coming back by the Back button finds the form ready and empty.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  readyAgain();
  form?.reset();
});
