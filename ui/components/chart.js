/* Bars for days, of which one is chosen: by a press, or with the arrow keys.

   For readers it is a slider over days, whose value is the day's sentence; the numbers are also in
   a table that the view offers. Days to come are hatched, days without anything are a thin line. */

import { h } from '../dom.js';

const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7,
};

/** `values` up to today, then `ahead` for the days to come; `describe(index)` is the day's sentence.
    The chosen day is shown as such once it was `marked` by hand. */
export function chart({ id, label, values, ahead, chosen, marked, describe, choose }) {
  const all = [...values, ...ahead];
  const top = Math.max(...all, 0);
  const last = all.length - 1;
  const set = (index) => choose(Math.min(last, Math.max(0, index)));
  const bar = (value, index) => h('span', {
    key: `d${index}`,
    class: [
      'day', value > 0 ? '' : 'zero', index === values.length - 1 ? 'today' : '',
      index >= values.length ? 'ahead' : '', marked && index === chosen ? 'chosen' : '',
    ].filter(Boolean).join(' '),
    sized: { height: value > 0 ? `max(2px, ${((value / top) * 100).toFixed(2)}%)` : '1px' },
  });
  return h('div', {
    id,
    class: 'chart',
    role: 'slider',
    tabindex: '0',
    'aria-label': label,
    'aria-valuemin': '0',
    'aria-valuemax': String(last),
    'aria-valuenow': String(chosen),
    'aria-valuetext': describe(chosen),
    onclick: (event) => set(dayAt(event, all.length)),
    onkeydown: (event) => {
      const back = document.documentElement.dir === 'rtl' && event.key.startsWith('Arrow') ? -1 : 1;
      let wanted = null;
      if (STEPS[event.key]) wanted = chosen + STEPS[event.key] * back;
      if (event.key === 'Home') wanted = 0;
      if (event.key === 'End') wanted = last;
      if (wanted === null) return;
      event.preventDefault();
      event.stopPropagation();
      set(wanted);
    },
  }, all.map(bar));
}

/** The gaps between bars belong to the day before them. */
function dayAt(event, count) {
  const box = event.currentTarget.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const place = document.documentElement.dir === 'rtl' ? 1 - share : share;
  return Math.floor(place * count);
}
