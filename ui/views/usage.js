/* Usage: every meter that GitHub reports, with the pace tick, and honest words where it reports none. */

import * as actions from '../actions.js';
import { button, card, emptyState, skeleton } from '../components/controls.js';
import { icon } from '../components/icon.js';
import { meter } from '../components/meter.js';
import { sortMeters, usable } from '../derive.js';
import { h } from '../dom.js';
import {
  ago, ahead, meterName, timeOfDay,
} from '../format.js';
import { changed, setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { nobody } from './nobody.js';

let more = null; // the parts below the meters, which are fetched when this screen is first opened

function below() {
  if (more === null) {
    more = {};
    Promise.all([import('./usage_history.js'), import('./usage_budget.js')])
      .then(([history, budget]) => { Object.assign(more, history, budget); changed(); })
      .catch(() => { more = null; });
  }
  return more;
}

export function usageView(snapshot, local) {
  const { usage, auth } = snapshot;
  const known = usage.fetched_at;
  return h('div', { class: 'column', key: 'usage' },
    h('div', { class: 'page-head' },
      h('h1', { class: 'title', tabindex: '-1' }, t('usage.title')),
      known ? h('span', { class: 'caption' }, t('usage.updated', { time: timeOfDay(known), ago: ago(known) })) : null,
      usable(auth) ? button(t('action.refresh'), actions.refreshUsage, {
        small: true, busy: Boolean(local.busy.refresh_quota), id: 'refresh',
      }) : null),
    body(usage, auth, snapshot, local));
}

function body(usage, auth, snapshot, local) {
  const { settings } = snapshot;
  if (!usable(auth) && !usage.meters.length && auth.state !== 'unknown') return nobody(auth, 'usage.signed_out_title');
  if (!usage.meters.length && (usage.state === 'loading' || local.busy.refresh_quota)) {
    return card(null, null, skeleton(6, t('usage.loading')));
  }
  if (usage.state === 'unavailable' && !usage.meters.length) return [unavailable(usage), ...parts(snapshot, local)];
  if (!usage.meters.length) return [card(null, null, emptyState(null, t('usage.none'))), ...parts(snapshot, local)];
  const sorted = sortMeters(usage.meters);
  return [
    usage.state === 'stale' && usage.fetched_at ? h('p', { class: 'note-line', key: 'stale' },
      icon('info'), t('usage.stale', { time: timeOfDay(usage.fetched_at) })) : null,
    snapshot.banner && snapshot.banner.id === 'exhausted' ? null : exhaustedCards(sorted),
    h('section', { class: 'card', key: 'meters', 'aria-label': t('usage.meters') },
      h('div', { class: 'meters wide' }, sorted.map((item) => meter(item, {
        detail: true, showLeft: settings.usage_shows === 'left',
      })))),
    ...parts(snapshot, local),
  ];
}

/** What this app has used, the user's own limit, and the alerts. */
function parts(snapshot, local) {
  const { historyCards, budgetCards } = below();
  if (!historyCards) return [h('div', { key: 'chart' }, card(null, null, skeleton(4, t('usage.history.loading'))))];
  return [historyCards(snapshot, local), budgetCards(snapshot, local)];
}

function unavailable(usage) {
  const reason = usage.error && usage.error.message;
  const words = reason ? t('usage.unavailable_body', { reason }) : t('usage.unavailable_body_bare');
  return card(null, null, emptyState(t('usage.unavailable_title'), words,
    button(t('action.try_again'), actions.refreshUsage, { look: 'primary' })));
}

/** What "used up" means and what still works, unless the banner above says it already. */
function exhaustedCards(sorted) {
  const item = sorted.find((one) => one.exhausted && one.kind !== 'window'); // those stop each model
  if (!item) return null;
  const words = item.resets_at
    ? t('usage.exhausted_body', { when: ahead(item.resets_at) }) : t('usage.exhausted_body_unknown');
  const showIncluded = () => {
    setLocal({ models: { ...state.local.models, q: '', vendor: '', cost: 'included' } });
    actions.go('models');
  };
  return h('div', { key: 'exhausted' }, card(null, null, emptyState(
    t('usage.exhausted_title', { meter: meterName(item.name) }), words,
    button(t('usage.show_included'), showIncluded, { small: true }),
    button(t('usage.change_limits'), () => actions.openLink('copilot_settings'), { look: 'ghost', small: true }))));
}
