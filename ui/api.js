/* The page's side of the control plane: one snapshot, one stream of snapshots, one way to act.

   Knows addresses and shapes; must not know what a verb means or how anything looks. */

import { shown, spoken } from './names.js';
import { setSnapshot, setLocal, changed, state } from './store.js';
import { t } from './strings.js';

const SILENCE = 3000; // ms without a stream before the page says that the app is gone

export async function fetchState() {
  const answer = await fetch('/state');
  if (!answer.ok) throw new Error(String(answer.status));
  take(await answer.json());
}

function take(snapshot) {
  const { key } = state.local; // it may be replaced elsewhere
  if (key && !key.endsWith(snapshot.proxy.key_hint)) setLocal({ key: null, keyShown: false });
  setSnapshot(shown(snapshot, t('settings.hidden_name'), (n) => t('settings.hidden_other', { n })));
}

/** Ask the app to do something. Always resolves: `{ok: true, …}` or `{ok: false, code, message}`. */
export async function act(verb, args = {}) {
  setLocal({ busy: { ...state.local.busy, [verb]: true } });
  try {
    const answer = await fetch(`/do/${verb}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(args),
    });
    return spoken(await answer.json());
  } catch {
    return { ok: false, code: 'app_gone', message: '', fields: {} };
  } finally {
    const busy = { ...state.local.busy };
    delete busy[verb];
    setLocal({ busy });
  }
}

/** Let the app know something; nobody waits for an answer, and nothing is lost without one. */
export function tell(verb, args) {
  fetch(`/do/${verb}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(args),
    keepalive: true,
  }).catch(() => {});
}

/** Follow the app. The browser reconnects by itself; a long silence is shown. */
export function follow() {
  let events = null;
  let timer = null;
  let again = null;
  const inTab = () => Boolean(state.snapshot) && state.snapshot.app.engine === 'browser';
  const alive = () => {
    clearTimeout(timer);
    timer = null;
    if (state.local.gone) setLocal({ gone: false });
  };
  const open = () => {
    clearTimeout(again);
    if (events) events.close();
    // A browser has six connections for all tabs.
    if (document.hidden && inTab()) {
      clearTimeout(timer);
      timer = null;
      return;
    }
    events = new EventSource('/events');
    events.addEventListener('open', alive);
    events.addEventListener('state', (event) => {
      alive();
      take(JSON.parse(event.data));
    });
    // A ping carries no news, but minutes pass: durations and "2 min ago" are drawn again.
    events.addEventListener('ping', () => { alive(); if (!document.hidden) changed(); });
    events.addEventListener('error', () => {
      timer = timer || setTimeout(() => setLocal({ gone: true }), SILENCE);
      // After an answer that is no stream the browser gives up for good.
      if (events.readyState === EventSource.CLOSED) again = setTimeout(open, SILENCE);
    });
  };
  document.addEventListener('visibilitychange', () => { if (inTab()) open(); });
  open();
}
