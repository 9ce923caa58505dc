// Goes on by itself when the phone has answered. Without scripts the person presses the button.
"use strict";
(() => {
  const form = document.querySelector("form[data-status]");
  if (!form) return;
  const slowest = 10000;
  let pause = 2000;
  async function look() {
    try {
      const answer = await fetch(form.dataset.status, { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.ok) {
        pause = 2000;
        const { state } = await answer.json();
        if (state !== "pending") return form.requestSubmit(document.getElementById("continue"));
      } else {
        pause = Math.min(pause * 2, slowest);
      }
    } catch {
      // Offline for a moment: ask again, more slowly.
      pause = Math.min(pause * 2, slowest);
    }
    setTimeout(look, pause);
  }
  setTimeout(look, pause);
})();
