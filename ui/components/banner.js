/* The one banner: the app decides which, this says it and binds its buttons.

   Only occurrences that may be ignored can be dismissed, and only that occurrence. When the app
   itself does not answer, the page's own banner wins over everything in an old snapshot. */

import * as actions from '../actions.js';
import { copyText } from '../copy.js';
import { isPath } from '../derive.js';
import { h } from '../dom.js';
import { now, spokenFields } from '../format.js';
import { changed, setLocal, state } from '../store.js';
import { dated, enumerated, has, t } from '../strings.js';
import { button, copyButton, iconButton } from './controls.js';
import { icon } from './icon.js';
import { paceSentence } from './meter.js';

const CAN_BE_IGNORED = new Set(['low', 'update', 'browser', 'changed', 'budget_low', 'budget_spent', 'editors', 'editors_old']);
const ONCE_SEEN = new Set(['error', 'error_stopped']); // the app itself keeps these until they are closed
const ICON = { error: 'warning', warn: 'warning', info: 'info' };

/** What each button of a banner does; the app names them, first is the main one. */
const DOES = {
  use_port: (f) => actions.usePort(f.next),
  retry_port: (f) => (f.port ? actions.usePort(f.port) : actions.startProxy()),
  start_proxy: () => actions.startProxy(),
  show_other: () => actions.perform('show_window'),
  sign_in: () => actions.signIn(),
  use_another_account: actions.useAnother,
  retry_storage: (f) => actions.chooseStore(isPath(f.where || '') ? 'file' : 'keyring'),
  choose_store: () => actions.openSheet('store'),
  check_account: () => actions.checkAccount(),
  try_now: () => actions.checkAccount(),
  refresh_usage: () => actions.refreshUsage(),
  copilot_plans: () => actions.openLink('copilot_plans'),
  copilot_settings: () => actions.openLink('copilot_settings'),
  account_problem: () => actions.openLink('account_problem'),
  github_status: () => actions.openLink('github_status'),
  open_logs: () => actions.perform('open_logs'),
  resume_sending: () => actions.openSheet('resume'),
  allow_once: (f) => actions.decide(f.id, 'once'),
  allow_ten_minutes: (f) => actions.decide(f.id, 'ten_minutes'),
  allow_always: (f) => actions.decide(f.id, 'always'),
  deny: (f) => actions.decide(f.id, 'deny'),
  allow_origin: (f) => actions.perform('allow_origin', { origin: f.origin }),
  ignore_origin: (f) => actions.perform('ignore_origin', { origin: f.origin }),
  change_budget: () => actions.go('usage'),
  update_editors: () => actions.updateEditors(),
  show_editors: () => actions.go('editors'),
  open_downloads: () => actions.openLink('downloads'),
  look_for_updates: () => actions.lookForUpdates(),
  show_included: () => {
    setLocal({ models: { ...state.local.models, q: '', vendor: '', cost: 'included' } });
    actions.go('models');
  },
};

/** Buttons when the app names none. */
const USUAL = {
  port_conflict: ['use_port', 'retry_port', 'copy_details'],
  port_self: ['show_other', 'use_port'],
  port_denied: ['use_port', 'retry_port', 'copy_details'],
  proxy_error: ['start_proxy', 'copy_details'],
  address_gone: ['start_proxy'],
  storage_locked: ['retry_storage', 'choose_store'],
  signin: ['sign_in'],
  expired: ['sign_in'],
  no_access: ['use_another_account', 'copilot_plans', 'check_account'],
  blocked: ['check_account'],
  exhausted: ['show_included', 'copilot_settings'],
  github_down: ['github_status'],
  error: ['copy_details', 'open_logs'],
  error_stopped: ['copy_details', 'open_logs'],
};
const LINKS = new Set([
  'copy_details', 'copilot_plans', 'copilot_settings', 'github_status', 'show_included', 'open_logs',
  'account_problem', 'deny', 'show_editors', 'look_for_updates',
]);

/* A question may come under a pointer that is about to press: its buttons wait until it was read. */
const QUESTIONS = new Set(['approval', 'origin_refused']);
const READING = 800; // ms
let asked = {};

function tooSoon({ id, fields }) {
  if (!QUESTIONS.has(id)) return false;
  const what = fields.id || fields.origin;
  if (asked.what !== what) {
    const mine = { what, soon: true }; // by no clock that may be set
    asked = mine;
    setTimeout(() => { mine.soon = false; changed(); }, READING);
  }
  return asked.soon;
}

/** Does a countdown run in this banner? */
export const counting = (banner) => Boolean(banner && banner.fields && banner.fields.until > now());

function occurrence(banner) {
  const { meter = '', when = '', version = '', what = '', port = '', n = '' } = banner.fields || {};
  return [banner.id, meter, when, version, what, port, n].join('|');
}

/** The first banner that was not dismissed, or null. */
export function currentBanner(snapshot, local) {
  if (local.gone) return { id: 'app_gone', level: 'error', fields: {}, actions: [] };
  return [snapshot.banner, ...(snapshot.banners_below || [])]
    .find((banner) => banner && !local.dismissed[occurrence(banner)]) || null;
}

/** Its fields in words: times, meters, and what only the page's own words can say. */
function inWords(banner, usage) {
  const fields = spokenFields(banner.fields);
  fields.said = fields.words ? t('banner.said', fields) : '';
  fields.more = fields.n ? t('banner.more', fields) : '';
  if (fields.what) fields.what = enumerated(fields.what.split(',').map((part) => t(`banner.changed.${part}`)));
  const item = fields.meter_id && usage.meters.find((one) => one.id === fields.meter_id);
  if (item) fields.pace = capital(paceSentence(item));
  return fields;
}

/** The sentence under the title, or nothing. */
function bodyOf(banner, fields) {
  const key = `banner.${banner.id}.body`;
  if (!has(key)) return '';
  if (fields.words && has(`${key}_told`)) return t(`${key}_told`, fields);
  const paced = fields.pace && fields.when && has(`${key}_paced`);
  return capital((paced ? t(`${key}_paced`, fields) : dated(key, fields)).trim());
}

export function bannerView(banner, snapshot) {
  if (!banner) return null;
  const fields = inWords(banner, snapshot.usage);
  const title = dated(`banner.${banner.id}.title`, fields);
  const body = bodyOf(banner, fields);
  const wanted = banner.actions && banner.actions.length ? banner.actions : USUAL[banner.id] || [];
  const names = wanted.filter((name) => name !== 'use_port' || fields.next);
  return h('section', {
    key: 'banner', id: 'banner', class: `banner ${banner.level}`, tabindex: '-1', 'aria-labelledby': 'banner-title',
  },
  icon(ICON[banner.level] || 'info', 18),
  h('div', null,
    h('p', { class: 'banner-title', id: 'banner-title' }, title),
    body ? h('p', { class: 'banner-body' }, body) : null,
    names.length ? h('div', { class: 'row-buttons' },
      names.map((name, index) => actionButton(name, index, banner, `${title}. ${body}`))) : null),
  CAN_BE_IGNORED.has(banner.id) || ONCE_SEEN.has(banner.id)
    ? iconButton('close', t('banner.dismiss'), () => dismiss(banner)) : null);
}

/** "another program" is a fine name inside a sentence, and here it begins one. */
const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

function actionButton(name, index, banner, words) {
  const fields = banner.fields || {};
  if (name === 'copy_details') {
    const details = `${words}\n${banner.id} ${JSON.stringify(fields)}`;
    const copy = () => copyText(details, 'banner-details', t('banner.action.copy_details'));
    return copyButton('banner-details', copy, t('banner.action.copy_details'), {
      label: t('banner.action.copy_details'), look: 'ghost', key: name,
    });
  }
  if (!DOES[name]) return null;
  const look = LINKS.has(name) ? 'ghost' : index === 0 ? 'primary' : 'secondary';
  return button(t(`banner.action.${name}`, fields), () => DOES[name](fields), {
    look, small: true, key: name, off: tooSoon(banner),
  });
}

function dismiss(banner) {
  if (ONCE_SEEN.has(banner.id)) actions.perform('forget_fault'); // the next one is news again
  else setLocal({ dismissed: { ...state.local.dismissed, [occurrence(banner)]: true } });
  document.getElementById('main').focus();
}
