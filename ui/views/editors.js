/* Editors: which tools are on this computer, what each has of ours, and the one press that changes
   it. The sheets are in editor_sheets.js, the cards at the end in editor_cards.js. */

import * as actions from '../actions.js';
import {
  button, card, emptyState, skeleton,
} from '../components/controls.js';
import { icon } from '../components/icon.js';
import { searchField } from '../components/search.js';
import { connectedCount, editorsOf, outdated } from '../derive.js';
import { h } from '../dom.js';
import { pressed, showWhy } from '../editing.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { backupsCard, shellsCard } from './editor_cards.js';
import { doneAs, editorPill } from './editor_state.js';
import './editor_sheets.js';
import { moveInRows } from './models.js';

export function editorsView(snapshot, local) {
  const editors = editorsOf(snapshot);
  return h('div', { class: 'column', key: 'editors' },
    h('div', { class: 'page-head' },
      h('h1', { class: 'title', tabindex: '-1' }, t('editors.title')),
      button(t('editors.look'), actions.lookForEditors, {
        small: true, id: 'look-again', busy: editors.running || Boolean(local.busy.look_for_editors),
      })),
    h('p', { class: 'editors-lead' }, t(snapshot.app.demo ? 'editors.lead_demo' : 'editors.lead')),
    stoppedNote(snapshot),
    updateCard(editors, local),
    list(editors, local),
    shellsCard(snapshot, local),
    backupsCard(editors, local));
}

/** Connected tools get no answer now: the two ways out, neither taken by itself. */
function stoppedNote(snapshot) {
  if (snapshot.proxy.phase !== 'stopped') return null;
  return h('div', { class: 'note-line stopped-note', key: 'stopped' }, icon('info'), h('span', null, t('editors.stopped')),
    h('div', { class: 'row-buttons' },
      button(t('overview.start'), actions.startProxy, { small: true, busy: Boolean(state.local.busy.start_proxy) }),
      connectedCount(snapshot) ? button(t('sheet.undo_editors.link'), () => actions.openSheet('undo_editors'), { look: 'ghost', small: true }) : null));
}

/** After the port or the key has changed: everything that still has the old one, in one press. */
function updateCard({ rows }, local) {
  const n = rows.filter(outdated).length;
  if (!n) return null;
  return h('section', { class: 'banner warn', key: 'update', 'aria-labelledby': 'update-title' },
    icon('warning', 18),
    h('div', null,
      h('h2', { class: 'heading', id: 'update-title' }, t('banner.editors_old.title', { n })),
      h('p', { class: 'banner-body' }, t('banner.editors_old.body')),
      h('div', { class: 'row-buttons' }, button(t('banner.action.update_editors'), actions.updateEditors, {
        look: 'primary', small: true, busy: Boolean(local.busy.update_editors),
      }))));
}

// --- table -------------------------------------------------------------------------------------

const COLUMNS = ['tool', 'files', 'state', 'action'];
const setPart = (part) => setLocal({ editors: { ...state.local.editors, ...part } });

function list(editors, local) {
  if (!editors.rows.length) return h('div', { key: 'list' }, card(null, null, nothingYet(editors)));
  const { q, all } = local.editors;
  const found = editors.rows.filter((row) => row.state !== 'not_found');
  const missing = editors.rows.length - found.length;
  const shown = (q ? editors.rows : all ? editors.rows : found).filter((row) => matches(row, q));
  return [
    h('div', { class: 'toolbar', role: 'search', key: 'toolbar' },
      searchField(q, (value) => setPart({ q: value }), t('editors.search'))),
    editors.error ? h('p', { class: 'note-line', key: 'error', role: 'status' }, icon('warning'), t('overview.editors.failed')) : null,
    h('section', { class: 'card table-card editors-card', key: 'list', 'aria-label': t('editors.title') },
      shown.length ? table(shown, local) : h('div', { class: 'editors-none', key: 'none' }, none(q)),
      !q && missing ? moreRow(missing, all) : null),
  ];
}

function matches(row, q) {
  const text = [row.name, row.id, ...(row.paths || [])].join(' ').toLowerCase();
  return q.trim().toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function nothingYet(editors) {
  if (editors.error) {
    return emptyState(t('overview.editors.failed'), editors.error.message, button(t('action.try_again'), actions.lookForEditors, { look: 'primary' }));
  }
  return editors.checked && !editors.running ? emptyState(null, t('overview.editors.none'))
    : skeleton(6, t('overview.editors.looking'));
}

function none(q) {
  if (!q) return emptyState(null, t('overview.editors.none'));
  return emptyState(null, t('models.no_match', { q }),
    button(t('models.clear_search'), () => setPart({ q: '' }), { look: 'ghost' }));
}

const table = (rows, local) => h('table', { class: 'table editors', key: 'table' },
  h('thead', null, h('tr', null, COLUMNS.map((name) => h('th', { key: name, scope: 'col', class: `e-${name}` },
    name === 'action' ? h('span', { class: 'spoken' }, t('editors.col.action')) : t(`editors.col.${name}`))))),
  h('tbody', { onkeydown: moveInRows }, rows.map((row) => editorRow(row, local))));

function editorRow(row, local) {
  const action = t(`editors.act.${doneAs(row)}`);
  const open = (local.sheet || {}).editor === row.id;
  return h('tr', { key: row.id },
    h('td', { class: 'e-tool' }, h('button', {
      type: 'button', class: 'row-button', 'data-editor': row.id, 'aria-haspopup': 'dialog', 'aria-expanded': String(open), onclick: () => showWhy(row),
    }, row.name)),
    h('td', { class: 'e-files' }, files(row)),
    h('td', { class: 'e-state' }, editorPill(row)),
    h('td', { class: 'e-action' }, button(action, () => pressed(row), {
      small: true, label2: t('editors.act.of', { name: row.name, action }), key: 'act',
    })));
}

function files(row) {
  if (row.paths && row.paths.length) {
    return row.paths.map((path) => h('span', { class: 'path selectable', key: path, title: path }, path));
  }
  return h('span', { class: 'caption' }, row.way === 'automatic' ? '–' : t(`editors.where.${row.way}`));
}

/** Those that were not found are folded into one line. */
const moreRow = (n, all) => h('div', { class: 'more-row', key: 'more' },
  h('span', { class: 'caption' }, t('editors.more', { n })),
  button(t(all ? 'action.hide' : 'overview.editors.show_all'), () => setPart({ all: !all }), {
    look: 'ghost', small: true, edge: true, expanded: all, id: 'show-all',
  }));
