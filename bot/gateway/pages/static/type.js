// 大字: larger type, kept on this device. Runs before the page is drawn, so that nothing jumps.
(() => {
  const root = document.documentElement;
  let kept = null;
  try { kept = localStorage.getItem("type"); } catch { /* a browser that keeps nothing */ }
  root.classList.toggle("large", kept === "large");
  addEventListener("DOMContentLoaded", () => {
    const larger = document.getElementById("larger");
    const show = () => larger.setAttribute("aria-pressed", root.classList.contains("large"));
    larger.hidden = false;
    show();
    larger.addEventListener("click", () => {
      const large = root.classList.toggle("large");
      show();
      try { localStorage.setItem("type", large ? "large" : "usual"); } catch { /* for this page only, then */ }
    });
  });
})();
