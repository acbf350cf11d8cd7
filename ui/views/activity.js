/* Activity: the latest requests as the app counted them: times, names and results, never content. */

import { card, emptyState, pill } from '../components/controls.js';
import { h } from '../dom.js';
import {
  exact, milliseconds, timeWithSeconds, tokens,
} from '../format.js';
import { setLocal, state } from '../store.js';
import { has, t } from '../strings.js';
import { costWords, shortCost } from './activity_panel.js';
import { moveInRows } from './models.js';

export function activityView(snapshot) {
  const rows = snapshot.requests;
  return h('div', { class: 'column', key: 'activity' },
    h('div', { class: 'page-head' },
      h('h1', { class: 'title', tabindex: '-1' }, t('activity.title'))),
    rows.length
      ? [
        h('section', { class: 'card table-card activity-card', key: 'table' }, requestTable(rows, true, state.local.request)),
        h('p', { class: 'caption', key: 'note' }, t('activity.note')),
      ]
      : card(null, null, emptyState(null, t('activity.empty'))));
}

/** `full` adds the columns that only the Activity screen has room for. */
export function requestTable(rows, full, selected = null) {
  const columns = COLUMNS.filter((column) => full || !column.full);
  return h('table', { class: 'table' },
    h('thead', null, h('tr', null, columns.map((column) => (
      h('th', { key: column.name, scope: 'col', class: column.class || null }, t(`activity.col.${column.name}`)))))),
    h('tbody', full ? { onkeydown: moveInRows } : null, rows.map((row) => (
      full ? opener(row, columns, row.id === selected) : h('tr', { key: `r${row.id}` }, cells(row, columns))))));
}

const cells = (row, columns) => columns.map((column) => h('td', {
  key: column.name, class: column.class || null, title: column.title ? column.title(row) : null,
}, column.cell(row)));

/** A row whose first cell opens the panel; so does a press anywhere else in it. */
function opener(row, columns, selected) {
  const open = () => setLocal({ request: selected ? null : row.id });
  const [time, ...rest] = columns;
  return h('tr', { key: `r${row.id}`, class: selected ? 'opener selected' : 'opener', onclick: open },
    h('td', { key: time.name, class: time.class, title: time.title(row) },
      h('button', {
        type: 'button', class: 'row-button', 'data-request': row.id, 'aria-expanded': selected ? 'true' : 'false', 'aria-controls': 'panel',
      }, time.cell(row))),
    cells(row, rest));
}

const COLUMNS = [
  { name: 'time', class: 'nowrap', cell: (row) => timeWithSeconds(row.at), title: (row) => exact(row.at) },
  { name: 'from', class: 'nowrap from-cell', cell: clientWords },
  { name: 'format', full: true, class: 'nowrap col-format', cell: formatName },
  { name: 'model', class: 'model-cell', cell: (row) => h('span', { class: 'mono' }, modelWords(row)) },
  { name: 'result', cell: resultPill, title: (row) => errorText(row) || null },
  { name: 'tokens', full: true, class: 'nowrap col-tokens', cell: tokenCount, title: tokenWords },
  { name: 'cost', full: true, class: 'nowrap col-spent end', cell: shortCost, title: costWords },
  { name: 'took', class: 'nowrap col-took end', cell: (row) => milliseconds(row.took_ms), title: firstWord },
];

export const errorText = (row) => (row.error && typeof row.error === 'object' ? row.error.message : row.error) || '';

export function clientWords(row) {
  return row.client || t('activity.unknown_client');
}

export function formatName(row) {
  const key = `activity.format.${row.dialect}`;
  return has(key) ? t(key) : row.dialect || t('activity.format.other');
}

export function modelWords(row) {
  const { model_asked: asked, model_used: used } = row;
  return asked && used && asked !== used ? t('activity.asked_used', { asked, used }) : used || asked || t('activity.none');
}

function tokenCount(row) {
  if (!counted(row)) return t('activity.none');
  return t('activity.tokens_short', { input: tokens(row.input_tokens), output: tokens(row.output_tokens) });
}

const counted = (row) => row.input_tokens !== null && row.input_tokens !== undefined;

function tokenWords(row) {
  if (!counted(row)) return null;
  return t('activity.tokens', { input: row.input_tokens, output: row.output_tokens || 0 });
}

function firstWord(row) {
  return row.first_ms ? t('activity.first', { after: milliseconds(row.first_ms) }) : null;
}

export function resultPill(row) {
  if (row.outcome === 'open' && row.held && has(`activity.waits.${row.held}`)) return pill('neutral', t(`activity.waits.${row.held}`));
  if (row.outcome === 'open' || row.outcome === 'running') return pill('neutral', t('activity.running'));
  const { level, words } = resultWords(row);
  return pill(level, words);
}

/** The result in words with its number; a stream that broke after a good start is no success. */
export function resultWords(row) {
  const status = Number(row.status) || 0;
  if (row.outcome === 'cancelled' || status === 499) return { level: 'neutral', words: t('activity.result.499') };
  if (row.held && has(`activity.held.${row.held}`)) {
    return { level: 'warn', words: t(`activity.held.${row.held}`, { status: String(status) }) };
  }
  if (status === 0) return { level: 'bad', words: t('activity.result.000') };
  if (status < 400 && row.outcome === 'failed') {
    return { level: 'bad', words: t('activity.result.cut', { status: String(status) }) };
  }
  const level = status < 400 ? 'ok' : status === 429 || status === 402 || status === 401 ? 'warn' : 'bad';
  if (has(`activity.result.${status}`)) return { level, words: t(`activity.result.${status}`) };
  const kind = status < 400 ? 'other_ok' : status < 500 ? 'other_4xx' : 'other_5xx';
  return { level, words: t(`activity.result.${kind}`, { status: String(status) }) };
}
