/* How the state of an editor looks: the same pill on every screen. */

import { pill } from '../components/controls.js';
import { t } from '../strings.js';

const LEVEL = {
  connected: 'ok', old_port: 'warn', old_key: 'warn', changed: 'warn', overridden: 'warn', unreadable: 'bad', read_only: 'bad',
};

/** What there is to do and to say: without its own way in, a tool that was not found needs the same. */
export const doneAs = (row) => (row.state === 'not_found' && row.way !== 'automatic' ? row.way : row.state);

/** `short` leaves the number of the port out. */
export function editorPill(row, { short = false } = {}) {
  const { port } = row.detail || {};
  const bare = row.state === 'old_port' && (short || !port);
  return pill(LEVEL[row.state] || 'neutral', t(`overview.editors.state.${row.state}${bare ? '_bare' : ''}`, { port }));
}
