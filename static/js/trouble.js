/* When a request of the page fails: signed out, refused, broken, no connection. It is said in a bar, once, and what is typed stays. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const template = (id) => $(`#${id}`).content.cloneNode(true);
  const FILLING = "form[data-filling]";
  const WRITING = "input[type=text], input[type=search], input[type=number], textarea";
  const SIGNED_OUT = 401, ANOTHER_READER = 409;

  let source = null; // whose request failed; null: whatever works ends the trouble
  let away = false; // what refreshes by itself waits until the reader comes back from signing in
  const refreshes = (detail) => detail.elt.matches("[hx-trigger^='every']") && !detail.requestConfig.triggeringEvent;

  /* Signing in, also in another tab, gives new tokens. Whose page this is stays: the server compares it. */
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const name = `${document.body.dataset.csrfCookie}=`;
    const cookie = document.cookie.split("; ").find((each) => each.startsWith(name));
    if (!cookie) return;
    detail.headers["X-CSRFToken"] = cookie.slice(name.length);
    if (detail.parameters.has("csrfmiddlewaretoken")) detail.parameters.set("csrfmiddlewaretoken", cookie.slice(name.length));
  });

  function barOf(page, correlation) {
    const bar = template("trouble-form").firstElementChild;
    const filling = $(FILLING) !== null;
    for (const each of page.querySelectorAll("[data-form]")) if ((each.dataset.form === "with") !== filling) each.remove();
    const why = [...page.querySelectorAll("p")].map((each) => each.textContent.trim());
    const way = $("[data-way-back]", page);
    if (filling && correlation && !way) why.push("What you typed is still here.");
    $(".msgbar-title", bar).textContent = $("h1", page).textContent.trim();
    $("[data-why]", bar).textContent = why.join(" ");
    $("[data-correlation] .code", bar).textContent = correlation;
    if (!correlation || way) $("[data-correlation]", bar).remove();
    const link = $("a", bar);
    if (way) { link.href = way.getAttribute("href"); $("span", link).textContent = way.textContent.trim(); } else link.remove();
    return bar;
  }
  const said = (bar) => $(".msgbar-title", bar).textContent + $("[data-why]", bar).textContent;
  function show(bar) {
    const shown = $("#trouble");
    // The same again, as of a list that asks every few seconds, is not read out again.
    if (shown && said(shown) === said(bar)) return shown;
    shown?.remove();
    const head = $("#pane > .pane > .pane-head");
    if (head) head.after(bar);
    else if ($("#messages")) $("#messages").before(bar);
    else $("#content").prepend(bar);
    return bar;
  }
  function tell(detail, page, status, correlation = "") {
    away = status === SIGNED_OUT || status === ANOTHER_READER;
    source = away || !status ? null : detail.elt;
    const bar = show(barOf(page, correlation));
    if (!refreshes(detail) && !document.activeElement?.matches(WRITING)) bar.focus({ preventScroll: true });
  }
  document.addEventListener("htmx:responseError", ({ detail }) => {
    const page = $(".errorpage", new DOMParser().parseFromString(detail.xhr.responseText, "text/html"));
    tell(detail, page || template("no-words"), detail.xhr.status, detail.xhr.getResponseHeader("X-Correlation-Id") || "");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, ({ detail }) => tell(detail, template("no-answer"), 0));
  // Going back asks for the whole page; the browser can show why that failed.
  document.addEventListener("htmx:historyCacheMissLoadError", () => window.location.reload());

  document.addEventListener("htmx:beforeRequest", (event) => { if (away && refreshes(event.detail)) event.preventDefault(); });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful) return;
    away = false;
    if (source === null || source === detail.elt || !source.isConnected) $("#trouble")?.remove();
  });
  function comeBack() {
    if (!away || document.hidden) return;
    away = false;
    const form = $(FILLING);
    if (form) htmx.trigger(form, "change");
  }
  window.addEventListener("focus", comeBack);
  document.addEventListener("visibilitychange", comeBack);
})();
