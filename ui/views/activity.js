/* A request in words: times, names and results as the app counted them, never content. */

import { pill } from '../components/controls.js';
import { h } from '../dom.js';
import {
  exact, milliseconds, number, timeWithSeconds, tokens,
} from '../format.js';
import { has, t } from '../strings.js';

/** The latest requests with what fits beside other things. */
export function requestTable(rows) {
  const columns = COLUMNS.filter((column) => !column.full);
  return h('table', { class: 'table' },
    h('thead', null, h('tr', null, columns.map((column) => (
      h('th', { key: column.name, scope: 'col', class: column.class || null }, t(`activity.col.${column.name}`)))))),
    h('tbody', null, rows.map((row) => h('tr', { key: `r${row.id}` }, cells(row, columns)))));
}

const cells = (row, columns) => columns.map((column) => h('td', {
  key: column.name, class: column.class || null, title: column.title ? column.title(row) : null,
}, column.cell(row)));

const isNumber = (value) => typeof value === 'number';

/** `full`: only Activity has room for it. */
export const COLUMNS = [
  { name: 'time', class: 'nowrap', cell: (row) => timeWithSeconds(row.at), title: (row) => exact(row.at) },
  { name: 'from', class: 'nowrap from-cell', cell: clientWords },
  { name: 'format', full: true, cell: formatName },
  { name: 'model', class: 'model-cell', cell: (row) => h('span', { class: 'mono' }, modelWords(row)) },
  { name: 'result', cell: resultPill, title: (row) => errorText(row) || null },
  { name: 'tokens', full: true, cell: tokenCount, title: tokenWords },
  { name: 'cost', full: true, cell: shortCost, title: costWords },
  { name: 'first', full: true, cell: (row) => milliseconds(row.first_ms) },
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
  const ours = status === 400 && !row.upstream_status; // refused before Copilot was asked
  if (!ours && has(`activity.result.${status}`)) return { level, words: t(`activity.result.${status}`) };
  const kind = status < 400 ? 'other_ok' : status < 500 ? 'other_4xx' : 'other_5xx';
  return { level, words: t(`activity.result.${kind}`, { status: String(status) }) };
}

/** In full; `null` where nothing is known. */
export function costWords(row) {
  if (isNumber(row.credits)) return t('activity.cost.credits', { amount: number(row.credits, 9) });
  if (!isNumber(row.multiplier)) return t('activity.cost.unknown');
  if (row.multiplier === 0) return t('models.cost.included');
  if (row.initiator === 'agent') return t('activity.cost.agent');
  return t('activity.cost.multiplier', { amount: number(row.multiplier, 2) });
}

const LEAST = 0.01; // credits; less is not worth the digits in a narrow column

function shortCredits(value) {
  if (value > 0 && value < LEAST) return t('activity.cost.tiny', { amount: number(LEAST, 2) });
  if (value < 100) return number(value, 2);
  return value < 10000 ? number(value) : tokens(value);
}

/** For the narrow column of the table; what it leaves out is in its title. */
function shortCost(row) {
  if (isNumber(row.credits)) return shortCredits(row.credits);
  if (!isNumber(row.multiplier) || row.initiator === 'agent') return t('activity.none');
  return t('models.cost.multiplier', { n: number(row.multiplier, 2) });
}
