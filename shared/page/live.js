// What the pages do beyond plain HTML. Each of them works without this script; it makes them nicer:
//
//   * A <time> also tells how long ago it was.
//   * An element with data-live stays current: its address is asked every second, as long as the page is seen.
//   * The order form adds, copies and removes lines and sums them up at once, finds more customers and items than its lists
//     hold, and bills where it ships until something else is typed.
//
// One file, served by each service and by Apache like the style sheet. It asks nobody but the host that it is from.
"use strict";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

// tellAges writes beside each time how long ago it was; the style sheet shows that.
function tellAges() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    let n = Math.round((Date.parse(time.dateTime) - Date.now()) / 1000), unit = "second";
    for (const [size, larger] of [[60, "minute"], [60, "hour"], [24, "day"], [365, "year"]]) {
      if (Math.abs(n) < size) break;
      n = Math.trunc(n / size);
      unit = larger;
    }
    time.dataset.ago = relative.format(n, unit);
  }
}

// adopt makes an element equal to a fresh one without replacing what is the same: the focus stays where it is, and only what
// has changed is announced.
function adopt(old, fresh) {
  const kept = ["data-ago", "open"];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, i) => {
    const was = before[i];
    if (!was) old.append(node);
    else if (was.nodeName !== node.nodeName) was.replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) adopt(was, node);
    else if (was.data !== node.data) was.data = node.data;
  });
  before.slice(after.length).forEach((node) => node.remove());
}

// keepCurrent asks for an element again until it comes without data-live: nothing about it will change any more. It asks every
// second, less often when nothing changes, after growing pauses without an answer, and not while the page is hidden or the
// reader has stopped it.
function keepCurrent(part) {
  const note = document.createElement("p");
  const said = document.createElement("span");
  const stop = document.createElement("button");
  note.className = "live";
  said.setAttribute("role", "status");
  stop.type = "button";
  note.append(stop, " ", said);
  part.after(note);
  let stopped = false, failures = 0, idle = 0, timer;

  const later = () => {
    stop.textContent = stopped ? "Resume updates" : "Pause updates";
    said.textContent = failures ? "There is no answer just now: what is shown may have changed since. It is asked for again." : "";
    note.hidden = !part.dataset.live;
    clearTimeout(timer);
    if (part.dataset.live && !stopped) timer = setTimeout(turn, 1000 * (failures ? Math.min(2 ** failures, 30) : Math.min(1 + idle / 60, 10)));
  };
  const turn = async () => {
    if (document.hidden) return document.addEventListener("visibilitychange", turn, { once: true });
    try {
      const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" }, cache: "no-cache", signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (!fresh) throw new Error("it is not there any more");
      const before = part.textContent;
      if (!stopped) adopt(part, fresh);
      idle = part.textContent === before ? idle + 1 : 0;
      failures = 0;
    } catch {
      failures++;
    }
    tellAges();
    later();
  };
  stop.addEventListener("click", () => { stopped = !stopped; later(); });
  later();
}

// The order form. What its buttons do here they do without script too, by asking for the form again.

// toCents is an amount as a person reads it, "1,234.50", in cents; NaN if it is none.
const toCents = (text) => /^[\d,]+\.\d\d$/.test(text) ? Number(text.replace(/[,.]/g, "")) : NaN;
const grouped = (cents) => Math.trunc(cents / 100).toLocaleString("en") + "." + String(cents % 100).padStart(2, "0");

function orderForm(form) {
  const lines = form.querySelector("#lines");
  const said = form.querySelector("#said");
  const field = (line, name) => line.querySelector(`[name$=".${name}"]`);

  const sumUp = () => {
    let sum = 0;
    for (const line of lines.children) {
      const count = field(line, "count").value.trim();
      const cents = toCents(field(line, "item").value.split(" · ").pop()) * (/^\d{1,6}$/.test(count) ? Number(count) : NaN);
      line.querySelector("output").value = isNaN(cents) ? "" : grouped(cents);
      sum += isNaN(cents) ? 0 : cents;
    }
    form.querySelector("#total").value = grouped(sum);
  };

  // Each field and button says which line it belongs to.
  const renumber = () => {
    [...lines.children].forEach((line, i) => {
      line.setAttribute("aria-label", `Line ${i + 1}`);
      for (const element of line.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
          element.setAttribute(name, value.replace(/^orderLine\[\d+\]/, `orderLine[${i}]`));
        }
      }
      line.querySelectorAll("i").forEach((told) => { told.textContent = ` line ${i + 1}`; });
      line.querySelectorAll("button").forEach((button) => { button.value = i; });
    });
    sumUp();
  };

  const press = {
    add: () => {
      lines.append(form.querySelector("#blank").content.cloneNode(true));
      return [lines.lastElementChild, "item", `Line ${lines.children.length} added.`];
    },
    copy: (i) => {
      const line = lines.children[i];
      const copy = line.cloneNode(true);
      for (const name of ["count", "item"]) field(copy, name).value = field(line, name).value;
      line.after(copy);
      return [copy, "count", `Line ${i + 1} duplicated.`];
    },
    remove: (i) => {
      lines.children[i].remove();
      return [lines.children[Math.min(i, lines.children.length - 1)], "item", `Line ${i + 1} removed.`];
    },
  };
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !press[button.name]) return;
    event.preventDefault();
    const [line, name, what] = press[button.name](Number(button.value));
    renumber();
    const next = line ? field(line, name) : form.querySelector("[name=add]");
    next.focus();
    next.select?.();
    said.textContent = `${what} ${lines.children.length} in all.`;
  });
  form.querySelector("[name=calculate]").hidden = true;

  // The billing address follows the shipping address, part by part, until something else is typed there.
  for (const part of ["street", "zip", "city"]) {
    const [shipping, billing] = ["shipping", "billing"].map((kind) => form.elements[`${kind}Address.${part}`]);
    let last = shipping.value;
    shipping.addEventListener("input", () => {
      if (billing.value === last) billing.value = shipping.value;
      last = shipping.value;
    });
  }

  // A list that does not hold all is filled with what contains the typed text.
  let waiting;
  const find = (input) => {
    const list = input.list;
    clearTimeout(waiting);
    if (!list?.dataset.more || [...list.options].some((o) => o.value === input.value)) return;
    waiting = setTimeout(async () => {
      try {
        const answer = await fetch(`${list.dataset.more}?limit=100&find=${encodeURIComponent(input.value.trim())}`, { headers: { Accept: "application/json" } });
        const choices = (await answer.json()).map((o) => o.itemId ? `${o.itemId} · ${o.name} · ${grouped(Math.round(o.price * 100))}` : `${o.customerId} · ${o.firstname} ${o.name}`);
        list.replaceChildren(...choices.map((value) => Object.assign(document.createElement("option"), { value })));
      } catch {
        // The list stays as it is; a number or a whole name can be typed.
      }
    }, 200);
  };
  form.addEventListener("input", (event) => {
    sumUp();
    if (event.target.list) find(event.target);
  });
  sumUp();
}

tellAges();
setInterval(() => document.hidden || tellAges(), 10_000);
document.querySelectorAll("[data-live]").forEach(keepCurrent);
document.querySelectorAll("form#order").forEach(orderForm);
