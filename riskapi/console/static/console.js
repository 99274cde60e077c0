// Keys of the console. Every page works without it: a key presses a button or follows a link that is there.
//
// In a page:  data-key="a" on a link, button or field: this key presses (or focuses) it. Two keys in a row: "g q".
//             data-refresh="10" on a part with an id: it is fetched anew after so many seconds, while it says so.
//             data-retry="10" on a page that could not be read: it is asked for after so many seconds, and loaded if it can.
//             data-stays on <main>: its forms are sent from here, and the page stays as it is where that fails; but not
//             forms with data-leaves. Where the page comes back, its other forms have again what was typed and ticked.
//             data-sends="note" on a button: of its form this field alone is used up; the others stay as well.
//             data-rows on a list: j and k move among its [data-row], enter opens the first link or button of the row.
//             data-row-key="c" in a row: this key presses it in the row that is chosen, or the first. The page that comes
//             back has the same row chosen, or what stands in its place now.
"use strict";

(() => {
  let before = ""; // the first of two keys

  const isTyping = (target) =>
    /^(input|select|textarea)$/i.test(target.tagName) && !/^(checkbox|radio|submit)$/.test(target.type);

  let isLeaving = false; // a key followed a link: what is typed until the next page is there is not for this one

  const press = (key) => {
    for (const each of document.querySelectorAll("[data-key]")) {
      if (each.dataset.key !== key || each.disabled || each.closest("[hidden]")) continue;
      isLeaving = each.tagName === "A";
      if (isTyping(each)) each.focus();
      else each.click();
      return true;
    }
    return false;
  };

  const allRows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
  const opener = (row) => row.querySelector("a, button");

  const choose = (rows, at) => {
    const next = rows[Math.min(Math.max(at, 0), rows.length - 1)];
    for (const row of rows) row.dataset.row = row === next ? "here" : "";
    opener(next)?.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const rows = allRows();
    if (rows.length === 0) return false;
    choose(rows, rows.findIndex((row) => row.dataset.row === "here") + step);
    return true;
  };

  const CHOSEN = "chosen row"; // where the row is kept that a key was pressed in, until the list is shown again

  const pressInRow = (key) => {
    const rows = allRows();
    const at = Math.max(0, rows.findIndex((row) => row.dataset.row === "here"));
    for (const each of rows.length ? rows[at].querySelectorAll("[data-row-key]") : []) {
      if (each.dataset.rowKey !== key || each.disabled) continue;
      const kept = { page: location.pathname + location.search, link: opener(rows[at])?.href, at };
      sessionStorage.setItem(CHOSEN, JSON.stringify(kept));
      each.click();
      return true;
    }
    return false;
  };

  const chooseAgain = () => {
    const kept = JSON.parse(sessionStorage.getItem(CHOSEN) || "null");
    sessionStorage.removeItem(CHOSEN);
    const rows = allRows();
    if (!kept || rows.length === 0 || kept.page !== location.pathname + location.search) return;
    const same = rows.findIndex((row) => opener(row)?.href === kept.link);
    choose(rows, same < 0 ? kept.at : same);
  };
  chooseAgain();

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") isLeaving = false; // it stops the browser on its way
    if (isLeaving) return;
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const both = `${before} ${event.key}`;
    before = event.key === "g" ? "g" : "";
    const pressed = press(both) || press(event.key) || (event.key === "/" && press("g s")) || pressInRow(event.key);
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
    if (part) setTimeout(refresh, 1000 * Math.max(Number(part.dataset.refresh), 10));
  };
  wait();

  const retry = async () => {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.status !== 503) location.reload();
    } catch {
      // The service does not answer either; it is asked again.
    }
  };
  const unread = document.querySelector("[data-retry]");
  if (unread) setInterval(retry, 1000 * Math.max(Number(unread.dataset.retry), 10));

  const go = (address) => {
    const to = new URL(address, location.href);
    if (to.hash && to.href.split("#")[0] === location.href.split("#")[0]) {
      history.replaceState(null, "", to); // going there would only scroll
      location.reload();
    } else location.assign(to);
  };

  // Say above the page what failed; the page and what was typed into it stay.
  const tell = (title, part) => {
    document.getElementById("failed")?.remove();
    const strong = document.createElement("strong");
    strong.textContent = title;
    part.prepend(strong);
    for (const each of part.querySelectorAll("[data-stays]")) each.hidden = false;
    part.tabIndex = -1;
    document.getElementById("content").prepend(part);
    part.focus();
  };

  const unanswered = (what) => {
    const part = document.createElement("section");
    part.id = "failed";
    part.className = "fault";
    part.setAttribute("role", "alert");
    const said = document.createElement("p");
    said.textContent = `${what} It is not known whether this was done. The page below is as it was, with what you wrote.`;
    part.append(said);
    tell("There was no answer", part);
  };

  const isTick = (field) => /^(checkbox|radio)$/.test(field.type);
  const given = (field) => (isTick(field) ? field.checked : field.value);
  const asItCame = (field) => {
    if (isTick(field)) return field.defaultChecked;
    if (!field.options) return field.defaultValue;
    return ([...field.options].find((each) => each.defaultSelected) || field.options[0])?.value;
  };

  // What a person changed and did not send: a list of form, name, value of a tick, and what it is now.
  const changedBeside = (sent, button) => {
    const found = [];
    for (const form of document.querySelectorAll("main[data-stays] form[method=post]")) {
      for (const each of form.elements) {
        if (form === sent && [undefined, each.name].includes(button?.dataset.sends)) continue;
        if (!each.name || /^(hidden|submit|button|password|file)$/.test(each.type)) continue;
        if (given(each) === asItCame(each)) continue;
        found.push([form.getAttribute("action"), each.name, isTick(each) ? each.value : "", given(each)]);
      }
    }
    return found;
  };

  const giveBack = (changed) => {
    for (const [action, name, tick, now] of changed) {
      for (const form of document.querySelectorAll("main[data-stays] form[method=post]")) {
        for (const each of form.getAttribute("action") === action ? form.elements : []) {
          if (each.name !== name || (isTick(each) && each.value !== tick)) continue;
          if (isTick(each)) each.checked = now;
          else each.value = now;
        }
      }
    }
  };

  const TYPED = "typed beside"; // where it is kept until the page is there again
  const typedBefore = JSON.parse(sessionStorage.getItem(TYPED) || "null");
  sessionStorage.removeItem(TYPED);
  if (typedBefore?.page === location.pathname) giveBack(typedBefore.changed);

  const show = (title, main, changed) => {
    document.title = title;
    document.getElementById("content").replaceWith(main);
    giveBack(changed);
    scrollTo(0, 0);
    main.focus();
    wait();
  };

  // Send a form; whether the browser is on its way to another page.
  const send = async (form, button) => {
    // By attributes: a field can have the name of a property of its form.
    const to = button?.getAttribute("formaction") || form.getAttribute("action") || location.href;
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(to, { method: "POST", body, headers: { "X-Console-To": "" } });
    const changed = changedBeside(form, button);
    if (answer.status === 204) {
      const next = answer.headers.get("X-Console-To");
      const page = new URL(next, location.href).pathname;
      if (page === location.pathname) sessionStorage.setItem(TYPED, JSON.stringify({ page, changed }));
      go(next);
      return true;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const failed = fresh.getElementById("failed");
    const main = fresh.getElementById("content");
    if (failed) tell(fresh.querySelector("h1").textContent, failed);
    else if (main) show(fresh.title, main, changed);
    else unanswered(`Something before the service answered ${answer.status}.`);
    return false;
  };

  let isSending = false;
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const isPost = form.getAttribute("method") === "post" && !form.hasAttribute("data-leaves");
    if (event.defaultPrevented || !isPost || !form.closest("main[data-stays]")) return;
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    try {
      isSending = await send(form, event.submitter);
    } catch {
      isSending = false;
      unanswered("The service cannot be reached.");
    }
  });
  // Also where the browser kept the page and goes back to it.
  addEventListener("pageshow", () => (isSending = isLeaving = false));
})();
