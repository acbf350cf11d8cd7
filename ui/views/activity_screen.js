/* Activity: the requests of this run and the log, each kept up by a stream while it is looked at. */

import * as actions from '../actions.js';
import { announce } from '../announce.js';
import { button, card, emptyState, segmented } from '../components/controls.js';
import { icon } from '../components/icon.js';
import { searchField } from '../components/search.js';
import { inView, measured, reveal, withRoom } from '../components/window.js';
import { h } from '../dom.js';
import { timeOfDay } from '../format.js';
import { allRequests, knownSoFar, mergeRequests } from '../requests.js';
import { changed, setLocal, state, subscribe } from '../store.js';
import { t } from '../strings.js';
import { watch } from '../watch.js';
import {
  clientWords, COLUMNS, errorText, formatName, modelWords, resultWords,
} from './activity.js';
import { logCount, logView } from './log.js';

const SCROLLER = 'requests';
const LIMITED = ['429', '402'];
let closing = null;
let scrolledTo = [];

export function activityView(snapshot, local) {
  const { tab } = local.activity;
  const rows = local.activity.held || allRequests(snapshot);
  const shown = filterRequests(rows, local.activity);
  return h('div', { class: 'column wide fill', key: 'activity' },
    h('div', { class: 'page-head' },
      h('h1', { class: 'title', tabindex: '-1' }, t('activity.title')),
      h('span', { class: 'caption', role: 'status' }, tab === 'log' ? logCount(local) : statusWords(snapshot, rows, shown, local.activity.held)),
      segmented('activity', tab, ['requests', 'log'].map((name) => [name, t(`activity.tab.${name}`)]),
        (name) => set({ tab: name }), { label: t('activity.title') })),
    recordingStrip(snapshot),
    tab === 'log' ? logView(local) : requestsPart(snapshot, local, rows, shown));
}

const set = (part) => setLocal({ activity: { ...state.local.activity, ...part } });

/** Always there while it is true: what requests say is being written down. */
function recordingStrip({ recording }) {
  if (!recording) return null;
  return h('div', { class: 'strip warn', key: 'strip', role: 'note' }, icon('warning'),
    h('span', { class: 'strip-words' }, t('activity.recording', { time: timeOfDay(recording.until) })),
    button(t('activity.stop_recording'), () => actions.perform('stop_recording'), { small: true }));
}

// --- requests ----------------------------------------------------------------------------------

function requestsPart(snapshot, local, rows, shown) {
  return [
    toolbar(snapshot, local, rows),
    rows.length ? list(shown, local)
      : h('div', { key: 'empty' }, card(null, null, emptyState(null, t('activity.empty')))),
    rows.length ? h('p', { class: 'caption', key: 'note' }, t(snapshot.recording ? 'activity.note_recording' : 'activity.note')) : null,
  ];
}

/** The rows that pass search and filter. */
function filterRequests(rows, { q, result }) {
  const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && result === 'all') return rows;
  return rows.filter((row) => (
    (result === 'all' || (result === 'limited' ? isLimited(row) : isFailed(row)))
    && (!words.length || words.every((word) => searchText(row).includes(word)))));
}

const isLimited = (row) => LIMITED.includes(String(row.status)) || Boolean(row.held && row.outcome !== 'open');
const isFailed = (row) => row.outcome !== 'open' && resultWords(row).level !== 'ok' && row.outcome !== 'cancelled';

const searchText = (row) => [
  clientWords(row), formatName(row), modelWords(row), resultWords(row).words, errorText(row), row.request_id,
].join(' ').toLowerCase();

function toolbar(snapshot, local, rows) {
  const { q, result, held } = local.activity;
  return h('div', { class: 'toolbar', role: 'search', key: 'toolbar' },
    searchField(q, (value) => set({ q: value }), t('activity.search')),
    segmented('result', result, ['all', 'failed', 'limited'].map((name) => [name, t(`activity.filter.${name}`)]),
      (name) => set({ result: name }), { label: t('activity.col.result') }),
    button(t(held ? 'activity.continue' : 'activity.pause'), () => (held ? goOn() : pause(snapshot)), {
      glyphName: held ? 'play' : 'pause', key: 'pause', off: !rows.length && !held,
    }),
    button(t('activity.clear'), clear, { look: 'ghost', key: 'clear', off: !rows.length }),
    button(t('activity.export'), exportList, {
      look: 'ghost', key: 'export', off: !rows.length, busy: Boolean(local.busy.export_requests),
    }));
}

function statusWords(snapshot, rows, shown, held) {
  if (held) {
    const last = held.length ? held[0].id : 0;
    return t('activity.paused', { n: allRequests(snapshot).filter((row) => row.id > last).length });
  }
  if (!rows.length) return '';
  return shown.length === rows.length ? t('activity.count', { n: rows.length })
    : t('activity.count_shown', { shown: shown.length, n: rows.length });
}

const pause = (snapshot) => set({ held: allRequests(snapshot) });
const goOn = () => set({ held: null });

async function clear() {
  setLocal({ request: null });
  set({ held: null });
  const answer = await actions.perform('clear_requests');
  if (answer.ok) announce(t('activity.cleared'));
}

async function exportList() {
  const answer = await actions.perform('export_requests');
  if (answer.ok) actions.toast(t('activity.exported', { path: answer.path }));
}

function list(rows, local) {
  if (!rows.length) {
    return h('div', { key: 'none' }, card(null, null, emptyState(null, t('activity.no_match'),
      button(t('activity.clear_filter'), () => set({ q: '', result: 'all' })))));
  }
  const focused = document.activeElement && document.activeElement.dataset.request;
  const places = inView(SCROLLER, rows.length, focused ? rows.findIndex((row) => row.id === Number(focused)) : -1);
  scrolledTo = rows;
  queueMicrotask(() => { if (measured(SCROLLER)) changed(); });
  return h('section', { class: 'card table-card activity-card fill-card', key: 'table' },
    h('div', { class: 'scroller', id: SCROLLER, tabindex: '-1', onscroll: onScroll },
      h('table', { class: 'table fixed', 'aria-rowcount': rows.length + 1, 'aria-label': t('activity.tab.requests') },
        h('thead', null, h('tr', null, COLUMNS.map((column) => (
          h('th', { key: column.name, scope: 'col', class: `c-${column.name}` }, t(`activity.col.${column.name}`)))))),
        h('tbody', { onkeydown: moveFocus },
          withRoom(SCROLLER, places, rows.length, (place) => (
            opener(rows[place], place, rows[place].id === local.request)))))));
}

/** A row whose first cell opens the panel; so does a press anywhere else in it. */
function opener(row, place, selected) {
  const open = () => setLocal({ request: selected ? null : row.id });
  const [time, ...rest] = COLUMNS;
  return h('tr', {
    key: `r${row.id}`, class: selected ? 'opener selected' : 'opener', 'aria-rowindex': place + 2, onclick: open,
  },
  h('td', { key: time.name, class: `c-${time.name}`, title: time.title(row) },
    h('button', {
      type: 'button', class: 'row-button', 'data-request': row.id, 'aria-expanded': selected ? 'true' : 'false', 'aria-controls': 'panel',
    }, time.cell(row))),
  rest.map((column) => h('td', {
    key: column.name, class: `c-${column.name}`, title: column.title ? column.title(row) : null,
  }, column.cell(row))));
}

let scrollAsked = false;

function onScroll() {
  if (scrollAsked) return;
  scrollAsked = true;
  requestAnimationFrame(() => { scrollAsked = false; changed(); });
}

/** Arrow keys move between all rows, also those that are not drawn yet. */
function moveFocus(event) {
  const here = document.activeElement && Number(document.activeElement.dataset.request);
  const place = scrolledTo.findIndex((row) => row.id === here);
  if (place < 0) return;
  const last = scrolledTo.length - 1;
  const target = {
    ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: last, PageDown: place + 10, PageUp: place - 10,
  }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  const next = Math.min(last, Math.max(0, target));
  const { id } = scrolledTo[next];
  reveal(SCROLLER, next);
  if (!focusRow(id)) {
    changed(); // it has to be drawn first
    setTimeout(() => focusRow(id));
  }
}

function focusRow(id) {
  const found = document.querySelector(`[data-request="${Number(id)}"]`);
  if (found) found.focus({ preventScroll: true });
  return Boolean(found);
}

// --- the stream --------------------------------------------------------------------------------

function takeIn(news) {
  const scroller = document.getElementById(SCROLLER);
  const before = scroller && scroller.scrollTop > 0 && !state.local.activity.held ? scroller.scrollHeight : 0;
  mergeRequests(news);
  changed();
  // Rows come in at the top; whoever reads further down keeps the rows in view.
  if (before) setTimeout(() => { scroller.scrollTop += scroller.scrollHeight - before; });
}

subscribe((snapshot, local) => {
  const wanted = local.screen === 'activity' && local.activity.tab === 'requests';
  if (wanted && !closing) closing = watch(() => `/watch/requests?${knownSoFar()}`, takeIn);
  if (!wanted && closing) { closing(); closing = null; }
});
