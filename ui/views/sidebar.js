/* The sidebar: live state mark, the screens, help, and who is signed in. */

import * as actions from '../actions.js';
import { glyph } from '../components/glyph.js';
import { icon } from '../components/icon.js';
import { editorsOf, initials, usable } from '../derive.js';
import { h } from '../dom.js';
import { spokenFields } from '../format.js';
import { modifier } from '../keys.js';
import { dated, t } from '../strings.js';

/** Screens in the order of the sidebar; the key is the one of the shortcut. */
export const SCREENS = [
  ['overview', 'home', '1'],
  ['models', 'cube', '2'],
  ['usage', 'gauge', '3'],
  ['editors', 'brackets', '4'],
  ['activity', 'pulse', '5'],
  ['playground', 'play', '7'],
  ['settings', 'sliders', '6'],
];

export function sidebarView(snapshot, local) {
  return [
    h('div', { class: 'brand', key: 'brand', title: headlineText(snapshot.headline) },
      glyph(snapshot.headline.glyph, 'small'),
      h('span', { class: 'brand-name' }, t('app.name')),
      h('span', { class: 'spoken' }, headlineText(snapshot.headline))),
    h('ul', { class: 'nav-list', key: 'list' }, SCREENS.map(([screen, image, key]) => (
      h('li', { key: screen }, item(screen, image, local, `${modifier()}+${key}`, screen === 'editors' ? editorsOf(snapshot).problems : 0))))),
    h('div', { class: 'nav-space', key: 'space' }),
    item('help', 'help', local, 'F1'),
    accountRow(snapshot),
  ];
}

/** The first line of the tray menu, here for readers and as a tooltip. */
export function headlineText(headline) {
  return dated(`headline.${headline.key}`, spokenFields(headline.fields));
}

/** `count` is how many things on that screen need an action. */
function item(screen, image, local, keys, count = 0) {
  const name = t(`nav.${screen}`);
  const asks = count ? t('nav.look_at', { n: count }) : '';
  return h('button', {
    type: 'button',
    key: `nav-${screen}`,
    class: 'nav-item',
    'aria-current': local.screen === screen ? 'page' : null,
    'aria-label': count ? t('nav.asks', { name, asks }) : name,
    title: t('nav.shortcut', { name: count ? t('nav.asks', { name, asks }) : name, keys }),
    onclick: () => actions.go(screen),
  }, icon(image), h('span', { class: 'nav-words' }, name),
  count ? h('span', { class: 'pill warn nav-count', 'aria-hidden': 'true' }, String(count)) : null);
}

function accountRow({ auth, app }) {
  const known = Boolean(auth.login) && auth.state !== 'signed_out';
  const name = known ? auth.login : t('nav.not_signed_in');
  const plan = planLine(auth, app, known);
  return h('button', {
    type: 'button',
    key: 'account',
    class: 'account',
    title: t('nav.account', { login: name, plan }),
    'aria-label': t('nav.account', { login: name, plan }),
    onclick: () => (known && usable(auth) ? actions.go('settings') : actions.go('sign_in')),
  },
  h('span', { class: 'avatar', 'aria-hidden': 'true' }, known ? initials(auth.login) : t('nav.nobody')),
  h('span', { class: 'account-words' },
    h('span', { class: 'account-name' }, name), h('span', { class: 'account-plan' }, plan)));
}

function planLine(auth, app, known) {
  if (auth.state === 'checking' && !auth.plan) return t('nav.checking');
  if (auth.state === 'expired') return t('nav.expired');
  if (auth.state === 'no_access') return t('nav.no_access');
  if (auth.state === 'storage_locked') return t('nav.storage_locked');
  if (!known) return t('nav.sign_in_to_start');
  if (app.demo) return t('nav.demo');
  if (auth.source === 'environment' && !auth.plan) return t('nav.from_environment');
  return auth.plan || t('nav.no_plan');
}
