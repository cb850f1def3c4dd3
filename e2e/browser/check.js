// Returns what is wrong with the current page: a list of sentences, empty if nothing is.
(() => {
  const faults = [];
  const fault = (text, element) => faults.push(element ? text + ": " + element.outerHTML.slice(0, 120) : text);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const visible = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible";

  if (!document.documentElement.lang) fault("the language is not named");
  if (!/.+ · msatom$/.test(document.title)) fault("the title does not say what the page is: " + document.title);
  if (all("h1").length !== 1) fault("there are " + all("h1").length + " first headings");
  for (const landmark of ["header", "header nav[aria-label]", "main#main", "footer"]) {
    if (all(landmark).length !== 1) fault("there is not exactly one " + landmark);
  }
  const levels = all("h1, h2, h3, h4").map((h) => Number(h.tagName[1]));
  if (levels.some((level, i) => level > (levels[i - 1] ?? 0) + 1)) fault("headings leave out a level: " + levels);
  if (all("script:not([src]), [style], style, [onclick]").length) fault("there is a script or a style in the page");

  const size = performance.getEntriesByType("navigation")[0].decodedBodySize;
  if (!(size > 0 && size < 50_000)) fault("the page has " + size + " bytes");

  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) {
    fault("the page is " + width + " wide, the window " + innerWidth, all("main *").find((e) => e.getBoundingClientRect().right > innerWidth));
  }

  const ids = all("[id]").map((e) => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => fault("two elements are called " + id));
  all("[aria-describedby]").forEach((e) => {
    if (!e.getAttribute("aria-describedby").split(" ").every((id) => document.getElementById(id))) fault("the description is not there", e);
  });
  all("input:not([type=hidden]), select, textarea").forEach((e) => {
    if (![...e.labels].some((l) => l.textContent.trim())) fault("no label", e);
  });
  all("a, button").forEach((e) => {
    if (!(e.getAttribute("aria-label") ?? e.textContent).trim()) fault("no name", e);
  });
  all("table").forEach((e) => {
    if (!e.querySelector("th[scope=col]")) fault("no headings of columns", e);
  });
  all("button, .button, input:not([type=hidden]), select").filter(visible).forEach((e) => {
    const box = e.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 24) fault("too small to be hit", e);
  });

  // Contrast of every visible text against its background (WCAG 2.2, 1.4.3).
  const rgba = (color) => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  all("body *").filter((e) => visible(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).forEach((e) => {
    const [light, dark] = [luminance(rgba(getComputedStyle(e).color)), luminance(ground(e))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) fault("contrast " + ratio.toFixed(2), e);
  });
  return faults;
})()
