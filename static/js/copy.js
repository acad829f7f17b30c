// A button that copies what data-copy holds, and says so for a moment.

const SHOWN_MS = 1500;

export function bind(button) {
  const label = button.getAttribute("aria-label");
  const use = button.querySelector("use");
  const icon = use?.getAttribute("href");

  function show(words, name) {
    button.setAttribute("aria-label", words);
    use?.setAttribute("href", icon.replace(/#.*/, `#${name}`));
  }

  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      show("Copied", "i-check");
    } catch {
      show("Not copied: select the text and copy it by hand", "i-cross");
    }
    setTimeout(() => show(label, icon.split("#")[1]), SHOWN_MS);
  });
}
