/* What the pages need besides htmx: refusals shown in place, typed text kept, streams closed in hidden tabs. */
(() => {
  "use strict";
  const HIDDEN_MS = 20000;

  /* A refused form says why, beside its buttons; what was typed stays. */
  const say = (source, sentence) => {
    const place = source.querySelector?.(".error");
    if (place) {
      place.textContent = sentence;
      place.hidden = false;
      return;
    }
    document.querySelector(".toast")?.remove();
    const toast = Object.assign(document.createElement("p"), { className: "toast", textContent: sentence });
    toast.setAttribute("role", "alert");
    document.body.append(toast);
    setTimeout(() => toast.remove(), 6000);
  };
  const isForm = (event) => event.detail.elt.matches("form");
  document.addEventListener("htmx:responseError", (event) => {
    if (isForm(event)) say(event.detail.elt, event.detail.xhr.responseText);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (isForm(event)) say(event.detail.elt, document.body.dataset.offline);
  });

  /* A part with unsent input is not replaced by a live refresh. It learns the new revision; if other steps are due
     now, it says so and changes when asked, taking the typed text along. */
  document.addEventListener("input", (event) => {
    event.target.closest("[data-guard]")?.setAttribute("data-dirty", "");
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const old = event.detail.target;
    if (!old.matches("[data-guard][data-dirty]")) return;
    const part = event.detail.fragment;
    const fresh = part.id === old.id ? part : part.querySelector("#" + old.id);
    event.detail.shouldSwap = false;
    if (fresh.dataset.guard === old.dataset.guard) {
      for (const field of old.querySelectorAll("input[type=hidden]:not([data-keep])")) {
        const newer = fresh.querySelector(`form[action="${field.form.getAttribute("action")}"] input[name="${field.name}"]`);
        if (newer) field.value = newer.value;
      }
      return;
    }
    old.fresh = fresh.cloneNode(true);
    old.querySelector(".changed").hidden = false;
  });
  document.addEventListener("click", (event) => {
    const old = event.target.closest("[data-renew]")?.closest("[data-guard]");
    if (!old) return;
    for (const field of old.querySelectorAll("textarea")) {
      if (!field.value) continue;
      const place = old.fresh.querySelector(`textarea[name="${field.name}"]`);
      if (place) place.value = field.value;
      else old.fresh.append(Object.assign(document.createElement("textarea"), { value: field.value, readOnly: true, rows: 3 }));
    }
    old.fresh.setAttribute("data-dirty", "");
    old.replaceWith(old.fresh);
    htmx.process(old.fresh);
  });

  /* An article goes into the answer where the cursor is. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    const place = button && document.querySelector("#answer textarea[name=text]");
    if (!place) return;
    place.setRangeText(button.dataset.insert, place.selectionStart, place.selectionEnd, "end");
    place.dispatchEvent(new Event("input", { bubbles: true }));
    place.focus();
  });

  /* A quick answer goes into the reply, after what is there, to be changed before it is sent. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-answer]");
    const place = link && document.querySelector("#speak textarea[name=text]");
    if (!place) return;
    event.preventDefault();
    place.value = place.value.trim() ? `${place.value.trim()}\n${link.dataset.answer}` : link.dataset.answer;
    place.dispatchEvent(new Event("input", { bubbles: true }));
    const error = place.form.querySelector(".error");
    error.textContent = link.dataset.problem;
    error.hidden = !link.dataset.problem;
    place.focus();
  });

  /* How many files go along stands beside the words. */
  document.addEventListener("change", (event) => {
    const label = event.target.closest(".attach");
    if (label) label.dataset.chosen = event.target.files.length ? `（${event.target.files.length}）` : "";
  });

  /* A menu that is open closes when something else is touched. */
  document.addEventListener("click", (event) => {
    const menu = document.querySelector("nav .more[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  /* What a page that was left had asked for has no place on the next one. */
  const heed = () => {
    for (const part of document.querySelectorAll("[hx-trigger*='sse:']:not([data-heeded])")) {
      part.dataset.heeded = "";
      part.addEventListener("htmx:beforeOnLoad", (event) => { if (!part.isConnected) event.preventDefault(); });
    }
  };
  document.addEventListener("DOMContentLoaded", heed);
  document.addEventListener("htmx:afterSettle", heed);

  /* After a reply the next one can be typed at once. */
  let speaking = false;
  document.addEventListener("htmx:beforeRequest", (event) => { speaking = !!event.detail.elt.closest("#speak"); });
  document.addEventListener("htmx:afterSettle", () => {
    if (speaking) document.querySelector("#speak textarea")?.focus();
    speaking = false;
    count();
  });

  /* What waits stands in the tab's title. */
  const count = () => {
    const waiting = [...document.querySelectorAll("nav .count")].reduce((sum, one) => sum + Number(one.textContent), 0);
    document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  };
  document.addEventListener("DOMContentLoaded", count);

  /* A browser keeps six connections to a host: a tab that nobody looks at gives its stream back. */
  let timer;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    const live = document.querySelector("[sse-connect]");
    if (!live) return;
    if (document.hidden) {
      timer = setTimeout(() => {
        htmx.trigger(live, "htmx:beforeCleanupElement");
        live.dataset.asleep = "";
      }, HIDDEN_MS);
    } else if ("asleep" in live.dataset) {
      delete live.dataset.asleep;
      for (const part of [live, ...live.querySelectorAll("[hx-trigger*='sse:']")]) htmx.trigger(part, "htmx:afterProcessNode");
    }
  });
})();
