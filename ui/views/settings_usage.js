/* Alerts, the user's own budget, and how long the history is kept: rows for Usage and Settings. */

import * as actions from '../actions.js';
import { button, segmented, select } from '../components/controls.js';
import { h } from '../dom.js';
import { number } from '../format.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const KEPT = [31, 60, 90];
const MOST = 100000;

export function alertRows(snapshot, local) {
  const whole = (typed) => (/^\d+$/.test(typed) && typed >= 1 && typed <= 100 ? Number(typed) : undefined);
  return ['alert_low', 'alert_high'].map((name) => numberRow(name, snapshot, local, {
    read: whole, wrong: t('settings.alert_range'), after: t('settings.percent_of_use'),
  }));
}

export function budgetRows(snapshot, local) {
  const { settings, usage } = snapshot;
  if (settings.budget_period === undefined) return [];
  const units = usage.meters.filter((one) => one.kind === 'metered').map((one) => one.unit);
  const known = units.includes('credits') || units.includes('requests');
  const wanted = (unit) => settings[`budget_${unit}`] !== null || !known || units.includes(unit);
  const amount = (typed) => {
    if (typed === '') return null;
    const value = Number(typed.replace(',', '.'));
    return value > 0 && value <= MOST ? value : undefined;
  };
  const choice = (name, names) => choiceRow(name, names, snapshot, local);
  return [
    ...['credits', 'requests'].filter(wanted).map((unit) => numberRow(`budget_${unit}`, snapshot, local, {
      read: amount, wrong: t('settings.budget_range'), empty: t('usage.budget.none'), note: t('settings.budget_amount_help'),
    })),
    choice('budget_period', ['day', 'month']),
    choice('budget_action', ['warn', 'stop']),
  ];
}

export function historyRows(snapshot, local) {
  const days = snapshot.settings.history_days;
  if (days === undefined) return [];
  const fixed = fixedBy('history_days', snapshot);
  const values = [...new Set([...KEPT, days])].sort((a, b) => a - b);
  const words = (n) => t('settings.history_days_value', { n });
  const clear = button(t('settings.clear_history'), () => actions.openSheet('clear_history', { n: days }), {
    key: 'clear', busy: Boolean(local.busy.clear_history),
  });
  const control = fixed ? h('span', { class: 'setting-value' }, words(days))
    : select('s-history_days', String(days), values.map((n) => [String(n), words(n)]),
      (value) => actions.change('history_days', { history_days: Number(value) }),
      { labelled: 'l-history_days', described: 'n-history_days' });
  return [settingRow('history_days', [control, clear], local, { note: fixed })];
}

function choiceRow(name, names, snapshot, local) {
  const value = snapshot.settings[name];
  const words = names.map((each) => [each, t(`settings.${name}_${each}`)]);
  const fixed = fixedBy(name, snapshot);
  if (fixed) {
    const shown = h('span', { class: 'setting-value' }, t(`settings.${name}_${value}`));
    return settingRow(name, shown, local, { note: fixed });
  }
  return settingRow(name, segmented(name, value, words, (next) => actions.change(name, { [name]: next }), {
    labelled: `l-${name}`,
  }), local);
}

/** A number that is typed: taken with Enter or when the field is left. Escape brings the old back. */
function numberRow(name, snapshot, local, { read, wrong, after = null, empty = '', note = null }) {
  const current = snapshot.settings[name];
  if (current === undefined) return null;
  const fixed = fixedBy(name, snapshot);
  const shown = current === null ? '' : String(current);
  if (fixed) {
    const value = h('span', { class: 'setting-value' }, current === null ? empty : number(current, 2));
    return settingRow(name, value, local, { note: fixed });
  }
  const drop = () => {
    const drafts = { ...state.local.drafts };
    const errors = { ...state.local.errors };
    delete drafts[name];
    delete errors[name];
    setLocal({ drafts, errors });
  };
  const take = (typed) => {
    const value = read(typed.trim());
    if (value === undefined) setLocal({ errors: { ...state.local.errors, [name]: wrong } });
    else if (value === current) drop();
    else actions.change(name, { [name]: value });
  };
  const field = h('input', {
    id: `s-${name}`,
    key: 'field',
    class: 'field amount',
    type: 'text',
    inputmode: 'decimal',
    maxlength: '9',
    autocomplete: 'off',
    placeholder: empty || null,
    value: local.drafts[name] === undefined ? shown : local.drafts[name],
    'aria-labelledby': `l-${name}`,
    'aria-describedby': `n-${name}`,
    'aria-invalid': local.errors[name] ? 'true' : null,
    oninput: (event) => setLocal({ drafts: { ...state.local.drafts, [name]: event.target.value } }),
    onchange: (event) => take(event.target.value),
    onkeydown: (event) => {
      if (event.key === 'Enter') take(event.target.value);
      if (event.key === 'Escape' && state.local.drafts[name] !== undefined) {
        event.stopPropagation();
        drop();
      }
    },
  });
  return settingRow(name, [field, after ? h('span', { class: 'setting-value', key: 'after' }, after) : null], local, { note });
}
