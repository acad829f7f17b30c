// Shortens the list of options after an input: groups without a match disappear, ticked ones stay.

function plain(text) {
  return text.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
}

export function bind(input) {
  const scope = input.closest("fieldset, form");
  const options = [...scope.querySelectorAll(".check")];
  const groups = [...scope.querySelectorAll(".reason-group")];
  const said = document.createElement("p");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  (input.closest(".search") ?? input).after(said);

  function apply() {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    for (const option of options) {
      const text = plain(`${option.textContent} ${option.querySelector("input").value}`);
      const isTicked = option.querySelector("input").checked;
      option.hidden = !isTicked && !words.every((word) => text.includes(word));
    }
    for (const group of groups) group.hidden = !group.querySelector(".check:not([hidden])");
    const shown = options.filter((option) => !option.hidden).length;
    const isEmpty = words.length && !shown;
    said.classList.toggle("visually-hidden", !isEmpty);
    said.textContent = isEmpty
      ? `Nothing matches “${input.value.trim()}”.`
      : words.length ? `${shown} of ${options.length} shown` : "";
  }

  input.addEventListener("input", apply);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
    if (event.key === "Escape" && input.value) {
      event.preventDefault();
      event.stopPropagation();
      input.value = "";
      apply();
    }
  });
}
