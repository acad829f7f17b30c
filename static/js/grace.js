// The strip over Undo runs out with the time that is left, and then takes the button with it.

export function bind(strip) {
  const left = Number(strip.dataset.seconds) * 1000;
  if (!Number.isFinite(left)) return;
  strip.style.setProperty("--grace", `${Math.max(left, 0)}ms`);
  setTimeout(() => {
    const form = strip.closest(".action-bar")?.querySelector("form");
    form?.replaceWith("The time to undo is over.");
    strip.remove();
  }, Math.max(left, 0));
}
