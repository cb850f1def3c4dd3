// The order form: lines are added, duplicated and removed at once, totals follow what is typed, and the billing address follows
// the shipping address. Without this script the buttons do the same by loading the form again.
"use strict";

// toCents parses an amount such as "1,234.50" and returns it in cents, or NaN if the text is not an amount.
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

  // The names of fields and buttons contain the number of their line.
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
    const n = lines.children.length;
    said.textContent = `${what} The order now has ${n} ${n === 1 ? "line" : "lines"}.`;
  });
  form.querySelector("[name=calculate]").hidden = true;

  // A field of the billing address follows its shipping field until the two differ.
  for (const part of ["street", "zip", "city"]) {
    const [shipping, billing] = ["shipping", "billing"].map((kind) => form.elements[`${kind}Address.${part}`]);
    let last = shipping.value;
    shipping.addEventListener("input", () => {
      if (billing.value === last) billing.value = shipping.value;
      last = shipping.value;
    });
  }

  // A list that is too short for all entries is replaced by the entries that contain the typed text.
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
        // Keep the list: a number or a full name can still be typed.
      }
    }, 200);
  };
  form.addEventListener("input", (event) => {
    sumUp();
    if (event.target.list) find(event.target);
  });
  sumUp();
}

document.querySelectorAll("form#order").forEach(orderForm);
