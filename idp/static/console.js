// Copy buttons beside what can be copied, and the fragment of an answer sent on. Everything works without it.
"use strict";
for (const element of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(element.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const block = element.closest("pre");
  if (block) block.after(button); else element.after(button);
}
if (document.querySelector("[data-fragment]") && location.hash.length > 1) {
  location.replace(location.pathname + "?" + location.hash.slice(1));
}
