/* Sign-in: three steps in one card while GitHub waits for the code, and a way on from every end.

   The countdown is computed from the deadline; it is not live for readers, who hear five minutes,
   one minute and the end instead (`app.js`). */

import * as actions from '../actions.js';
import { button, card, copyButton, emptyState } from '../components/controls.js';
import { CODE_LASTS, usable } from '../derive.js';
import { h } from '../dom.js';
import { countdown, now } from '../format.js';
import { subscribe } from '../store.js';
import { t } from '../strings.js';
import { otherRows } from './settings_accounts.js';
import { deviceHost, failure } from './sign_in_ends.js';

let locked = false;

/* A keyring that is opened holds a sign-in: there is nothing left to do here. */
subscribe(({ auth, login }, { screen }) => {
  const opened = locked && usable(auth);
  locked = auth.state === 'storage_locked';
  if (opened && !login && screen === 'sign_in') actions.go('overview');
});

export function signInView(snapshot, local) {
  const { login, auth } = snapshot;
  const host = deviceHost(snapshot);
  return h('div', { class: 'column narrow', key: 'sign_in' },
    h('div', { class: 'head-words' },
      h('h1', { class: 'title', tabindex: '-1' }, t('sign_in.title')),
      h('p', { class: 'lead' }, t('sign_in.intro', { host }))),
    content(login, auth, snapshot, local));
}

function content(login, auth, snapshot, local) {
  const host = deviceHost(snapshot);
  const end = failure(snapshot, local);
  if (end) return end;
  if (!login || login.state === 'cancelled') return start(snapshot, local);
  if (login.state === 'requesting') {
    return [
      card(null, null, h('div', { class: 'row-buttons', role: 'status' },
        h('span', { class: 'spinner', 'aria-hidden': 'true' }), t('sign_in.requesting'))),
      h('div', { class: 'under-card' }, cancelButton(local)),
    ];
  }
  return [steps(login, auth, local), under(login, local, host)];
}

function start(snapshot, local) {
  const busy = Boolean(local.busy.sign_in);
  const others = otherRows(snapshot, local);
  return [
    card(null, null, emptyState(t('sign_in.start_title'), t('sign_in.start_body'),
      button(t('sign_in.start'), () => actions.signIn(), { look: 'primary', busy, id: 'get-code' }))),
    h('div', { class: 'under-card' }, h('span', { class: 'grow' }), elsewhere(deviceHost(snapshot)), enterpriseButton()),
    others.length ? card({ id: 'others', text: t('sign_in.others') }, null, others) : null,
  ];
}

const cancelButton = (local) => button(t('action.cancel'), actions.cancelSignIn, {
  busy: Boolean(local.busy.cancel_sign_in), key: 'cancel',
});
const elsewhere = (host) => (host.endsWith('.ghe.com')
  ? button(t('sign_in.public'), () => actions.signIn('github.com'), { look: 'ghost', key: 'public' }) : null);
const enterpriseButton = () => button(t('sign_in.enterprise'), () => actions.openSheet('enterprise'), {
  look: 'ghost', edge: true, key: 'enterprise',
});

function under(login, local, host) {
  const urgent = login.expires_at - now() < 60;
  return h('div', { class: 'under-card' },
    cancelButton(local),
    button(t('sign_in.new_code'), actions.signInAgain, {
      look: urgent ? 'secondary' : 'ghost', busy: Boolean(local.busy.sign_in), key: 'new',
    }),
    h('span', { class: 'grow' }),
    elsewhere(host),
    enterpriseButton());
}

function steps(login, auth, local) {
  const shownUri = (login.uri || '').replace(/^https?:\/\//, '');
  return card(null, null, h('ol', { class: 'steps' },
    step('1', t('sign_in.step_copy'),
      h('div', { class: 'code-line' },
        h('span', {
          class: 'code selectable', role: 'img', id: 'code', 'data-copy-text': 'code', 'aria-label': t('sign_in.code_label', { spelled: spell(login.user_code) }),
        }, login.user_code),
        copyButton('code', login.user_code, t('sign_in.code_name'), { small: false })),
      h('p', { class: 'caption' }, t('sign_in.only_you'))),
    step('2', t('sign_in.step_open'),
      h('p', { class: 'mono selectable', 'data-copy-text': 'link' }, shownUri),
      h('div', { class: 'row-buttons' },
        button(t('sign_in.open'), () => actions.openGitHub(login), { look: 'primary', id: 'open-github' }),
        copyButton('link', login.uri, t('sign_in.link_name'), {
          label: t('sign_in.copy_link'), look: local.browserFailed ? 'secondary' : 'ghost', small: false,
        })),
      local.browserFailed ? h('p', { class: 'field-error step-note', role: 'alert' }, t('sign_in.browser_failed')) : null),
    step('3', t('sign_in.step_back'), waiting(login, auth, local))));
}

const step = (mark, title, ...children) => h('li', { class: 'step', key: mark },
  h('span', { class: 'step-mark', 'aria-hidden': 'true' }, mark),
  h('div', null, h('p', { class: 'step-title' }, title), children));

/** "WDJB-MJHT" is read letter by letter. */
const spell = (code) => [...(code || '')].map((c) => (c === '-' ? t('sign_in.code_dash') : c)).join(' ');

function waiting(login, auth, local) {
  if (login.state === 'checking') {
    const words = auth.login ? t('sign_in.checking', { login: auth.login }) : t('sign_in.checking_nameless');
    return h('p', { id: 'status-line', role: 'status' }, words);
  }
  const left = Math.max(0, login.expires_at - now());
  const total = (local.codeFirstSeen && local.codeFirstSeen.total) || CODE_LASTS;
  return [
    h('p', { id: 'status-line', 'aria-live': 'off', class: 'lead' }, h('span', null, line(login, left))),
    h('div', { class: 'thin-bar', 'aria-hidden': 'true' },
      h('span', { sized: { width: `${Math.min(100, (left / total) * 100).toFixed(1)}%` } })),
  ];
}

function line(login, left) {
  const fields = { left: countdown(left), host: hostOf(login.uri) };
  if (login.state === 'unreachable') return t('sign_in.unreachable', fields);
  if (login.state === 'slowed') {
    const n = Math.max(0, Math.ceil((login.next_poll_at || 0) - now()));
    return t('sign_in.slowed', { ...fields, n });
  }
  if (left < 60) return t('sign_in.last_minute', { s: Math.ceil(left) });
  return t('sign_in.waiting', fields);
}

const hostOf = (uri) => (uri || '').replace(/^https?:\/\//, '').split('/')[0];

