// Draws the preview of a form anew while somebody types: the same page that "Preview" would give.

const PAUSE_MS = 400;

export function bind(form) {
  let timer;
  let running;

  async function draw() {
    running?.abort();
    running = new AbortController();
    const body = new FormData(form);
    body.set("preview", "1");
    try {
      const answer = await fetch(form.getAttribute("action") || location.href, {
        method: "POST",
        body,
        redirect: "error",
        headers: { "X-Requested-With": "preview" },
        signal: running.signal,
      });
      replace(await answer.text());
    } catch {
      // The last preview stays; sending the form shows what is wrong.
    }
  }

  function replace(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = page.querySelector("[data-preview]");
    const shown = form.querySelector("[data-preview]") ?? document.querySelector("[data-preview]");
    if (!fresh || !shown) return;
    // What somebody has opened stays open, and nothing else opens.
    const opened = [...shown.querySelectorAll("details")].map((it) => it.open);
    fresh.querySelectorAll("details").forEach((it, place) => { it.open = opened[place] ?? false; });
    shown.replaceChildren(...fresh.childNodes);
  }

  form.addEventListener("input", () => {
    // What was typed since is not what was shown.
    form.querySelector("[name=preview_digest]")?.remove();
    clearTimeout(timer);
    timer = setTimeout(draw, PAUSE_MS);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    running?.abort();
  });
}
