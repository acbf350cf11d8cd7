/* Newer versions: whether the app may look for one, what it heard, and a look right now. */

import * as actions from '../actions.js';
import { button, toggle } from '../components/controls.js';
import { h } from '../dom.js';
import { past } from '../format.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

/** What is known about a newer version, in one sentence. */
export function heard({ version, asked_at: at, failed }) {
  if (failed) return t('updates.failed', { time: past(at) });
  if (version) return t('updates.newer', { version });
  return at ? t('updates.none', { time: past(at) }) : t('updates.never');
}

export function updateRows(snapshot, local) {
  const { look_for_updates: on } = snapshot.settings;
  if (on === undefined) return [];
  const reason = fixedBy('look_for_updates', snapshot);
  const { update } = snapshot;
  return [
    settingRow('look_for_updates', toggle('s-look_for_updates', on,
      (wish) => actions.change('look_for_updates', { look_for_updates: wish }), {
        labelled: 'l-look_for_updates', described: 'n-look_for_updates', off: Boolean(reason), reason,
      }), local, { note: reason }),
    settingRow('newest', h('div', { class: 'row-buttons' },
      update.version ? button(t('banner.action.open_downloads'), () => actions.openLink('downloads'), { key: 'page' }) : null,
      button(t('updates.look'), () => actions.lookForUpdates(), {
        key: 'look', id: 'look-now', busy: Boolean(local.busy.look_for_updates),
      })), local, { note: heard(update) }),
  ];
}
