/* Help: the keys, whether everything is in order, and what exactly is running here. */

import * as actions from '../actions.js';
import { button, card } from '../components/controls.js';
import { h } from '../dom.js';
import { modifier } from '../keys.js';
import { has, t } from '../strings.js';
import { diagnosticsCard } from './diagnostics.js';
import { heard } from './settings_updates.js';
import { cancelSheet, offerSheet, sheetFrame } from './sheets.js';

const KEYS = [
  'screens', 'help', 'shortcuts', 'search', 'refresh', 'toggle', 'copy_openai', 'copy_anthropic', 'hide', 'quit',
  'text_size', 'regions', 'rows', 'tabs', 'sign_in', 'code', 'new_code', 'escape',
];

export function helpView(snapshot, local) {
  return h('div', { class: 'column', key: 'help' },
    h('div', { class: 'page-head' }, h('h1', { class: 'title', tabindex: '-1' }, t('help.title'))),
    h('section', { class: 'card table-card', 'aria-labelledby': 'card-keys', key: 'keys' },
      h('div', { class: 'card-head' }, h('h2', { class: 'heading', id: 'card-keys' }, t('help.shortcuts'))),
      keyTable()),
    diagnosticsCard(local),
    about(snapshot));
}

const keyTable = () => h('table', { class: 'table shortcut-table' },
  h('thead', null, h('tr', null,
    h('th', { scope: 'col' }, t('help.col_keys')), h('th', { scope: 'col' }, t('help.col_does')))),
  h('tbody', null, KEYS.map((name) => h('tr', { key: name },
    h('td', null, h('kbd', { class: 'keys' }, t(`help.keys.${name}`, { mod: modifier() }))),
    h('td', null, t(`help.does.${name}`, { mod: modifier() }))))));

offerSheet('shortcuts', () => sheetFrame(t('help.shortcuts'), null, keyTable(),
  [button(t('action.close'), cancelSheet, { first: true })]));

function about({ app, update }) {
  const engine = has(`help.engine_name.${app.engine}`) ? t(`help.engine_name.${app.engine}`) : app.engine;
  return h('div', { key: 'about' }, card({ id: 'about', text: t('help.about') }, null,
    h('dl', { class: 'facts' },
      fact('version', app.version), app.build ? fact('built', app.build) : null,
      fact('newest', [heard(update), ' ', update.version ? downloads() : null]), fact('system', app.os), fact('engine', engine),
      fact('tray', t(`help.tray_${app.tray}`)), app.python ? fact('python', app.python) : null,
      fact('licence', t('help.licence_name'))),
    app.engine_reason ? h('p', { class: 'caption about-note' }, app.engine_reason) : null,
    h('p', { class: 'caption about-note' }, t('help.licences')),
    h('p', { class: 'caption about-note' }, t('app.unofficial'))));
}

const downloads = () => button(t('banner.action.open_downloads'), () => actions.openLink('downloads'), {
  look: 'ghost', small: true, key: 'downloads',
});

const fact = (name, value) => [
  h('dt', { key: `t-${name}` }, t(`help.${name}`)), h('dd', { key: `d-${name}`, class: 'selectable' }, value),
];
