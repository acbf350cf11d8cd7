/* Below the list of editors: lines for a terminal, and the backups. */

import * as actions from '../actions.js';
import {
  button, card, copyButton, segmented,
} from '../components/controls.js';
import { h } from '../dom.js';
import { copyFor, textFor } from '../editing.js';
import { changed, setLocal, state } from '../store.js';
import { t } from '../strings.js';
import { byHand } from './editor_sheets.js';

const SHELLS = ['bash', 'fish', 'powershell', 'cmd'];

export function shellsCard(snapshot, local) {
  const shell = local.editors.shell || (snapshot.app.os.startsWith('Windows') ? 'powershell' : 'bash');
  const id = `shell-${shell}`;
  const what = t('editors.shells.what', { name: t(`editors.shells.name.${shell}`) });
  const set = (value) => setLocal({ editors: { ...state.local.editors, shell: value } });
  return h('div', { key: 'shells' }, card({ id: 'shells', text: t('editors.shells.title') }, null,
    h('p', { class: 'editors-lead', id: 'shells-body' }, t('editors.shells.body')),
    h('div', { class: 'shell-line' },
      segmented('shell', shell, SHELLS.map((name) => [name, t(`editors.shells.name.${name}`)]), set, { label: t('editors.shells.label') }),
      copyButton(id, () => copyFor(null, shell, id, what), what, { prepare: () => textFor(null, shell) })),
    lines(shell, what),
    byHand(local, id)));
}

const shown = {}; // each shell's lines stay until newer ones are here, or the page would jump

/** What will be copied, with the key masked; asked for when the card is there. */
function lines(shell, what) {
  const there = textFor(null, shell);
  if (there.ok) shown[shell] = there.lines || [];
  else there.then((answer) => { if (answer.ok) changed(); });
  return shown[shell] ? h('pre', { class: 'code-block selectable', key: 'lines', tabindex: '0', 'aria-label': what }, shown[shell].join('\n')) : null;
}

export function backupsCard({ rows }) {
  const kept = rows.filter((row) => row.backup);
  return h('div', { key: 'backups' }, card({ id: 'backups', text: t('editors.backups.title') },
    button(t('editors.backups.open'), () => actions.perform('open_editor_backups'), { look: 'ghost', small: true, edge: true }),
    h('p', { class: 'editors-lead' }, t(kept.length ? 'editors.backups.body' : 'editors.backups.none')),
    kept.length ? h('ul', { class: 'backups' }, kept.map((row) => h('li', { key: row.id },
      h('span', { class: 'strong' }, row.name), h('span', { class: 'path selectable' }, row.backup)))) : null));
}
