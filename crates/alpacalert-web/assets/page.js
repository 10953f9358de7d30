// Keeps a page up to date, and saves its reader some clicks. Everything works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Times: as the server writes them.

  const ago = (then) => {
    const seconds = Math.max(0, Math.floor(Date.now() / 1000) - Math.floor(then / 1000));
    if (seconds < 120) return `${seconds} s`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  };
  const tellTimes = (within) => {
    if (!root.dataset.events) return; // The past stays as it was.
    for (const time of all("time[data-ago]", within)) {
      const text = ago(Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // What changed takes the place of what was there, and nothing else moves.

  const freshen = (element) => {
    element.classList.add("fresh");
    element.addEventListener("animationend", () => element.classList.remove("fresh"), { once: true });
  };
  const attributes = (old, now) => {
    for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  };
  const morph = (old, now) => {
    if (old.isEqualNode(now)) return;
    if (old.tagName !== now.tagName || old.id !== now.id) return old.replaceWith(now);
    const parts = "id" in old && (old.id === "main" || "keyed" in old.dataset || (now.children.length && [...now.children].every((child) => child.id || child.matches("h1,h2,section,div"))));
    if (!parts || [...now.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
      const held = old.contains(document.activeElement) ? document.activeElement : null;
      if (old.isContentEditable || (held && held.matches("input, select"))) return; // Nobody's typing is disturbed.
      const href = held && held.getAttribute("href");
      const focused = held === old;
      if (old.matches("[tabindex='0'].branch")) now.tabIndex = 0;
      old.replaceWith(now);
      if (old.matches("li, section, tr")) freshen(now);
      if (focused) now.focus({ preventScroll: true });
      else if (href) all("a", now).find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
      return;
    }
    attributes(old, now);
    const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = old.firstElementChild;
    for (const child of [...now.children]) {
      const same = child.id ? known.get(child.id) : at && !at.id && at.tagName === child.tagName ? at : null;
      if (!same) {
        old.insertBefore(child, at);
        if (child.id) freshen(child);
        continue;
      }
      if (same === at) at = at.nextElementSibling;
      else old.insertBefore(same, at);
      known.delete(child.id);
      morph(same, child);
    }
    while (at) {
      const next = at.nextElementSibling;
      at.remove();
      at = next;
    }
    for (const child of known.values()) child.remove();
  };

  let asking = null;
  const show = async (address, { push = false } = {}) => {
    asking?.abort();
    const mine = (asking = new AbortController());
    const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" }, cache: "no-cache" });
    if (!(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error("not a page");
    if (!answer.ok && answer.status >= 500) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine.signal.aborted) return;
    const main = $("main", page);
    if (!main) throw new Error("not a page");
    all(".fresh").forEach((element) => element.classList.remove("fresh"));
    tellTimes(page);
    tellTimes(document);
    if (push) history.replaceState(null, "", address);
    for (const branch of all(".branch[tabindex='0']")) {
      const same = branch.id && page.getElementById(branch.id);
      if (same) same.tabIndex = 0;
    }
    morph($("main"), main);
    document.title = page.title;
    ready();
    updated = Date.now();
    tell();
  };

  // The connection. Its state is always said: what is shown is never older than it looks.

  const live = $("#live");
  const stale = $("#stale");
  let updated = Date.now();
  let heard = Date.now();
  let lost = null;
  let last = null;
  let polling = false;
  const PATIENCE = 4000; // A connection that comes back within this is not worth a word.
  const SILENCE = 20000; // The server says at least a comment every 15 s.
  const tell = () => {
    if (!live || !root.dataset.events) return;
    const old = lost !== null && Date.now() - lost > PATIENCE;
    root.toggleAttribute("data-stale", old);
    live.dataset.live = old ? "lost" : "yes";
    const text = old ? "not live" : `live · ${ago(Math.max(updated, polling ? 0 : heard))}`;
    if (live.textContent !== text) live.textContent = text;
    live.title = old ? "" : "How long ago this page was last known to be right";
    if (stale.hidden === old) {
      stale.hidden = !old;
      stale.textContent = old ? `Not live since ${new Date(lost).toLocaleTimeString()}: what is shown is as of then. Trying again.` : "";
    }
  };
  const gone = () => {
    if (lost === null) lost = Date.now();
    tell();
  };
  const back = () => {
    heard = Date.now();
    lost = null;
    tell();
  };

  let wanted = 0;
  let due = null;
  // Not more often than once a second, however much changes.
  const refresh = () => {
    wanted = Date.now();
    if (due || gone_away) return;
    due = setTimeout(async () => {
      due = null;
      const asked = Date.now();
      try {
        await show(location.href);
        if (polling) back();
      } catch (error) {
        if (error.name === "AbortError") return;
        if (polling) gone();
        else setTimeout(refresh, 2000);
      }
      if (wanted > asked) refresh();
    }, Math.max(80, 1000 - (Date.now() - updated)));
  };

  // A browser has six connections for one host, and keeps pages that one has left: whatever nobody sees holds none. A hidden
  // page still asks now and then, for its title.
  let gone_away = false;
  let stop = new AbortController();
  let seen = () => {};
  const away = () => document.hidden || gone_away;
  const looked = () => {
    if (away()) {
      if (lost === null) lost = Date.now();
      stop.abort();
    } else {
      seen();
      refresh();
    }
  };
  document.addEventListener("visibilitychange", looked);
  addEventListener("pagehide", () => ((gone_away = true), looked()));
  addEventListener("pageshow", (event) => event.persisted && ((gone_away = false), looked()));

  const said = $("#said");
  const happened = (name, data, id) => {
    if (id) last = id;
    if (name === "change" || name === "missed") refresh();
    if (name === "change") {
      const change = JSON.parse(data);
      const text = `${change.title} is ${change.to}`;
      if (change.to !== change.from && all(".row a, .row h2").some((shown) => shown.textContent.trim() === change.title)) said.textContent = text;
    }
  };
  const listen = async () => {
    let pause = 500;
    for (;;) {
      if (away()) await new Promise((done) => (seen = done));
      try {
        stop = new AbortController();
        const watch = setInterval(() => Date.now() - heard > SILENCE && stop.abort(), 1000);
        try {
          heard = Date.now();
          const headers = { Accept: "text/event-stream" };
          if (last) headers["Last-Event-ID"] = last;
          const answer = await fetch(root.dataset.events, { headers, signal: stop.signal, cache: "no-store" });
          if ([401, 403, 404].includes(answer.status)) return poll();
          if (answer.status === 400) last = null;
          if (!answer.ok) throw new Error(`status ${answer.status}`);
          if (lost !== null) refresh();
          back();
          pause = 500;
          await read(answer.body.getReader());
        } finally {
          clearInterval(watch);
        }
      } catch {
        // Said below, whatever it was.
      }
      gone();
      if (away()) continue;
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 1.6, 10000);
    }
  };
  // Server-sent events: lines of `field: value`, an empty line ends an event, a line that begins with a colon is a comment.
  const read = async (reader) => {
    const decoder = new TextDecoder();
    let rest = "";
    let event = { name: "message", data: "", id: "" };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      back();
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const [, field, text] = /^(event|data|id): ?(.*?)\r?$/.exec(line) || [];
        if (field === "event") event.name = text;
        else if (field === "data") event.data += text;
        else if (field === "id") event.id = text;
        else if (line.trim() === "") {
          if (event.data) happened(event.name, event.data, event.id);
          event = { name: "message", data: "", id: "" };
        }
      }
    }
  };
  // Whoever may not listen asks again every so often.
  const poll = () => {
    polling = true;
    back();
    setInterval(refresh, 15000);
  };

  // The tree: one row can be focused; arrows go from row to row.

  const rows = () => all("#tree [role=treeitem]");
  const focusRow = (row) => {
    if (!row) return;
    for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
    row.focus();
  };
  const level = (row) => Number(row.getAttribute("aria-level"));
  const fold = (link) => show(link.href, { push: true });
  const inTree = (event, row) => {
    const every = rows();
    const at = every.indexOf(row);
    const open = row.getAttribute("aria-expanded");
    const toggle = $("a[data-fold]", row);
    const keys = {
      ArrowDown: () => focusRow(every[at + 1]),
      ArrowUp: () => focusRow(every[at - 1]),
      Home: () => focusRow(every[0]),
      End: () => focusRow(every[every.length - 1]),
      ArrowRight: () => (open === "false" ? fold(toggle) : level(every[at + 1] || row) > level(row) && focusRow(every[at + 1])),
      ArrowLeft: () => (open === "true" ? fold(toggle) : focusRow(every.slice(0, at).reverse().find((other) => level(other) < level(row)))),
      Enter: () => location.assign($("a.name", row).href),
      " ": () => toggle && fold(toggle),
    };
    if (!keys[event.key] || event.target !== row) return false;
    keys[event.key]();
    return true;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-fold]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const row = link.closest("[role=treeitem]");
    fold(link).then(() => focusRow(document.getElementById(row.id))).catch(() => location.assign(link.href));
  });

  // Search while typing, and filters without a button.

  let typing = null;
  const searchNow = (form) => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    show(`${form.action.split("?")[0]}?${query}`, { push: true }).catch((error) => error.name !== "AbortError" && gone());
  };
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-search]")) return;
    clearTimeout(typing);
    typing = setTimeout(searchNow, 200, event.target.form);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-filters] select")) searchNow(event.target.form);
    if (event.target.matches("[data-slider]")) goBack(event.target);
  });

  // The slider over the day before the present.

  const minutesBack = (slider) => Number(slider.max) - Number(slider.value);
  const slid = (slider) => {
    const back = minutesBack(slider);
    const text = back ? `${Math.floor(back / 60)} h ${back % 60} min back` : "now";
    slider.parentElement.querySelector("output").textContent = text;
    slider.setAttribute("aria-valuetext", text);
  };
  const goBack = (slider) => {
    const back = minutesBack(slider);
    const query = new URLSearchParams([...new FormData(slider.form)].filter(([key, value]) => value && key !== "at"));
    if (back) query.set("at", new Date(Math.floor(Date.now() / 60000 - back) * 60000).toISOString().replace(".000", ""));
    location.assign(`${slider.form.action.split("?")[0]}?${query}`);
  };
  document.addEventListener("input", (event) => event.target.matches("[data-slider]") && slid(event.target));

  // Colours: a cookie, so that the next page is made in them.

  const theme = $("#theme");
  theme?.addEventListener("click", (event) => {
    event.preventDefault();
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `alpacalert-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
    theme.setAttribute("aria-label", dark ? "Dark colours" : "Light colours");
  });

  // Keys.

  const help = $("#help");
  const places = { b: "/", t: "/tree", a: "/nodes", p: "/past", i: "/itself" };
  let going = 0;
  $("#keys")?.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const row = event.target.closest?.("[role=treeitem]");
    if (row && inTree(event, row)) return event.preventDefault();
    if (event.key === "/" && $("#q")) {
      event.preventDefault();
      const field = $("[data-search]") || $("#q");
      field.focus();
      field.select();
    } else if (event.key === "?" && help) help.showModal();
    else if (event.key === "g") going = Date.now();
    else if (places[event.key] && Date.now() - going < 1500) $(`.tabs a[href^="${places[event.key]}"]`)?.click();
  });

  // After every change of the page.

  const ready = () => {
    const tree = rows();
    if (tree.length && !tree.some((row) => row.tabIndex === 0)) tree[0].tabIndex = 0;
    for (const link of all("#tree a")) link.tabIndex = -1;
    for (const slider of all("[data-slider]")) {
      if (!slider.closest("label").hidden) continue;
      slider.closest("label").hidden = false;
      const at = Date.parse($("time[datetime]", slider.closest("header") || document)?.dateTime);
      const back = root.dataset.events ? 0 : Math.min(Number(slider.max), Math.round((Date.now() - at) / 60000));
      slider.value = String(Number(slider.max) - back);
      slid(slider);
    }
    all(".script-only").forEach((element) => (element.hidden = false));
  };

  ready();
  setInterval(() => {
    tellTimes(document);
    tell();
  }, 1000);
  if (root.dataset.events) {
    tell();
    listen();
    setInterval(refresh, Number(root.dataset.every || 60) * 1000);
  }
})();
