"""Look at a page as a reader does, in a real browser: what it asks for, runs, says on its console, and how it lies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

DESKTOP, PHONE = (1280, 900), (390, 844)

# Text that lies on other text, sticks out of the box that it is drawn in, or cannot be told from what is behind it.
_LAID = """
() => {
  const wrong = {overlaps: [], outside: [], faint: [], wide: []};
  const doc = document.documentElement;
  if (doc.scrollWidth > doc.clientWidth + 1) wrong.wide.push(`${doc.scrollWidth} > ${doc.clientWidth}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true})) continue;
    if (parent.closest('style, title, .unseen, .skip, thead[hidden]')) continue;
    const style = getComputedStyle(parent);
    const range = document.createRange();
    range.selectNodeContents(node);
    const scroller = parent.closest('.scroll, pre');
    const clip = scroller ? scroller.getBoundingClientRect() : null;
    for (const r of range.getClientRects()) {
      if (r.width < 1 || r.height < 1) continue;
      if (parent.closest('thead') && style.display === 'block') continue;
      if (clip && (r.right < clip.left || r.left > clip.right)) continue;
      // The letters' own height: a line's box is higher.
      const inset = r.height * 0.22;
      seen.push({l: r.left + 1, r: r.right - 1, t: r.top + inset, b: r.bottom - inset, text: node.data.trim(), parent});
    }
    const mark = parent.closest('svg .mark');
    if (mark && parent.tagName !== 'title') {
      const box = mark.querySelector('rect, path').getBoundingClientRect(), own = parent.getBoundingClientRect();
      if (own.left < box.left - 0.5 || own.right > box.right + 0.5) wrong.outside.push(node.data);
    }
    const chart = parent.closest('svg.chart');
    if (chart) {
      const box = chart.getBoundingClientRect(), own = parent.getBoundingClientRect();
      if (own.left < box.left - 0.5 || own.right > box.right + 0.5) wrong.outside.push(node.data);
    }
  }
  const visible = seen.filter(s => !clippedAway(s.parent));
  visible.sort((a, b) => a.t - b.t);
  for (let i = 0; i < visible.length; i++) {
    for (let j = i + 1; j < visible.length && visible[j].t < visible[i].b; j++) {
      const a = visible[i], b = visible[j];
      if (a.l < b.r && b.l < a.r && a.parent !== b.parent && !sticky(a) && !sticky(b))
        wrong.overlaps.push(`${a.text.slice(0, 40)} | ${b.text.slice(0, 40)}`);
    }
  }
  for (const each of visible) {
    const found = contrast(each.parent);
    if (found < 4.5) wrong.faint.push(`${found.toFixed(2)} ${each.text.slice(0, 40)}`);
  }
  return wrong;

  function sticky(s) { return s.parent.closest('.contents') !== null; }
  function clippedAway(el) {
    for (let up = el; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.clipPath !== 'none') return true;
    }
    return false;
  }
  function parse(colour) {
    const found = colour.match(/rgba?\\(([^)]+)\\)/);
    if (!found) return [0, 0, 0, 0];
    const parts = found[1].split(/[ ,/]+/).map(Number);
    return [parts[0], parts[1], parts[2], parts.length > 3 ? parts[3] : 1];
  }
  function behind(el) {
    const layers = [];
    const mark = el.closest('svg .mark');
    if (mark) layers.push(parse(getComputedStyle(mark.querySelector('rect, path')).fill));
    for (let up = el; up; up = up.parentElement) layers.push(parse(getComputedStyle(up).backgroundColor));
    layers.push([255, 255, 255, 1]);
    let colour = [255, 255, 255];
    for (const layer of layers.reverse()) colour = colour.map((c, i) => layer[i] * layer[3] + c * (1 - layer[3]));
    return colour;
  }
  function light(rgb) {
    const [r, g, b] = rgb.map(c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(el) {
    const style = getComputedStyle(el), text = el.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const one = light(parse(text)), other = light(behind(el));
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  }
}
"""


@dataclass
class Seen:
    """What a browser met with on a page.

    Attributes:
        page: open, to be asked more.
        console: errors and warnings.
        requests: to anything but the page itself.
        dialogs: that were opened.
    """

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def laid(self) -> dict[str, list[str]]:
        """What lies wrongly, with every part that can be opened open: empty lists where nothing does."""
        self.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found: dict[str, list[str]] = self.page.evaluate(_LAID)
        return found

    def quiet(self) -> bool:
        """Whether nothing was asked for, run or complained of."""
        return not (self.console or self.requests or self.dialogs)


@contextmanager
def seen(browser: Browser, file: Path, size: tuple[int, int], **settings: Any) -> Iterator[Seen]:
    """Open a page's file.

    Args:
        browser: that runs.
        file: the page.
        size: of the window.
        settings: more of the browser's, such as `color_scheme="dark"`.
    """
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
    try:
        page = context.new_page()
        found = Seen(page)
        page.on("console", lambda said: found.console.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: found.console.append(str(problem)))
        page.on("dialog", lambda dialog: (found.dialogs.append(dialog.message), dialog.dismiss()))
        url = file.absolute().as_uri()
        page.on(
            "request",
            lambda asked: (
                found.requests.append(asked.url)
                if asked.url.partition("#")[0] != url and not asked.url.startswith("data:")
                else None
            ),
        )
        page.goto(url)
        yield found
    finally:
        context.close()
