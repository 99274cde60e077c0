// Keys of the console. Every page works without it: a key presses a button or follows a link that is there.
//
// In a page:  data-key="a" on a link, button or field: this key presses (or focuses) it. Two keys in a row: "g q".
//             data-refresh="2" on a part with an id: it is fetched anew after so many seconds, while it says so.
//             data-rows on a list: j and k move among its [data-row], enter opens the first link of the row.
//             data-row-key="c" in a row: this key presses it in the row that is chosen, or the first.
"use strict";

(() => {
  let before = ""; // the first of two keys

  const isTyping = (target) =>
    /^(input|select|textarea)$/i.test(target.tagName) && !/^(checkbox|radio|submit)$/.test(target.type);

  const press = (key) => {
    for (const each of document.querySelectorAll("[data-key]")) {
      if (each.dataset.key !== key || each.disabled || each.closest("[hidden]")) continue;
      if (isTyping(each)) each.focus();
      else each.click();
      return true;
    }
    return false;
  };

  const pressInRow = (key) => {
    const row = document.querySelector("[data-row=here]") || document.querySelector("[data-rows] [data-row]");
    for (const each of row ? row.querySelectorAll("[data-row-key]") : []) {
      if (each.dataset.rowKey !== key || each.disabled) continue;
      each.click();
      return true;
    }
    return false;
  };

  const move = (step) => {
    const rows = [...document.querySelectorAll("[data-rows] [data-row]")];
    if (rows.length === 0) return false;
    const at = rows.findIndex((row) => row.dataset.row === "here");
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    for (const row of rows) row.dataset.row = row === next ? "here" : "";
    const link = next.querySelector("a");
    (link || next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const both = `${before} ${event.key}`;
    before = event.key === "g" ? "g" : "";
    const pressed = press(both) || press(event.key) || pressInRow(event.key);
    const done = pressed || (event.key === "j" && move(1)) || (event.key === "k" && move(-1));
    if (done) {
      before = "";
      event.preventDefault();
    }
  });

  const refresh = async () => {
    const parts = [...document.querySelectorAll("[data-refresh][id]")];
    if (parts.length === 0) return;
    try {
      const answer = await fetch(location.href.split("#")[0], { credentials: "same-origin" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const other = fresh.getElementById(part.id);
        if (!other?.hasAttribute("data-refresh")) part.removeAttribute("data-refresh");
        if (other) part.replaceChildren(...other.childNodes);
      }
    } catch {
      // The service does not answer; it is asked again.
    } finally {
      wait();
    }
  };

  const wait = () => {
    const part = document.querySelector("[data-refresh][id]");
    if (part) setTimeout(refresh, 1000 * Math.max(Number(part.dataset.refresh) || 2, 1));
  };
  wait();
})();
