// One picture on its stage: fitted whatever its own size, made larger towards a point, and moved.

const STEP = 1.4;
const MOST = 8; // times the fitted size
const STRETCH = 4; // times its own size, where a small one is fitted
const NOTCH = 400; // of a wheel, to the natural logarithm of what it enlarges by

export class Stage {
  #sheet = document.createElement("div");
  #picture;
  #zoom = 1;

  constructor() {
    this.element = document.createElement("div");
    this.element.className = "viewer-stage";
    this.element.tabIndex = 0;
    this.#sheet.className = "viewer-sheet";
    this.element.addEventListener("wheel", (event) => this.#turnWheel(event), { passive: false });
    this.#bindPointer();
  }

  // The element of the picture before would show it until the next one is there.
  show(source, name, turn) {
    const picture = new Image();
    this.#picture = picture;
    picture.alt = name;
    picture.draggable = false;
    picture.addEventListener("load", () => this.#draw());
    picture.addEventListener("error", () => {
      if (picture === this.#picture) this.#say(`${name}: the picture could not be loaded.`);
    });
    picture.src = source;
    this.#sheet.replaceChildren(picture);
    this.element.replaceChildren(this.#sheet);
    this.turnTo(turn);
  }

  turnTo(turn) {
    this.#sheet.dataset.turn = turn;
    this.fit();
  }

  get isLarger() {
    return this.#zoom > 1;
  }

  larger() {
    this.#zoomTo(this.#zoom * STEP);
  }

  smaller() {
    this.#zoomTo(this.#zoom / STEP);
  }

  fit() {
    this.#zoom = 1;
    this.#draw();
  }

  move(across, down) {
    const { clientWidth, clientHeight } = this.element;
    this.element.scrollBy((across * clientWidth) / 8, (down * clientHeight) / 8);
  }

  #draw() {
    this.element.toggleAttribute("data-larger", this.isLarger);
    this.element.dispatchEvent(new Event("zoom"));
    const { naturalWidth, naturalHeight } = this.#picture;
    if (!naturalWidth) return;
    const isAcross = this.#sheet.dataset.turn % 180 === 0;
    const [width, height] = isAcross
      ? [naturalWidth, naturalHeight]
      : [naturalHeight, naturalWidth];
    this.#sheet.style.setProperty("--ratio", width / height);
    this.#sheet.style.setProperty("--most", `${STRETCH * width}px`);
    this.#sheet.style.setProperty("--zoom", this.#zoom);
  }

  // The point stays where it is; none is the middle.
  #zoomTo(zoom, point) {
    const stage = this.element.getBoundingClientRect();
    const x = point?.clientX ?? stage.left + stage.width / 2;
    const y = point?.clientY ?? stage.top + stage.height / 2;
    const before = this.#sheet.getBoundingClientRect();
    if (!before.width) return;
    // Less than a hundredth above is fitted: what steps down comes back to it.
    this.#zoom = zoom < 1.01 ? 1 : Math.min(zoom, MOST);
    this.#draw();
    const after = this.#sheet.getBoundingClientRect();
    this.element.scrollBy(
      after.left + ((x - before.left) / before.width) * after.width - x,
      after.top + ((y - before.top) / before.height) * after.height - y,
    );
  }

  #turnWheel(event) {
    if (event.shiftKey) return;
    event.preventDefault();
    this.#zoomTo(this.#zoom * Math.exp(-event.deltaY / NOTCH), event);
  }

  // A finger moves it by itself; a mouse takes hold of it. A click is a press that did not move.
  #bindPointer() {
    let last;
    let hasMoved = false;
    this.#sheet.addEventListener("pointerdown", (event) => {
      hasMoved = false;
      if (event.pointerType !== "mouse" || event.button) return;
      last = event;
      this.#sheet.setPointerCapture(event.pointerId);
    });
    this.#sheet.addEventListener("pointermove", (event) => {
      if (!this.#sheet.hasPointerCapture(event.pointerId)) return;
      const [across, down] = [last.clientX - event.clientX, last.clientY - event.clientY];
      hasMoved ||= Math.abs(across) + Math.abs(down) > 2;
      if (!hasMoved) return;
      this.element.scrollBy(across, down);
      last = event;
    });
    this.#sheet.addEventListener("click", (event) => {
      if (!hasMoved) this.#zoomTo(this.isLarger ? 1 : STEP * STEP, event);
    });
  }

  #say(sentence) {
    const line = document.createElement("p");
    line.className = "muted";
    line.setAttribute("role", "status");
    line.textContent = sentence;
    this.element.replaceChildren(line);
  }
}
