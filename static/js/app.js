// Small helps that every page may use; all of it works without.

// A page that came back with errors starts at the list of them.
document.querySelector(".error-summary")?.focus();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.hasAttribute("data-print")) {
    window.print();
    return;
  }
  // data-copy names the element whose text is copied; data-copied is said afterwards.
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  const label = button.textContent;
  button.textContent = button.dataset.copied;
  button.addEventListener("blur", () => { button.textContent = label; }, { once: true });
});

// A double click sends a form once: of two answers the browser keeps the second alone, and a link
// that works once is over by then. A moment later, or once it was stopped, it can be sent again.
let justSent = new WeakSet();
document.addEventListener("submit", (event) => {
  const sent = event.target;
  if (event.defaultPrevented || sent.method !== "post") return;
  if (justSent.has(sent)) event.preventDefault();
  justSent.add(sent);
  setTimeout(() => justSent.delete(sent), 1000);
});
window.navigation?.addEventListener("navigateerror", () => { justSent = new WeakSet(); });

// Buttons that need a script are hidden until there is one.
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;

// After a swap by htmx, the errors of the new part come first, too.
document.addEventListener("htmx:afterSwap", (event) => {
  event.target.querySelector?.(".error-summary")?.focus();
});

// Five minutes before the session ends, ask whether to go on; nothing that was typed is lost.
const banner = document.querySelector(".session-banner");
if (banner) {
  let timer;
  const wait = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(() => { banner.hidden = false; banner.querySelector("button").focus(); }, Math.max(seconds - 300, 0) * 1000);
  };
  wait(Number(document.body.dataset.sessionSeconds));
  banner.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) { form.submit(); return; }
    banner.hidden = true;
    wait((await answer.json()).seconds);
  });
}

// The browser gave no passkey: the person said no, the device holds one already, or it cannot.
document.addEventListener("allauth.error", (event) => {
  const said = document.getElementById("passkey-error");
  if (!said) return;
  const isKnown = event.detail.exception?.name === "InvalidStateError";
  said.textContent = isKnown ? said.dataset.known : said.dataset.failed;
});
