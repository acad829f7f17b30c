// A link to a page with [data-dialog]: that part opens as a modal window over this page.
// Whatever fails here, the link is followed or the form is sent as without script.

const SHOWN_AGAIN = [409, 422];
const SCRIPT = { "X-Requested-With": "dialog" };

function isPlain(event) {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

// The page of the part may have styles that this page has not.
async function wear(page, address) {
  const worn = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((l) => l.href));
  const sheets = [...page.querySelectorAll("link[rel=stylesheet]")]
    .map((sheet) => new URL(sheet.getAttribute("href"), address).href)
    .filter((href) => !worn.has(href));
  await Promise.all(sheets.map(load));
}

function load(href) {
  return new Promise((done) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = href;
    sheet.onload = sheet.onerror = done;
    document.head.append(sheet);
  });
}

// Addresses in the part are meant from the page that it comes from.
async function partOf(html, address) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const part = page.querySelector("[data-dialog]");
  if (!part) throw new Error("The page has no part for a dialog");
  await wear(page, address);
  for (const form of part.querySelectorAll("form")) {
    form.setAttribute("action", new URL(form.getAttribute("action") ?? "", address).href);
  }
  for (const link of part.querySelectorAll("a[href]:not([href^='#'])")) {
    link.href = new URL(link.getAttribute("href"), address).href;
  }
  part.dataset.title = page.title;
  return document.importNode(part, true);
}

function windowFor(part) {
  if (part.matches("dialog")) {
    part.removeAttribute("open");
    return part;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const title = part.getAttribute("aria-labelledby");
  if (title) dialog.setAttribute("aria-labelledby", title);
  dialog.dataset.title = part.dataset.title;
  dialog.append(part);
  return dialog;
}

// The browser would start at the first control, which closes the window.
function startAtTitle(dialog) {
  const title = dialog.querySelector("h1, h2");
  if (!title || dialog.querySelector("[autofocus]")) return;
  title.tabIndex = -1;
  title.focus({ focusVisible: false });
}

export function bind(link, enhance) {
  const title = document.title;
  let dialog;

  async function open() {
    if (!dialog) {
      const answer = await fetch(link.href, { redirect: "error", headers: SCRIPT });
      if (!answer.ok) throw new Error(`Answer ${answer.status}`);
      dialog = windowFor(await partOf(await answer.text(), link.href));
      await show(dialog);
    } else {
      lay(dialog);
    }
  }

  // What is read out first says whether something is wrong.
  function lay(fresh) {
    fresh.showModal();
    document.title = fresh.dataset.title || title;
  }

  async function show(fresh) {
    document.body.append(fresh);
    fresh.addEventListener("click", onClick);
    fresh.addEventListener("submit", onSubmit);
    // Where a key opened it, there was no focus to go back to.
    fresh.addEventListener("close", () => {
      if (dialog.open) return;
      document.title = title;
      const at = document.activeElement;
      if (at === document.body || fresh.contains(at)) link.focus();
    });
    lay(fresh);
    startAtTitle(fresh);
    await enhance(fresh);
  }

  function onClick(event) {
    const isBackdrop = event.target === event.currentTarget;
    if (isBackdrop || !event.target.closest("[data-cancel]") || !isPlain(event)) return;
    event.preventDefault();
    dialog.close();
  }

  async function onSubmit(event) {
    const form = event.target;
    if (form.method !== "post") return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    try {
      await send(form, event.submitter);
    } catch {
      sendPlainly(form, event.submitter);
    }
  }

  async function send(form, submitter) {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body: new FormData(form, submitter),
      redirect: "manual",
      // So that it is refused where one has to sign in: a redirect tells nobody where it leads.
      headers: SCRIPT,
    });
    if (answer.type === "opaqueredirect") {
      location.assign(dialog.dataset.done ?? location.pathname + location.search);
    } else if (answer.ok || SHOWN_AGAIN.includes(answer.status)) {
      await replace(await partOf(await answer.text(), link.href));
    } else {
      throw new Error(`Answer ${answer.status}`);
    }
  }

  async function replace(part) {
    const old = dialog;
    dialog = windowFor(part);
    old.close();
    old.remove();
    await show(dialog);
    const wrong = dialog.querySelector("[role=alert], [aria-invalid=true]");
    wrong?.scrollIntoView({ block: "nearest" });
    wrong?.focus();
  }

  function sendPlainly(form, submitter) {
    if (submitter?.name) {
      const chosen = document.createElement("input");
      chosen.type = "hidden";
      chosen.name = submitter.name;
      chosen.value = submitter.value;
      form.append(chosen);
    }
    form.submit();
  }

  link.addEventListener("click", async (event) => {
    if (event.defaultPrevented || !isPlain(event)) return;
    event.preventDefault();
    try {
      await open();
    } catch {
      location.assign(link.href);
    }
  });
}
