/* What this app has used: a bar for each day, and sums by client, model or day.

   The numbers are asked for when the screen is open and again when there are new ones; the snapshot
   only says that there are (`usage.history_ref`). Until the new ones have come the old ones stay. */

import { act } from '../api.js';
import { chart } from '../components/chart.js';
import { button, card, emptyState, segmented, skeleton } from '../components/controls.js';
import { icon } from '../components/icon.js';
import { h } from '../dom.js';
import { credits, dayAndMonth, number, percent, tokens } from '../format.js';
import { changed, setLocal, state } from '../store.js';
import { t } from '../strings.js';

const DAY = 86400;
const MOST_DAYS = 90;
const FEW_ROWS = 10;
const PAUSE = 1000; // ms between two questions, however many requests end
const START = {
  range: 'period', by: 'client', chosen: null, table: false, all: false, told: null, failed: false,
};
const asked = { key: '', at: 0, waiting: false, timer: null };

const chosenBy = (local) => ({ ...START, ...local.usage });
const set = (part) => setLocal({ usage: { ...chosenBy(state.local), ...part } });

export function historyCards(snapshot, local) {
  const own = chosenBy(local);
  ask(snapshot, own);
  const { told } = own;
  if (!told) {
    return own.failed
      ? h('div', { key: 'chart' }, card(null, null, emptyState(null, t('usage.history.failed'), button(t('action.try_again'), again, { small: true }))))
      : h('div', { key: 'chart' }, card(null, null, skeleton(4, t('usage.history.loading'))));
  }
  return [chartCard(told, own), told.since ? ledgerCard(told, own) : null];
}

/** Fetch what belongs to the choice, unless it is there or on its way. */
function ask(snapshot, own) {
  const days = daysOf(own.range, snapshot);
  const choice = `${days}|${own.by}`;
  const key = `${choice}|${snapshot.usage.history_ref}|${new Date().toDateString()}`;
  if (key === asked.key || asked.waiting) return;
  const left = asked.at + PAUSE - performance.now();
  if (left > 0 && asked.key.startsWith(`${choice}|`)) {
    clearTimeout(asked.timer);
    asked.timer = setTimeout(changed, left);
    return;
  }
  Object.assign(asked, { key, at: performance.now(), waiting: true });
  act('usage_history', { days, by: own.by }).then((answer) => {
    asked.waiting = false;
    const fine = answer.ok && Array.isArray(answer.values);
    set(fine ? { told: answer, failed: false } : { failed: true });
  });
}

function again() {
  asked.key = '';
  set({ failed: false });
}

/** The period of the plan's meter, or the calendar month. */
function daysOf(range, { usage }) {
  if (range !== 'period') return Number(range);
  const counted = usage.meters.find((one) => one.kind === 'metered' && one.window_start);
  const today = new Date();
  const begun = counted ? new Date(counted.window_start * 1000) : new Date(today.getFullYear(), today.getMonth(), 1);
  const days = Math.round((midnight(today) - midnight(begun)) / 1000 / DAY) + 1;
  return Math.min(MOST_DAYS, Math.max(1, days));
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** "2026-11-21" and some days, in seconds since the epoch, at noon: no clock change reaches it. */
function noon(day, later = 0) {
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later, 12).getTime() / 1000;
}

// --- chart -------------------------------------------------------------------------------------

function chartCard(told, own) {
  const ranges = ['period', '30', '90'].map((name) => [name, t(`usage.chart.range_${name}`)]);
  const head = h('div', { class: 'card-head wrap' },
    h('h2', { id: 'card-chart', class: 'heading' }, t(`usage.chart.heading.${told.unit}`)),
    segmented('range', own.range, ranges, (range) => set({ range, chosen: null }), { label: t('usage.chart.range') }));
  if (!told.since) {
    return h('section', { class: 'card', key: 'chart', 'aria-labelledby': 'card-chart' },
      head, emptyState(null, t('usage.chart.empty')));
  }
  const ahead = own.range === 'period' ? told.forecast : [];
  const days = told.values.length + ahead.length;
  const chosen = Math.min(own.chosen === null ? told.values.length - 1 : own.chosen, days - 1);
  const describe = (index) => sentence(told, ahead, index);
  return h('section', { class: 'card', key: 'chart', 'aria-labelledby': 'card-chart' },
    head,
    chart({
      id: 'days', label: t(`usage.chart.heading.${told.unit}`), values: told.values, ahead, chosen, describe,
      marked: own.chosen !== null,
      choose: (index) => set({ chosen: index }),
    }),
    h('div', { class: 'chart-foot' },
      h('span', { class: 'caption' }, dayAndMonth(noon(told.first))),
      h('span', { class: 'chart-day', 'aria-hidden': 'true' }, describe(chosen)),
      h('span', { class: 'caption' }, dayAndMonth(noon(told.first, days - 1)))),
    h('div', { class: 'chart-notes' },
      h('p', { class: 'caption' }, ahead.length ? `${t('usage.chart.note')} ${t('usage.chart.hatched')}` : t('usage.chart.note')),
      button(t(own.table ? 'usage.chart.hide_table' : 'usage.chart.show_table'), () => set({ table: !own.table }), {
        look: 'ghost', small: true, edge: true, id: 'as-table', expanded: own.table,
      })),
    own.table ? dayTable(told) : null);
}

function amountWords(unit, value) {
  return unit === 'requests'
    ? t('usage.chart.value.requests', { n: Math.round(value) })
    : t(`usage.chart.value.${unit}`, { amount: value ? credits(value) : '0' });
}

function sentence(told, ahead, index) {
  const today = index === told.values.length - 1;
  const date = today ? t('usage.chart.today') : dayAndMonth(noon(told.first, index));
  if (index >= told.values.length) {
    const value = amountWords(told.unit, ahead[index - told.values.length]);
    return t('usage.chart.selected_forecast', { date, value });
  }
  const amount = amountWords(told.unit, told.values[index]);
  const value = told.unit === 'requests' ? amount
    : t('usage.chart.value_and_requests', { value: amount, n: told.requests[index] });
  return t('usage.chart.selected', { date, value });
}

/** In a column: as many digits as can be compared, and never "0" for something. */
const cost = (value) => (value > 0 && value < 0.01 ? credits(value) : number(value, value < 10 ? 2 : 1));

function dayTable(told) {
  const own = told.unit !== 'requests';
  const rows = told.values.map((value, index) => h('tr', { key: `r${index}` },
    h('th', { scope: 'row', class: 'row-head' }, dayAndMonth(noon(told.first, index))),
    h('td', { class: 'end' }, number(told.requests[index])),
    own ? h('td', { class: 'end' }, cost(value)) : null));
  return h('div', { class: 'table-in-card', tabindex: '0', role: 'region', 'aria-label': t('usage.chart.table') },
    h('table', { class: 'table' },
      h('thead', null, h('tr', null,
        h('th', { scope: 'col' }, t('usage.history.col.day')),
        h('th', { scope: 'col', class: 'end' }, t('usage.history.col.requests')),
        own ? h('th', { scope: 'col', class: 'end' }, t(`usage.history.col.${told.unit}`)) : null)),
      h('tbody', null, rows.reverse())));
}

// --- ledger ------------------------------------------------------------------------------------

function ledgerCard(told, own) {
  const choices = ['client', 'model', 'day'].map((name) => [name, t(`usage.history.by_${name}`)]);
  const head = h('div', { class: 'card-head wrap' },
    h('h2', { id: 'card-ledger', class: 'heading' }, t('usage.history.last_days', { n: told.days })),
    segmented('by', own.by, choices, (by) => set({ by, all: false }), { label: t('usage.history.by') }));
  const shown = own.all ? told.rows : told.rows.slice(0, FEW_ROWS);
  const hidden = told.rows.length - FEW_ROWS;
  const low = told.low_cache;
  return h('section', { class: 'card table-card ledger-card', key: 'ledger', 'aria-labelledby': 'card-ledger' },
    head,
    told.rows.length ? ledgerTable(told, shown) : h('p', { class: 'card-note' }, t('usage.history.empty_range')),
    hidden > 0 || told.more || low ? h('div', { class: 'ledger-foot' },
      hidden > 0 ? button(
        own.all ? t('usage.history.show_fewer') : t('usage.history.show_all', { n: told.rows.length }),
        () => set({ all: !own.all }), { look: 'ghost', small: true, id: 'all-rows' }) : null,
      told.more ? h('p', { class: 'caption' }, t('usage.history.more', { n: told.more })) : null,
      low ? h('p', { class: 'note-line' }, icon('info'), t('usage.history.low_cache', {
        client: low.client, p: percent(low.share * 100),
      })) : null) : null);
}

function ledgerTable(told, shown) {
  const amount = told.unit === 'requests' ? null : told.unit;
  const head = (name, kind = 'end') => h('th', { scope: 'col', class: kind, key: name }, t(`usage.history.col.${name}`));
  const line = (row, name, kind) => h('tr', { key: `${kind}-${row.name}` },
    h('th', { scope: 'row', class: 'row-head cut', title: name }, name),
    h('td', { class: 'end nowrap' }, number(row.requests),
      row.failed ? h('span', { class: 'caption failed' }, t('usage.history.failed_count', { n: row.failed })) : null),
    h('td', { class: 'end nowrap' }, tokens(row.input)),
    h('td', { class: 'end nowrap col-cached' }, row.cached === null ? t('activity.none') : t('settings.text_size_value', { n: percent(row.cached * 100) })),
    h('td', { class: 'end nowrap col-output' }, tokens(row.output)),
    amount ? h('td', { class: 'end nowrap strong' }, cost(row[amount])) : null);
  const name = (row) => (told.by === 'day' ? dayAndMonth(noon(row.name)) : row.name);
  return h('table', { class: 'table ledger' },
    h('thead', null, h('tr', null,
      head(told.by, 'col-name'), head('requests'), head('input'), head('cached', 'end col-cached'),
      head('output', 'end col-output'), amount ? head(amount) : null)),
    h('tbody', null, shown.map((row) => line(row, name(row), 'row'))),
    h('tfoot', null, line(told.total, t('usage.history.total'), 'total')));
}

