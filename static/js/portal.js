/* Behaviour of the frame: pane, toolbars, toasts, keyboard, copying. Pages work without it; nothing here decides anything. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), select:not([disabled]), textarea:not([disabled]), summary, [tabindex]:not([tabindex='-1'])";
  const focusable = (root) => $$(FOCUSABLE, root).filter((element) => element.offsetParent !== null);
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]), select, textarea, [contenteditable]");

  /* Pane: whatever the server puts into #pane opens; the rest of the page is inert until it closes. */
  const host = $("#pane");
  let opener = null;
  let touched = false;
  const paneOpen = () => host !== null && host.firstElementChild !== null;

  function openPane() {
    const pane = host.firstElementChild;
    if (host.dataset.open) return;
    host.dataset.open = "yes";
    touched = false;
    for (const part of $$(".work, .sidenav, .topbar, .skip")) part.inert = true;
    const first = $("[autofocus], [data-first]", pane) || focusable($(".pane-body", pane) || pane)[0] || pane;
    first.focus();
  }
  function closePane() {
    delete host.dataset.open;
    host.replaceChildren();
    for (const part of $$(".work, .sidenav, .topbar, .skip")) part.inert = false;
    const back = opener && opener.isConnected && opener.offsetParent ? opener : $("[data-pane-origin]") || $("#content");
    if (back) back.focus();
    opener = null;
  }
  function askToClose() {
    const box = $("#discard");
    if (touched && box) box.showModal();
    else closePane();
  }
  if (host) {
    new MutationObserver(() => (paneOpen() ? openPane() : host.dataset.open && closePane())).observe(host, { childList: true });
    host.addEventListener("input", () => { touched = true; });
    host.addEventListener("click", (event) => {
      if (event.target === host) askToClose();
      const closer = event.target.closest("[data-pane-close]");
      if (closer) { event.preventDefault(); askToClose(); }
    });
    document.addEventListener("htmx:beforeRequest", (event) => {
      if (event.detail.target !== host || paneOpen()) return;
      const menu = event.detail.elt.closest(".dropdown");
      opener = menu ? $("[data-bs-toggle='dropdown']", menu) : event.detail.elt;
      // A command that moved into the menu of further commands is hidden again: the menu's own button takes the focus.
      if (opener && !opener.offsetParent) opener = $("[data-more]");
    });
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-discard]")) { $("#discard").close(); closePane(); }
    });
  }
  function keepFocusInPane(event) {
    const stops = focusable(host);
    if (!stops.length) return;
    const [first, last] = [stops[0], stops[stops.length - 1]];
    if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
    else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
  }

  /* One Tab stop per bar; arrows, Home and End move in it. */
  const stopsOf = (bar) => $$("a[href], button, [tabindex]", bar).filter((element) => element.offsetParent !== null && !element.closest(".dropdown-menu"));
  function rove(bar) {
    const stops = stopsOf(bar);
    const current = stops.find((element) => element.tabIndex === 0 && element.dataset.roved) || stops.find((element) => element.getAttribute("aria-current")) || stops[0];
    for (const stop of stops) { stop.tabIndex = stop === current ? 0 : -1; stop.dataset.roved = "yes"; }
  }
  function moveInBar(event, bar) {
    const stops = stopsOf(bar);
    const at = stops.indexOf(document.activeElement.closest("[data-roved]"));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (at < 0 || to === undefined || !stops.length) return;
    event.preventDefault();
    const next = stops[(to + stops.length) % stops.length];
    for (const stop of stops) stop.tabIndex = stop === next ? 0 : -1;
    next.focus();
  }
  const BARS = "[role='toolbar'], [data-roving]";

  /* Commands that do not fit move, in order, into the menu behind "More commands". */
  function fit(bar) {
    const more = $("[data-more-menu]", bar);
    if (!more) return;
    const box = more.closest(".dropdown");
    for (const item of $$(":scope > li > .cmd, :scope > li > .cmd-form", more)) { box.before(item); }
    more.replaceChildren();
    box.hidden = true;
    const movable = () => $$(":scope > .cmd, :scope > .cmd-form", bar).filter((item) => !item.hasAttribute("data-keep"));
    const over = () => bar.scrollWidth > bar.clientWidth + 1;
    while (over() && movable().length) {
      box.hidden = false;
      const item = movable().pop();
      const row = document.createElement("li");
      row.append(item);
      more.prepend(row);
    }
    for (const rule of $$(":scope > .cmd-rule", bar)) rule.hidden = !box.hidden;
    rove(bar);
  }

  /* Toasts: 8 seconds, longer while the pointer or the focus is on them. A message bar says the same and stays. */
  const SECONDS = 8;
  function keepToast(note) {
    let timer = 0;
    const start = () => { timer = window.setTimeout(() => note.remove(), SECONDS * 1000); };
    const stop = () => window.clearTimeout(timer);
    for (const name of ["mouseenter", "focusin"]) note.addEventListener(name, stop);
    for (const name of ["mouseleave", "focusout"]) note.addEventListener(name, () => { stop(); start(); });
    note.addEventListener("click", (event) => { if (event.target.closest("[data-toast-close]")) note.remove(); });
    start();
  }
  function toast({ title, text = "", kind = "info" }) {
    const note = $("#toast-form").content.firstElementChild.cloneNode(true);
    note.classList.add(`toast-${kind}`);
    $(".msgbar-title", note).textContent = title;
    $(".hint", note).textContent = text;
    for (const picture of $$(".msgbar-picture > [data-kind]", note)) if (picture.dataset.kind !== kind) picture.remove();
    $("#toasts").append(note);
  }
  const toasts = $("#toasts");
  if (toasts) {
    $$(".toast-note", toasts).forEach(keepToast);
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
      if (node instanceof Element && node.matches(".toast-note")) keepToast(node);
    }))).observe(toasts, { childList: true });
    document.addEventListener("toast", (event) => toast(event.detail));
  }

  /* Copying, problem links, selects that send their form. */
  async function copy(button) {
    const source = button.dataset.copyFrom;
    const text = source ? $(source).textContent : button.dataset.copy;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const label = $("[data-copy-label]", button);
    if (!label) return;
    const before = label.textContent;
    label.textContent = "Copied";
    window.setTimeout(() => { label.textContent = before; }, 2000);
  }
  function goTo(id) {
    const place = document.getElementById(id);
    if (!place) return false;
    const field = place.matches(FOCUSABLE) ? place : focusable(place)[0] || place;
    if (field === place && !place.matches(FOCUSABLE)) place.tabIndex = -1;
    field.focus();
    field.scrollIntoView({ block: "center" });
    return true;
  }
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const copier = target.closest("[data-copy], [data-copy-from]");
    if (copier) copy(copier);
    const problem = target.closest("[data-problems] a[href^='#']");
    if (problem && goTo(problem.hash.slice(1))) event.preventDefault();
    if (target.closest(".cmd[aria-disabled='true'], .dropdown-item[aria-disabled='true']")) { event.preventDefault(); event.stopPropagation(); }
    if (target.closest("[data-nav-toggle]")) toggleNavigation();
    if (target.closest("[data-dialog-close]")) target.closest("dialog").close();
    const shower = target.closest("[data-dialog]");
    if (shower) $(`#${shower.dataset.dialog}`).showModal();
  }, true);
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit]")) event.target.form.requestSubmit();
  });

  function toggleNavigation() {
    const frame = $(".frame");
    const small = window.matchMedia("(max-width: 991.98px)").matches;
    const state = small ? "open" : "narrow";
    if (frame.dataset.nav === state) delete frame.dataset.nav;
    else frame.dataset.nav = state;
    const shown = small ? frame.dataset.nav === "open" : frame.dataset.nav !== "narrow";
    $("[data-nav-toggle]").setAttribute("aria-expanded", String(shown));
    if (!small) remember("bpp_nav", frame.dataset.nav || "wide");
    else if (shown) $(".sidenav a").focus();
  }
  function remember(name, value) { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`; }

  /* Keys */
  const REGIONS = [".topbar", ".sidenav", ".commandbar", "#content", "#pane"];
  function nextRegion(step) {
    const regions = REGIONS.map((selector) => $(selector)).filter((region) => region && !region.inert && (region.id === "content" || focusable(region).length));
    if (!regions.length) return;
    const at = regions.findIndex((region) => region.contains(document.activeElement));
    const region = regions[(at + step + regions.length) % regions.length];
    (region.id === "content" ? region : focusable(region).find((element) => element.tabIndex === 0) || region).focus();
  }
  function nextProblem(step) {
    const links = $$("[data-problems] a[href^='#']");
    if (!links.length) return false;
    const places = links.map((link) => document.getElementById(link.hash.slice(1)));
    const at = places.findIndex((place) => place && (place === document.activeElement || place.contains(document.activeElement)));
    const to = at < 0 && step < 0 ? links.length - 1 : (at + step + links.length) % links.length;
    return goTo(links[to].hash.slice(1));
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const dialogOpen = $("dialog[open]") !== null;
    if (event.key === "F6") { event.preventDefault(); nextRegion(event.shiftKey ? -1 : 1); return; }
    if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp") && !(event.target instanceof HTMLSelectElement) && nextProblem(event.key === "ArrowDown" ? 1 : -1)) { event.preventDefault(); return; }
    if (event.altKey && event.shiftKey && event.code === "KeyE") {
      const command = $("[data-export-command]");
      if (command && !paneOpen()) { event.preventDefault(); command.click(); }
      return;
    }
    if (event.key === "Escape" && !dialogOpen) {
      const note = event.target instanceof Element && event.target.closest(".toast-note");
      if (note) { note.remove(); return; }
      if ($(".dropdown-menu.show")) return;
      if (paneOpen()) { event.preventDefault(); askToClose(); return; }
      if ($(".frame[data-nav='open']")) { toggleNavigation(); $("[data-nav-toggle]").focus(); }
      return;
    }
    if (event.key === "Tab" && paneOpen() && !dialogOpen) keepFocusInPane(event);
    const bar = event.target instanceof Element && event.target.closest(BARS);
    if (bar && !event.altKey && !typing(event.target) && !event.target.closest(".dropdown-menu")) moveInBar(event, bar);
    if (event.ctrlKey || event.metaKey || event.altKey || dialogOpen || typing(event.target) || document.body.dataset.keys === "off") return;
    if (event.key === "/" && !paneOpen() && $("#find")) { event.preventDefault(); $("#find").focus(); }
    if (event.key === "?" && $("#keys")) { event.preventDefault(); $("#keys").showModal(); }
  });

  /* Selecting rows: Space selects (the box does that), Shift a range. */
  let lastTick = null;
  document.addEventListener("click", (event) => {
    const box = event.target instanceof Element && event.target.closest("input[type=checkbox][data-row]");
    if (!box) return;
    const boxes = $$("input[type=checkbox][data-row]", box.closest("table"));
    if (event.shiftKey && lastTick && boxes.includes(lastTick)) {
      const [from, to] = [boxes.indexOf(lastTick), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
    }
    lastTick = box;
    for (const each of boxes) each.closest("tr").classList.toggle("row-selected", each.checked);
    box.dispatchEvent(new CustomEvent("rowselection", { bubbles: true, detail: boxes.filter((each) => each.checked).map((each) => each.value) }));
  });

  function settle(root) { $$(BARS, root).forEach((bar) => { fit(bar); rove(bar); }); }
  settle(document);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (width !== window.innerWidth) $$(".commandbar").forEach(fit);
    width = window.innerWidth;
  });
  document.addEventListener("htmx:afterSettle", () => $$("[data-roving]").forEach(rove));
})();
