/* The export form: what a browser adds to it. Without this script every button still posts the form. */
(() => {
  "use strict";
  // What somebody types on while the server answers stays as it is typed.
  Idiomorph.defaults.ignoreActiveValue = true;
  const formOf = (element) => (element instanceof Element ? element.closest("form[data-filling]") : null);

  // A half-typed value is not a choice yet: it neither refreshes the form nor counts until it is added.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-adder]")) event.stopPropagation();
  }, true);

  document.addEventListener("keydown", (event) => {
    const form = formOf(event.target);
    if (!form) return;
    const row = event.target.closest(".filter-row");
    if (event.target.matches("[data-adder]")) {
      const tokens = row.querySelectorAll(".token-x");
      if (event.key === "Enter") { event.preventDefault(); if (event.target.value) row.querySelector("[data-add]").click(); }
      else if (event.key === "Backspace" && !event.target.value && tokens.length) tokens[tokens.length - 1].click();
      else if (event.key === "ArrowDown" && !move(event, row, 0)) htmx.trigger(event.target, "suggest");
      else if (event.key === "Escape" && clear(row)) { event.preventDefault(); event.stopPropagation(); }
    } else if (event.target.closest(".valuelist")) {
      const buttons = [...row.querySelectorAll(".valuelist button")];
      const at = buttons.indexOf(event.target);
      if (event.key === "ArrowDown") move(event, row, at + 1);
      else if (event.key === "ArrowUp") { if (at > 0) move(event, row, at - 1); else { event.preventDefault(); row.querySelector("[data-adder]").focus(); } }
      else if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); row.querySelector("[data-adder]").focus(); clear(row); }
    }
  }, true);
  function move(event, row, to) {
    const button = row.querySelectorAll(".valuelist button")[to];
    if (button) { event.preventDefault(); button.focus(); }
    return Boolean(button);
  }
  function clear(row) {
    const list = row.querySelector(".filter-values");
    const had = list.childElementCount > 0;
    list.replaceChildren();
    return had;
  }

  document.addEventListener("focusout", (event) => {
    const row = formOf(event.target) && event.target.closest(".filter-row");
    // A click on a suggestion must still find it.
    if (row) window.setTimeout(() => { if (row.isConnected && !row.contains(document.activeElement)) clear(row); }, 200);
  });

  // Export and the other buttons come before a refresh that was still waiting.
  document.addEventListener("submit", (event) => {
    const form = formOf(event.target);
    if (!form) return;
    const action = event.submitter ? event.submitter.value : "";
    // The second half of a double click.
    if (/^(export|draft)/.test(action) && form.dataset.sending === action) { event.preventDefault(); event.stopPropagation(); return; }
    form.dataset.sending = action || "refresh";
    if (/^(add|pick):/.test(action)) {
      const row = event.submitter.closest(".filter-row");
      form.dataset.refocus = row.querySelector("[data-adder]").id;
      // The box is emptied once its text is on the way, and answers about that text come too late.
      const box = row.querySelector("[data-adder]");
      form.dataset.typed = box.value;
      htmx.trigger(box, "htmx:abort");
      window.setTimeout(() => { box.value = ""; clear(row); }, 0);
    }
  }, true);
  document.addEventListener("htmx:configRequest", (event) => {
    // A change is never the button that was pressed before it.
    const cause = event.detail.triggeringEvent;
    if (event.detail.elt === formOf(event.detail.elt) && cause && cause.type === "change") event.detail.parameters.set("action", "refresh");
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const cause = event.detail.requestConfig.triggeringEvent;
    const box = event.detail.elt;
    if (box.matches("[data-adder]") && cause && cause.type === "input" && !box.value) { clear(box.closest(".filter-row")); event.preventDefault(); return; }
    const form = formOf(event.detail.elt);
    if (form && form === event.detail.elt && form.dataset.sending && cause && cause.type === "change") event.preventDefault();
    else if (form && form === event.detail.elt) touched.clear();
  });

  // What somebody changes while an answer is on its way stays as changed, and is asked about once more.
  const touched = new Set();
  const chosen = new Map();
  const controls = (name) => [...document.querySelectorAll(`#export-pane [name="${CSS.escape(name)}"]`)].filter((one) => one.type !== "hidden");
  for (const name of ["input", "change"]) document.addEventListener(name, (event) => {
    if (formOf(event.target) && event.target.name && !event.target.matches("[data-adder]")) touched.add(event.target.name);
  }, true);
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "export-pane" || !event.detail.shouldSwap) return;
    for (const name of touched) {
      const control = controls(name).find((one) => one.type !== "radio" || one.checked);
      if (control) chosen.set(name, control.value);
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    let form = null;
    for (const [name, value] of chosen) for (const control of controls(name)) {
      form = control.form;
      if (control.type === "radio") control.checked = control.value === value;
      else if (control.value !== value) control.value = value;
    }
    chosen.clear();
    if (form && form.isConnected) htmx.trigger(form, "change");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = formOf(event.detail.elt);
    if (!form || form !== event.detail.elt) return;
    delete form.dataset.sending;
    if (event.detail.successful) delete form.dataset.typed;
  });
  // What was on its way and did not arrive goes back into its box.
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, (event) => {
    const form = formOf(event.detail.elt);
    if (!form || form !== event.detail.elt) return;
    const box = document.getElementById(form.dataset.refocus);
    if (box && !box.value && form.dataset.typed) box.value = form.dataset.typed;
    delete form.dataset.refocus;
    delete form.dataset.typed;
  });

  document.addEventListener("htmx:afterSettle", () => {
    const summary = document.querySelector("[data-focus-now]");
    if (summary) {
      const target = document.getElementById(summary.dataset.focusNow);
      summary.removeAttribute("data-focus-now");
      if (target) { target.focus(); target.scrollIntoView({ block: "nearest" }); }
    }
    const form = document.querySelector("form[data-refocus]");
    if (form) {
      const box = document.getElementById(form.dataset.refocus);
      delete form.dataset.refocus;
      if (box) box.focus();
    }
  });
  const shown = document.querySelector("[data-focus-now]");
  if (shown) document.getElementById(shown.dataset.focusNow)?.focus();
})();
/* The list of exports: Reuse configuration acts on the one selected row. */
document.addEventListener("rowselection", () => {
  const command = document.getElementById("reuse-selected");
  if (!command) return;
  const chosen = [...document.querySelectorAll("#exports input[data-row]:checked")];
  const one = chosen.length === 1 ? chosen[0] : null;
  document.getElementById("reuse-why").textContent = chosen.length ? `${chosen.length} selected` : "Select one export to reuse it.";
  command.href = one ? one.value : "#exports";
  if (one) command.removeAttribute("aria-disabled"); else command.setAttribute("aria-disabled", "true");
  command.onclick = one ? (event) => { event.preventDefault(); htmx.ajax("GET", one.dataset.pane, { target: "#pane", source: command }); } : null;
});
