// The script of all pages. Pages work without it; with it,
//
//   * a <time> also shows how long ago it was,
//   * an element with data-live updates itself: the script loads the address in data-live every second while the page is visible.
//
// Services and Apache serve this file like the style sheet. It sends requests to its own host only.
"use strict";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

// showAges sets data-ago of each time, for example "2 minutes ago". The style sheet shows it.
function showAges() {
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

// update changes an element into a fresh one, but keeps all nodes that are equal. So the focus stays where it is, and screen readers
// announce only what has changed.
function update(old, fresh) {
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
    else if (node.nodeType === Node.ELEMENT_NODE) update(was, node);
    else if (was.data !== node.data) was.data = node.data;
  });
  before.slice(after.length).forEach((node) => node.remove());
}

// keepCurrent reloads an element until the server sends it without data-live, which means that it will not change any more. It asks
// every second, less often while nothing changes, with backoff while requests fail, and not while the page is hidden or updates are
// paused.
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
    said.textContent = failures ? "The server does not answer, so this may be out of date. Retrying." : "";
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
      if (!fresh) throw new Error("the element is missing");
      const before = part.textContent;
      if (!stopped) update(part, fresh);
      idle = part.textContent === before ? idle + 1 : 0;
      failures = 0;
    } catch {
      failures++;
    }
    showAges();
    later();
  };
  stop.addEventListener("click", () => { stopped = !stopped; later(); });
  later();
}

showAges();
setInterval(() => document.hidden || showAges(), 10_000);
document.querySelectorAll("[data-live]").forEach(keepCurrent);
