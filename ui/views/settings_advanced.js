/* Where things are kept, and the way back to the first day. */

import * as actions from '../actions.js';
import { act } from '../api.js';
import { button } from '../components/controls.js';
import { connectedCount } from '../derive.js';
import { h } from '../dom.js';
import { setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { settingRow } from './settings.js';
import { cancelSheet, offerSheet, sheetFrame } from './sheets.js';

const WORD = 'RESET';

export function advancedRows(snapshot, local) {
  const { app } = snapshot;
  const folder = h('p', { class: 'caption mono selectable setting-below', key: 'folder' }, app.data_dir);
  return [
    app.data_dir ? settingRow('data_dir', [
      button(t('settings.open_logs'), () => actions.perform('open_logs'), { key: 'logs' }),
      button(t('settings.open'), () => actions.perform('open_folder'), { key: 'open', label2: t('settings.open_data') }),
    ], local, { below: folder }) : null,
    undoRow(snapshot, local),
    settingRow('reset', button(t('settings.reset_open'), () => actions.openSheet('reset'), { look: 'danger' }), local),
  ];
}

function undoRow(snapshot, local) {
  const n = connectedCount(snapshot);
  if (!n) return null;
  return settingRow('undo_editors', button(t('settings.undo_editors_open'), () => actions.openSheet('undo_editors'), {
    id: 'undo-editors', busy: Boolean(local.busy.undo_editors),
  }), local, { note: t('settings.undo_editors_help', { n }) });
}

offerSheet('reset', (sheet, snapshot, local) => {
  const ready = sheet.typed === WORD;
  const go = async () => {
    if (!ready || state.local.busy.reset_everything) return;
    const answer = await act('reset_everything', { word: WORD });
    actions.closeSheet();
    setLocal({ screen: 'overview', drafts: {}, errors: {}, checks: null, key: null, keyShown: false });
    if (answer.ok) actions.toast(t('sheet.reset.done'));
    else actions.toast(actions.sentence(answer), 'error');
  };
  return sheetFrame(t('sheet.reset.title'), t('sheet.reset.body'), h('div', { class: 'form-line' },
    h('label', { for: 'reset-word', class: 'strong' }, t('sheet.reset.label', { word: WORD })),
    h('input', {
      id: 'reset-word',
      class: 'field',
      type: 'text',
      autocomplete: 'off',
      spellcheck: 'false',
      'data-focus-first': 'true',
      oninput: (event) => setLocal({ sheet: { ...sheet, typed: event.target.value.trim() } }),
      onkeydown: (event) => { if (event.key === 'Enter') go(); },
    })), [
    button(t('action.cancel'), cancelSheet),
    button(t('sheet.reset.confirm'), go, { look: 'danger filled', off: !ready, busy: Boolean(local.busy.reset_everything) }),
  ]);
});
