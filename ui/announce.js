/* The two live regions: what a screen reader says without being asked. */

/** Said when the reader is idle: copied, saved, refreshed. */
export function announce(text) {
  say(document.getElementById('polite'), text);
}

/** Said at once: a banner of level error. */
export function alertNow(text) {
  say(document.getElementById('assertive'), text);
}

function say(region, text) {
  // The same sentence twice is only read twice when the region was empty in between.
  region.textContent = '';
  requestAnimationFrame(() => { region.textContent = text; });
}
