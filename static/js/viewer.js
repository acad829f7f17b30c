// Pictures turn in place, and open large over the page, alone or two side by side; without script
// the links do all of it.

import { Stage } from "./stage.js";

const TURN = 90;
const FULL = 360;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function turnOf(figure) {
  return Number(figure.dataset.turn ?? 0);
}

function turn(figure) {
  const next = (turnOf(figure) + TURN) % FULL;
  if (next) figure.dataset.turn = next;
  else delete figure.dataset.turn;
}

function made(tag, className, ...inside) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...inside);
  return element;
}

function button(label, keys, inside, onClick) {
  const one = made("button", "button", ...inside);
  one.type = "button";
  if (keys) one.setAttribute("aria-keyshortcuts", keys);
  one.setAttribute("aria-label", label);
  one.title = label;
  one.addEventListener("click", onClick);
  return one;
}

function iconButton(label, keys, [sprite, name], onClick) {
  const holder = made("span", "");
  holder.innerHTML = '<svg class="icon" aria-hidden="true"><use/></svg>';
  holder.querySelector("use").setAttribute("href", `${sprite}#i-${name}`);
  const one = button(label, keys, holder.childNodes, onClick);
  one.classList.add("button-icon");
  return one;
}

// A stage with its caption and its tools.
class Side {
  stage = new Stage();

  constructor(shots, sprite, onTurn) {
    this.shots = shots;
    this.name = made("b", "");
    this.position = made("span", "small muted");
    const caption = made("p", "", this.name, " ", this.position);
    caption.setAttribute("aria-live", "polite");
    const tool = (label, keys, icon, onClick) => iconButton(label, keys, [sprite, icon], onClick);
    const steps = [
      tool("Previous picture", "", "previous", () => this.step(-1)),
      tool("Next picture", "", "next", () => this.step(1)),
    ];
    this.smaller = tool("Smaller", "-", "minus", () => this.stage.smaller());
    this.fitted = tool("Fit", "0", "fit", () => this.stage.fit());
    const tools = made(
      "div",
      "row push",
      ...(shots.length > 1 ? steps : []),
      this.smaller,
      tool("Larger", "z Plus =", "plus", () => this.stage.larger()),
      this.fitted,
      tool("Rotate", "r", "rotate", () => onTurn(this.shot)),
    );
    this.element = made("div", "viewer-side", this.stage.element);
    this.element.role = "group";
    this.element.append(made("div", "row viewer-tools", caption, tools));
    this.stage.element.addEventListener("zoom", () => {
      this.smaller.ariaDisabled = this.fitted.ariaDisabled = !this.stage.isLarger;
    });
  }

  get shot() {
    return this.shots[this.place];
  }

  show(place) {
    this.place = place;
    const picture = this.shot.querySelector("img");
    this.name.textContent = picture.alt;
    this.position.textContent = `${place + 1} of ${this.shots.length}`;
    this.element.setAttribute("aria-label", picture.alt);
    this.stage.show(picture.src, picture.alt, turnOf(this.shot));
  }

  step(by) {
    this.show((this.place + by + this.shots.length) % this.shots.length);
  }
}

// The picture that is shown stays; beside a document the selfie, beside the selfie a document.
function pairOf(shots, place) {
  const selfie = shots.findIndex((shot) => shot.matches(".shot-selfie"));
  if (selfie < 0) return [place, (place + 1) % shots.length];
  return [place === selfie ? Number(selfie === 0) : place, selfie];
}

function openViewer(shots, sprite, place, isPair) {
  const dialog = made("dialog", "viewer");
  const turnBoth = (shot) => {
    turn(shot);
    for (const side of sides.filter((it) => it.shot === shot)) side.stage.turnTo(turnOf(shot));
  };
  const sides = [0, 1].map(() => new Side(shots, sprite, turnBoth));
  const inFocus = () => sides.find((it) => it.element.contains(document.activeElement)) ?? sides[0];
  const hall = made("div", "viewer-sides", ...sides.map((side) => side.element));

  function show(places) {
    places.forEach((one, number) => sides[number].show(one));
    sides[1].element.hidden = places.length < 2;
    pairing.ariaPressed = places.length === 2;
  }

  function pair() {
    const side = inFocus();
    show(pairing.ariaPressed === "true" ? [side.place] : pairOf(shots, side.place));
    if (side.element.hidden) sides[0].stage.element.focus();
  }

  const key = made("kbd", "", "c");
  key.ariaHidden = true;
  const pairing = button("Side by side", "c", ["Side by side", key], pair);
  const closer = iconButton("Close", "", [sprite, "cross"], () => dialog.close());
  const title = made("h2", "", "Pictures");
  const ends = made("div", "row push", ...(shots.length > 1 ? [pairing] : []), closer);
  dialog.append(made("div", "row viewer-bar", title, ends), hall);
  dialog.setAttribute("aria-label", "Pictures");
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("keydown", (event) => {
    const by = ARROWS[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const side = inFocus();
    if (side.stage.isLarger) side.stage.move(...by);
    else if (by[0]) side.step(by[0]);
    event.preventDefault();
  });
  document.body.append(dialog);
  show(isPair ? pairOf(shots, place) : [place]);
  dialog.showModal();
  sides[0].stage.element.focus();
  return dialog;
}

export function bind(evidence) {
  evidence.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const figure = link?.closest(".shot");
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link?.matches("[data-rotate]")) {
      turn(figure);
    } else if (link?.matches("[data-zoom], .shot-frame, [data-pair]")) {
      const shots = [...evidence.querySelectorAll(".shot")].filter((it) => it.querySelector("img"));
      const [sprite] = evidence.querySelector("use").getAttribute("href").split("#");
      const dialog = openViewer(shots, sprite, Math.max(shots.indexOf(figure), 0), !figure);
      // Where a key opened it, there was no focus to go back to.
      dialog.addEventListener("close", () => {
        if (document.activeElement === document.body) link.focus();
      });
    } else {
      return;
    }
    event.preventDefault();
  });
}
