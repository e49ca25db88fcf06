"use strict";
// Small parts that both pages are made of: an element, and a file to keep.

const $ = (id) => document.getElementById(id);

function make(name, attributes = {}, ...children) {  // an element of HTML
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made && typeof value !== "string") made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function refill(parent, children) {  // children in place of those that are there; the keyboard stays on what has the same name
  const named = (each) => each.getAttribute("aria-label") || each.textContent, here = document.activeElement;
  const name = parent.contains(here) ? named(here) : null;
  parent.replaceChildren(...children);
  if (name !== null) [...parent.querySelectorAll("button")].find((each) => named(each) === name)?.focus();
}

function save(name, kind, content) {
  const link = make("a", {href: URL.createObjectURL(new Blob([content], {type: kind})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
