/* Overview: is it working, where do I point my editor, how much is left. */

import * as actions from '../actions.js';
import { button, card, copyButton, emptyState, skeleton } from '../components/controls.js';
import { glyph } from '../components/glyph.js';
import { icon } from '../components/icon.js';
import { meter } from '../components/meter.js';
import {
  barred, connectedCount, editorsOf, hostShown, running, sortMeters, usable,
} from '../derive.js';
import { h } from '../dom.js';
import {
  ago, duration, meterName, now, timeOfDay,
} from '../format.js';
import { setLocal } from '../store.js';
import { listed, t } from '../strings.js';
import { requestTable } from './activity.js';
import { editorPill } from './editor_state.js';
import { headlineText } from './sidebar.js';

const METERS = 2;
const EDITORS = 4;
const ROWS = 5;

export function overviewView(snapshot, local) {
  return h('div', { class: 'column', key: 'overview' },
    h('h1', { class: 'spoken', tabindex: '-1', key: 'h1' }, t('overview.title_said', { headline: headlineText(snapshot.headline) })),
    proxyCard(snapshot, local),
    checklist(snapshot, local),
    h('div', { class: 'pair', key: 'pair' }, usageCard(snapshot), editorsCard(snapshot)),
    requestsCard(snapshot));
}

// --- proxy card --------------------------------------------------------------------------------

/** Title, line and button of the card: `{key, title, line, action}`. */
function proxyWords(snapshot) {
  const { proxy, auth } = snapshot;
  const place = { host: hostShown(proxy), port: String(proxy.port) };
  const says = (name, line, action) => ({ name, title: t(`overview.${name}.title`), line, action });
  if (proxy.phase === 'starting') return says('starting', t('overview.starting.line', place), null);
  if (proxy.phase === 'stopping') {
    const n = proxy.in_flight;
    return says('stopping', n ? t('overview.stopping.line', { n }) : t('overview.stopping.line_none', place), 'stop_now');
  }
  if (proxy.phase === 'stopped') return says('stopped', t('overview.stopped.line'), 'start');
  if (proxy.phase === 'error') return says('error', errorLine(proxy, place), snapshot.banner ? null : 'start');
  if (!usable(auth) && auth.state !== 'unknown' && snapshot.settings.auth_mode !== 'passthrough') {
    const name = auth.state === 'no_access' ? 'running_no_access' : 'running_nobody';
    // The banner above has the way on; then the card keeps its own button.
    return says(name, t(`overview.${name}.line`), snapshot.banner ? 'stop' : 'sign_in');
  }
  if (proxy.degraded === 'offline') return says('offline', offlineLine(proxy), 'try_now');
  if (proxy.degraded === 'github_down') return says('github_down', downLine(proxy), 'try_now');
  const { halt, waiting = 0 } = snapshot.brakes || {};
  if (halt) return says(halt.reason === 'warned' ? 'paused' : 'paused_refused', pausedLine(halt), 'stop');
  return says('running', runningLine(proxy, waiting), 'stop');
}

function offlineLine({ trouble }) {
  const n = trouble ? Math.ceil(trouble.next_try - now()) : 0;
  return n > 0 ? t('overview.offline.line_again', { n }) : t('overview.offline.line');
}

const downLine = ({ trouble }) => (trouble
  ? t('overview.github_down.line_since', { time: timeOfDay(trouble.since) }) : t('overview.github_down.line'));

const pausedLine = (halt) => t(halt.reason === 'warned' ? 'overview.paused.line' : 'overview.paused_refused.line');

function errorLine(proxy, place) {
  const port = proxy.error && /^port_|^address_/.test(proxy.error.kind || '');
  return port || !proxy.error || !proxy.error.message ? t('overview.error.line', place) : proxy.error.message;
}

function runningLine(proxy, waiting) {
  const seconds = proxy.since ? now() - proxy.since : 0;
  return [
    seconds < 60 ? t('overview.running.just_started') : t('overview.running.answering', { dur: duration(seconds) }),
    t('overview.running.requests', { n: proxy.today }),
    waiting ? t('overview.running.waiting', { n: waiting }) : '',
    t(proxy.lan ? 'overview.running.lan' : 'overview.running.local'),
  ].filter(Boolean).reduce((a, b) => t('usage.join', { a, b }));
}

function cardButton(action, local) {
  const { busy } = local;
  switch (action) {
    case 'start': return button(t('overview.start'), actions.startProxy, { look: 'primary', busy: Boolean(busy.start_proxy), id: 'proxy-button' });
    case 'stop': return button(t('overview.stop'), actions.stopProxy, { busy: Boolean(busy.stop_proxy), id: 'proxy-button' });
    case 'stop_now': return button(t('overview.stop_now'), actions.stopProxy, { id: 'proxy-button' });
    case 'sign_in': return button(t('action.sign_in'), () => actions.signIn(), { look: 'primary', busy: Boolean(busy.sign_in), id: 'proxy-button' });
    case 'try_now': return button(t('overview.try_now'), actions.checkAccount, { busy: Boolean(busy.check_account), id: 'proxy-button' });
    default: return null;
  }
}

function proxyCard(snapshot, local) {
  const { proxy, headline } = snapshot;
  const words = proxyWords(snapshot);
  return h('section', { class: 'card', key: 'proxy', 'aria-labelledby': 'proxy-title' },
    h('div', { class: 'proxy-head' },
      glyph(headline.glyph, 'large'),
      h('div', { class: 'proxy-words', role: 'status' },
        h('h2', { class: 'title', id: 'proxy-title' }, words.title),
        h('p', { class: 'proxy-line', 'aria-live': proxy.trouble ? 'off' : null }, words.line)),
      words.name === 'starting'
        ? button(t('overview.stop'), null, { off: true, reason: t('overview.starting.title') })
        : cardButton(words.action, local)),
    h('div', { class: 'addresses', role: 'group', 'aria-label': t('overview.address.group') },
      addressRow('openai', '/v1', proxy),
      addressRow('anthropic', '', proxy),
      proxy.key_required ? keyRow(proxy, local) : null));
}

function addressRow(kind, path, proxy) {
  const off = !running(proxy);
  const what = t(`overview.address.${kind}_what`);
  return h('div', { class: off ? 'address off' : 'address', key: kind },
    h('span', { class: 'address-label' }, t(`overview.address.${kind}`)),
    h('span', { class: 'address-text selectable', 'data-copy-text': `address-${kind}` },
      `http://${hostShown(proxy)}:`, h('b', null, proxy.port), path,
      off ? h('span', { class: 'spoken' }, ` ${t('overview.address.unreachable')}`) : null),
    copyButton(`address-${kind}`, () => actions.copyAddress(kind), what));
}

export function keyRow(proxy, local) {
  const masked = t('overview.address.key_masked', { hint: proxy.key_hint || '' });
  return h('div', { class: 'address', key: 'key' },
    h('span', { class: 'address-label' }, t('overview.address.key')),
    h('span', { class: 'address-text selectable', 'data-copy-text': 'address-key' },
      local.keyShown && local.key ? local.key : masked),
    button(t(local.keyShown ? 'action.hide' : 'action.show'), () => actions.showKey(!local.keyShown), {
      small: true, busy: Boolean(local.busy.reveal_key) && !local.keyShown,
    }),
    copyButton('address-key', actions.copyKey, t('overview.address.key_what'), { prepare: actions.fetchKey }));
}

// --- the rest ----------------------------------------------------------------------------------

function checklist(snapshot, local) {
  const signedIn = usable(snapshot.auth);
  const asked = snapshot.requests.length > 0 || snapshot.usage.begun;
  const connected = connectedCount(snapshot) > 0;
  if ((signedIn && connected && asked) || local.checklistHidden || ['unknown', 'no_access'].includes(snapshot.auth.state)) return null;
  const hide = button(t('overview.checklist.hide'), () => setLocal({ checklistHidden: true }), {
    look: 'ghost', small: true, edge: true,
  });
  return h('section', { class: 'card', key: 'checklist', 'aria-labelledby': 'card-checklist' },
    h('div', { class: 'card-head' },
      h('h2', { class: 'heading', id: 'card-checklist' }, t('overview.checklist.title')), hide),
    h('ul', { class: 'checks' },
      checkItem(signedIn, t('overview.checklist.sign_in')),
      checkItem(connected, t('overview.checklist.connect'), connected ? null
        : button(t('overview.checklist.choose'), () => actions.go('editors'), { small: true, id: 'choose-editor' })),
      checkItem(asked, t('overview.checklist.request'), asked ? null : t('overview.checklist.request_help'))));
}

const checkItem = (done, words, note) => h('li', { class: done ? 'check-item done' : 'check-item', key: words },
  done ? icon('check') : h('span', { class: 'check-ring', 'aria-hidden': 'true' }),
  h('div', null,
    h('span', null, words),
    h('span', { class: 'spoken' }, ` ${t(done ? 'overview.checklist.done' : 'overview.checklist.open')}`),
    note ? h('div', { class: 'caption check-note' }, note) : null));

function usageCard({ usage, auth, settings }) {
  const details = button(t('overview.usage.details'), () => actions.go('usage'), {
    look: 'ghost', small: true, edge: true,
  });
  return h('div', { key: 'usage' }, card(
    { id: 'usage', text: t('overview.usage.title') }, details, usageBody(usage, auth, settings)));
}

function usageBody(usage, auth, settings) {
  if (!usable(auth) && !usage.meters.length) return emptyState(null, t(auth.state === 'no_access' ? 'nav.no_access' : 'usage.signed_out_title'));
  if (usage.state === 'loading' && !usage.meters.length) return skeleton(METERS, t('usage.loading'));
  if (usage.state === 'unavailable' && !usage.meters.length) {
    return emptyState(null, t('usage.unavailable_title'),
      button(t('action.try_again'), actions.refreshUsage, { small: true }));
  }
  const sorted = sortMeters(usage.meters);
  const worst = sorted.filter(barred).slice(0, METERS);
  const included = sorted.filter((item) => item.kind === 'included');
  const rest = sorted.filter((item) => !barred(item) && item.kind !== 'included');
  const showLeft = settings.usage_shows === 'left';
  if (!sorted.length) return emptyState(null, t('usage.none'));
  return h('div', { class: 'meters' },
    worst.map((item) => meter(item, { showLeft })),
    included.length > 1
      ? h('p', { class: 'caption', key: 'included' }, t('overview.usage.included', { list: listed(included.map((item) => meterName(item.name))) }))
      : included.map((item) => meter(item)),
    worst.length ? null : rest.map((item) => meter(item)),
    usage.state === 'stale' && usage.fetched_at
      ? h('p', { class: 'caption', key: 'stale', title: ago(usage.fetched_at) }, t('usage.stale', { time: timeOfDay(usage.fetched_at) })) : null);
}

/** Problems first, as the app has ordered them; those that were not found are on their own screen. */
function editorsCard(snapshot) {
  const editors = editorsOf(snapshot);
  const found = editors.rows.filter((row) => row.state !== 'not_found').slice(0, EDITORS);
  const more = found.length ? button(t('overview.editors.connect'), () => actions.go('editors'), {
    look: 'ghost', small: true, edge: true,
  }) : null;
  return h('div', { key: 'editors' }, card({ id: 'editors', text: t('overview.editors.title') }, more,
    found.length ? h('ul', { class: 'editor-lines' }, found.map((row) => h('li', { key: row.id },
      h('span', null, row.name), editorPill(row, { short: true })))) : noEditors(editors)));
}

function noEditors(editors) {
  if (editors.error) {
    return emptyState(null, t('overview.editors.failed'), button(t('action.try_again'), actions.lookForEditors, { small: true }));
  }
  if (!editors.checked) return skeleton(3, t('overview.editors.looking'));
  return emptyState(null, t('overview.editors.none'), button(t('overview.editors.show_all'), () => actions.go('editors'), { small: true }));
}

function requestsCard(snapshot) {
  const rows = snapshot.requests.slice(0, ROWS);
  const open = button(t('overview.requests.open'), () => actions.go('activity'), {
    look: 'ghost', small: true, edge: true,
  });
  return h('section', { class: 'card table-card activity-card', key: 'requests', 'aria-labelledby': 'card-requests' },
    h('div', { class: 'card-head' },
      h('h2', { class: 'heading', id: 'card-requests' }, t('overview.requests.title')), open),
    rows.length ? requestTable(rows)
      : h('p', { class: 'card-note' }, t('overview.requests.empty')));
}
