// Pictures turn in place and open large over the page; without script the links do both.

const TURN = 90;
const FULL = 360;

function turnOf(figure) {
  return Number(figure.dataset.turn ?? 0);
}

function turn(figure) {
  const next = (turnOf(figure) + TURN) % FULL;
  if (next) figure.dataset.turn = next;
  else delete figure.dataset.turn;
}

function button(label, name, icons, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button-icon";
  made.setAttribute("aria-label", label);
  made.innerHTML = '<svg class="icon" aria-hidden="true"><use/></svg>';
  made.querySelector("use").setAttribute("href", `${icons}#${name}`);
  made.addEventListener("click", onClick);
  return made;
}

function large(figure, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "viewer";
  dialog.setAttribute("aria-label", figure.querySelector("figcaption b")?.textContent ?? "Picture");
  const stage = document.createElement("div");
  stage.className = "viewer-stage";
  stage.tabIndex = 0;
  const picture = document.createElement("img");
  picture.src = link.href;
  picture.alt = figure.querySelector("img")?.alt ?? "";
  stage.append(picture);
  if (turnOf(figure)) stage.dataset.turn = turnOf(figure);
  dialog.append(tools(dialog, stage, figure), stage);
  dialog.addEventListener("close", () => dialog.remove());
  stage.addEventListener("click", () => zoom(stage, stage.dataset.zoom ? -1 : 1));
  document.body.append(dialog);
  dialog.showModal();
  stage.focus();
}

function tools(dialog, stage, figure) {
  const icons = figure.querySelector("use")?.getAttribute("href").split("#")[0] ?? "";
  const bar = document.createElement("div");
  bar.className = "viewer-tools";
  const closer = button("Close", "i-cross", icons, () => dialog.close());
  const turner = button("Rotate", "i-rotate", icons, () => turn(stage));
  turner.setAttribute("aria-keyshortcuts", "r");
  const nearer = button("Larger", "i-plus", icons, () => zoom(stage, 1));
  nearer.setAttribute("aria-keyshortcuts", "z");
  bar.append(button("Smaller", "i-minus", icons, () => zoom(stage, -1)), nearer, turner, closer);
  return bar;
}

function zoom(stage, by) {
  const level = Math.min(Math.max(Number(stage.dataset.zoom ?? 0) + by, 0), 3);
  if (level) stage.dataset.zoom = level;
  else delete stage.dataset.zoom;
  stage.scrollTo({
    left: (stage.scrollWidth - stage.clientWidth) / 2,
    top: (stage.scrollHeight - stage.clientHeight) / 2,
  });
}

export function bind(evidence) {
  evidence.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const figure = link?.closest(".shot");
    if (!figure || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-rotate]")) {
      event.preventDefault();
      turn(figure);
    } else if (link.matches("[data-zoom], .shot-frame")) {
      event.preventDefault();
      large(figure, link);
    }
  });
}
