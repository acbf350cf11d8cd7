/* One meter: name, amount, bar with the tick of an even pace, and when it starts anew.

   Never a bare percentage, never a made-up amount: a meter of which only the share is known shows
   the share; one without a limit shows a sentence. */

import { barred, elapsedShare, meterLevel, shareUsed } from '../derive.js';
import { h } from '../dom.js';
import {
  ahead, amount, dayAndMonth, exact, meterName, now, percent, timeOfDay, weekday,
} from '../format.js';
import { has, t } from '../strings.js';
import { pill } from './controls.js';

const DAY = 86400;

/** `detail` adds what is left and the sentence about the pace. */
export function meter(item, { detail = false, showLeft = false } = {}) {
  if (!barred(item)) return plain(item);
  return h('div', { class: 'meter', key: `meter-${item.id}` },
    h('div', { class: 'meter-head' },
      h('span', { class: 'meter-name' }, meterName(item.name)),
      h('span', { class: 'meter-value' }, value(item, detail, showLeft))),
    bar(item, showLeft),
    h('p', { class: 'meter-foot', title: item.resets_at ? exact(item.resets_at) : null }, foot(item, detail)));
}

function plain(item) {
  const known = item.kind === 'included';
  return h('div', { class: 'meter meter-plain', key: `meter-${item.id}` },
    h('div', { class: 'meter-head' },
      h('span', { class: 'meter-name' }, meterName(item.name)),
      known ? pill('neutral', t('usage.included')) : null),
    known ? null : h('p', { class: 'meter-foot' },
      t(item.kind === 'unmetered' ? 'usage.unmetered' : 'usage.unknown')));
}

const counted = (item) => item.limit > 0 && typeof item.used === 'number' && item.unit !== 'percent';
const over = (item) => (item.overage > 0 ? item.overage : Math.max(0, (item.used || 0) - item.limit));
const leftOf = (item) => Math.max(0, typeof item.left === 'number' ? item.left : item.limit - item.used);

function value(item, detail, showLeft) {
  const share = shareUsed(item) * 100;
  if (!counted(item)) {
    if (showLeft && share <= 100) return t('usage.percent_left', { p: percent(100 - share) });
    return t('usage.percent_used', { p: percent(share) });
  }
  const extra = over(item);
  const fields = {
    used: amount(extra > 0 ? item.limit + extra : item.used),
    limit: amount(item.limit),
    left: amount(leftOf(item)),
    over: amount(extra),
  };
  if (extra > 0) return t('usage.used_of_extra', fields);
  if (detail) return t('usage.used_of_left', fields);
  return t(showLeft ? 'usage.left_of' : 'usage.used_of', fields);
}

function spoken(item) {
  const share = percent(shareUsed(item) * 100);
  if (!counted(item)) return t('usage.value_text_percent', { p: share });
  const unit = has(`usage.unit.${item.unit}`) ? t(`usage.unit.${item.unit}`) : item.unit || '';
  const used = amount(over(item) > 0 ? item.limit + over(item) : item.used);
  return t('usage.value_text', { used, limit: amount(item.limit), unit });
}

function bar(item, showLeft) {
  const used = counted(item) && over(item) > 0 ? 1 + over(item) / item.limit : shareUsed(item);
  const elapsed = elapsedShare(item, now());
  const beyond = used > 1;
  // Beyond the limit the bar spans everything used, and a line marks where the limit was.
  const solid = beyond ? 1 / used : used;
  const shown = showLeft && !beyond ? Math.max(0, 1 - used) : solid;
  return h('div', {
    class: `bar ${meterLevel(item)}`,
    role: 'meter',
    'aria-label': meterName(item.name),
    'aria-valuemin': '0',
    'aria-valuemax': '100',
    'aria-valuenow': Math.min(100, percent(used * 100)),
    'aria-valuetext': spoken(item),
  },
  h('span', { class: 'bar-track', key: 'track' },
    h('span', {
      class: shown > 0 ? 'bar-fill some' : 'bar-fill',
      sized: { width: `${Math.min(100, shown * 100).toFixed(2)}%` },
      key: 'fill',
    }),
    beyond ? h('span', {
      class: 'bar-over', key: 'over', sized: { width: `${(100 - solid * 100).toFixed(2)}%` },
    }) : null),
  beyond ? h('span', { class: 'tick', key: 'limit', sized: { left: `${(solid * 100).toFixed(2)}%` } }) : null,
  elapsed !== null && !beyond && !item.exhausted ? h('span', {
    class: 'tick',
    key: 'pace',
    title: t('usage.pace.tick', { p: percent(elapsed * 100) }),
    sized: { left: `${((showLeft ? 1 - elapsed : elapsed) * 100).toFixed(2)}%` },
  }) : null);
}

function foot(item, detail) {
  if (over(item) > 0 && item.overage_ok) return t('usage.extra_allowed');
  const reset = resetSentence(item, detail);
  if (item.exhausted) return join(t('usage.used_up'), reset);
  const speed = paceSentence(item);
  return speed ? join(reset, speed) : reset;
}

const join = (a, b) => (a && b ? t('usage.join', { a, b }) : a || b);

function resetSentence(item, detail) {
  if (!item.resets_at) return detail ? t('usage.resets_unknown') : '';
  const left = item.resets_at - now();
  if (left >= 7 * DAY) {
    const fields = { n: Math.round(left / DAY), date: dayAndMonth(item.resets_at), time: timeOfDay(item.resets_at) };
    return t('usage.resets_in_days', fields);
  }
  return t('usage.resets_at', { when: ahead(item.resets_at) });
}

/** The app decides where use stands and until when it lasts; this says it. */
export function paceSentence(item) {
  const found = item.pace;
  if (!found) return '';
  const amounts = typeof found.by_reset === 'number' && counted(item);
  if (found.kind === 'on' || found.kind === 'lasts') {
    return amounts ? t(`usage.pace.${found.kind}_amount`, { amount: amount(Math.round(found.by_reset)) }) : t(`usage.pace.${found.kind}`);
  }
  if (!found.runs_out) return t('usage.pace.ahead', { n: found.points });
  const soon = found.runs_out - now() < 7 * DAY;
  const day = soon ? weekday(found.runs_out) : dayAndMonth(found.runs_out);
  return t(found.kind === 'faster' ? 'usage.pace.faster' : 'usage.pace.ahead_runs_out', { n: found.points, day });
}
