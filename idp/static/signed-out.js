// Goes on when every frame has loaded, or after a short time. Without scripts the page goes on by itself a little later.
"use strict";
(() => {
  const go = () => {
    const next = document.querySelector("a[data-onward]");
    if (next) location.replace(next.href);
  };
  // The window has loaded when its frames have.
  addEventListener("load", go);
  setTimeout(go, 3000);
})();
