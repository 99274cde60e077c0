// Keys and refreshing of the console. Every page works without it: a key presses a button or follows a link that is
// there, and what is refreshed is also got by loading the page again.
//
// In a page:  data-key="a" on a link, button or field: this key presses (or focuses) it. Two keys in a row: "g q".
//             data-rows on a list: j and k move among its [data-row], enter opens the first link of the row.
//             data-refresh="30" with an id on a part: it is fetched again after so many seconds (10 or more).
"use strict";

(() => {
  let before = ""; // the first of two keys

  const isTyping = (target) => target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName);

  const press = (key) => {
    for (const each of document.querySelectorAll("[data-key]")) {
      if (each.dataset.key !== key || each.disabled || each.closest("[hidden]")) continue;
      if (isTyping(each) && !/^(checkbox|radio|submit)$/.test(each.type)) each.focus();
      else each.click();
      return true;
    }
    return false;
  };

  const move = (step) => {
    const rows = [...document.querySelectorAll("[data-rows] [data-row]")];
    if (rows.length === 0) return false;
    const at = rows.findIndex((row) => row.matches("[aria-selected=true]"));
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    for (const row of rows) row.setAttribute("aria-selected", String(row === next));
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
    const done = press(both) || press(event.key) || (event.key === "j" && move(1)) || (event.key === "k" && move(-1));
    if (done) {
      before = "";
      event.preventDefault();
    }
  });

  // A part is not replaced while somebody types or has the focus in it.
  const refresh = async (part) => {
    if (document.hidden || part.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (fresh && !part.contains(document.activeElement)) part.replaceChildren(...fresh.childNodes);
    } catch {
      // The next time it may be there again.
    }
  };
  for (const part of document.querySelectorAll("[data-refresh][id]")) {
    setInterval(() => refresh(part), 1000 * Math.max(10, Number(part.dataset.refresh)));
  }
})();
