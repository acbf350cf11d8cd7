/* Long lists: only the rows in view are drawn, the others are room of the right height.

   Rows are all of one height, which is measured at the first one that is drawn. The row that has
   the focus is drawn wherever it is, so that scrolling never takes the focus away. */

import { h } from '../dom.js';

const AROUND = 8; // rows drawn beyond each edge
const heights = new Map();

/** The places of the rows to draw: `[from, to)` in view, and `kept` if it is outside. */
export function inView(id, count, kept = -1) {
  const scroller = document.getElementById(id);
  const height = heights.get(id) || 36;
  const top = scroller ? scroller.scrollTop : 0;
  const seen = scroller && scroller.clientHeight ? scroller.clientHeight : window.innerHeight;
  const first = Math.max(0, Math.min(count, Math.floor(top / height)) - AROUND);
  const last = Math.min(count, Math.ceil((top + seen) / height) + AROUND);
  const places = [];
  for (let place = first; place < last; place += 1) places.push(place);
  if (kept >= 0 && kept < count && kept < first) places.unshift(kept);
  if (kept >= 0 && kept < count && kept >= last) places.push(kept);
  return places;
}

/** Table rows for `places` out of `count`, with room for those between. Room is one cell wide: to
    WebKit a column that is only spanned is a column, which takes its share of the width. */
export function withRoom(id, places, count, draw) {
  const height = heights.get(id) || 36;
  const room = (n, key) => h('tr', { class: 'room', key, 'aria-hidden': 'true' },
    h('td', { sized: { height: `${n * height}px` } }));
  const rows = [];
  let next = 0;
  for (const place of places) {
    if (place > next) rows.push(room(place - next, `room-${rows.length ? 'mid' : 'top'}-${next > 0 ? 1 : 0}`));
    rows.push(draw(place));
    next = place + 1;
  }
  if (count > next) rows.push(room(count - next, 'room-end'));
  return rows;
}

/** After a drawing: is the height of rows still what was thought? True if it has changed. */
export function measured(id) {
  const row = document.querySelector(`#${id} tbody tr:not(.room)`);
  if (!row) return false;
  const { height } = row.getBoundingClientRect();
  if (!height || Math.abs(height - (heights.get(id) || 36)) < 0.01) return false;
  heights.set(id, height);
  return true;
}

/** Bring row `place` into view, below the heading of the table. */
export function reveal(id, place) {
  const scroller = document.getElementById(id);
  if (!scroller) return;
  const height = heights.get(id) || 36;
  const head = scroller.querySelector('thead');
  const room = scroller.clientHeight - (head ? head.offsetHeight : 0);
  if (place * height < scroller.scrollTop) scroller.scrollTop = place * height;
  else if ((place + 1) * height > scroller.scrollTop + room) scroller.scrollTop = (place + 1) * height - room;
}
