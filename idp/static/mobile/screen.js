// The one place of the page that changes.
const app = document.getElementById("app");

// Builds elements without any HTML in strings: names that others chose are always text.
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export function show(...nodes) {
  app.replaceChildren(...nodes);
  app.querySelector("input, h1")?.focus?.();
}

export const title = (text) => el("h1", { tabIndex: -1 }, text);
export const card = (...children) => el("div", { className: "card" }, ...children);

export function note(id, text) {
  const line = document.getElementById(id);
  if (line && line.textContent !== text) line.textContent = text;
}
