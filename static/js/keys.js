// Keys lead to what is on the page and marked with aria-keyshortcuts; they never decide.

// For what a page has not marked by itself.
const USUAL = {
  "/": "input[type=search]",
  Escape: "[data-cancel]",
  r: "[data-rotate]",
  z: "[data-zoom]",
};
const ROWS = "tbody th[scope=row] a[href], [data-row] a[href]";

function isTyping(target) {
  return target.isContentEditable || target.matches("input, textarea, select");
}

// Its own press would be the decision.
function isSending(element) {
  return element.type === "submit" && element.form?.method === "post";
}

function isShown(element) {
  return element.checkVisibility({ visibilityProperty: true }) && !element.closest("[inert]");
}

function scope() {
  return [...document.querySelectorAll("dialog:modal")].at(-1) ?? document;
}

// As the attribute has to call it: there, "+" joins keys.
const NAMES = { "+": "Plus" };

function marked(key, near) {
  const shown = (selector) => [...near.querySelectorAll(selector)].find(isShown);
  const usual = Object.hasOwn(USUAL, key) ? shown(USUAL[key]) : undefined;
  return shown(`[aria-keyshortcuts~="${CSS.escape(NAMES[key] ?? key)}"]`) ?? usual;
}

function act(element) {
  if (isTyping(element)) {
    element.focus();
    element.select?.();
  } else if (isSending(element)) {
    element.focus();
  } else {
    element.click();
  }
}

function step(by) {
  const rows = [...scope().querySelectorAll(ROWS)].filter(isShown);
  if (!rows.length) return false;
  const here = rows.indexOf(document.activeElement);
  const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

function pictureInFocus() {
  return document.activeElement?.closest(".shot, .viewer-side");
}

function showKeys() {
  const list = document.getElementById("keys");
  if (list && !document.querySelector("dialog:modal")) list.togglePopover();
  return Boolean(list);
}

function answer(key) {
  const picture = pictureInFocus();
  const element = (picture && marked(key, picture)) ?? marked(key, scope());
  if (element) {
    act(element);
    return true;
  }
  if (key === "?") return showKeys();
  if (key === "j" || key === "k") return step(key === "j" ? 1 : -1);
  return false;
}

export function bind(page) {
  page.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      if (isTyping(event.target) && scope() === document) event.target.blur();
      else if (scope() === document && !document.querySelector(":popover-open")) answer("Escape");
      return;
    }
    if (event.key.length !== 1 || event.repeat || isTyping(event.target)) return;
    if (answer(event.key)) event.preventDefault();
  });
}
