// Every page works without this file. What is marked data-enhance="…" gets a shorter way.

const behaviours = {
  copy: () => import("./copy.js"),
  dialog: () => import("./dialog.js"),
  filter: () => import("./filter.js"),
  grace: () => import("./grace.js"),
  menu: () => import("./menu.js"),
  passkey: () => import("./passkey.js"),
  preview: () => import("./preview.js"),
  viewer: () => import("./viewer.js"),
};

export async function enhance(root) {
  const marked = [...root.querySelectorAll("[data-enhance]")];
  if (root.matches?.("[data-enhance]")) marked.push(root);
  await Promise.all(marked.map(bind));
}

async function bind(element) {
  const names = element.dataset.enhance.split(" ").filter((name) => name in behaviours);
  delete element.dataset.enhance;
  for (const name of names) {
    const behaviour = await behaviours[name]();
    behaviour.bind(element, enhance);
  }
}

enhance(document.body);
if ("shortcuts" in document.body.dataset) {
  import("./keys.js").then((keys) => keys.bind(document));
}
