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

function save(name, kind, content) {
  const link = make("a", {href: URL.createObjectURL(new Blob([content], {type: kind})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
