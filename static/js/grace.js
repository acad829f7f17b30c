// The strip over Undo runs out with the time that is left; then the bar says that it is over.

export function bind(bar) {
  const left = Number(bar.dataset.left) * 1000;
  if (!Number.isFinite(left)) return;
  const strip = bar.querySelector(".grace");
  strip?.style.setProperty("--grace", `${left}ms`);
  setTimeout(() => {
    for (const part of bar.querySelectorAll("[data-while]")) part.hidden = true;
    for (const part of bar.querySelectorAll("[data-after]")) part.hidden = false;
  }, Math.max(left, 0));
}
