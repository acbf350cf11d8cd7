/* The user's own limit and the alerts, below the meters that GitHub keeps. */

import { card } from '../components/controls.js';
import { meter } from '../components/meter.js';
import { h } from '../dom.js';
import { t } from '../strings.js';
import { alertRows, budgetRows } from './settings_usage.js';

export function budgetCards(snapshot, local) {
  const rows = budgetRows(snapshot, local);
  const alerts = alertRows(snapshot, local).filter(Boolean);
  return [
    rows.length ? h('div', { key: 'budget' }, card({ id: 'budget', text: t('usage.budget.title') }, null,
      h('p', { class: 'caption card-intro' }, t('usage.budget.help')), standing(snapshot), rows)) : null,
    alerts.length ? h('div', { key: 'alerts' }, card({ id: 'alerts', text: t('usage.alerts') }, null, alerts)) : null,
  ];
}

/** The budget as a meter, like those of the plan. */
function standing({ usage, settings }) {
  const { budget } = usage;
  if (!budget) return null;
  const item = {
    id: 'budget',
    name: t(`usage.budget.meter_${budget.period}`),
    kind: 'metered',
    unit: budget.unit,
    used: budget.used,
    limit: budget.limit,
    left: Math.max(0, budget.limit - budget.used),
    percent_used: (budget.used / budget.limit) * 100,
    overage: 0,
    overage_ok: false,
    resets_at: budget.resets_at,
    window_start: null,
    exhausted: budget.used >= budget.limit,
    pace: null,
  };
  return h('div', { class: 'meters wide budget-meter' },
    meter(item, { detail: true, showLeft: settings.usage_shows === 'left' }),
    budget.level === 'spent' && budget.stops ? h('p', { class: 'caption' }, t('usage.budget.stopped')) : null);
}
