/* What is written down: the log, and for one hour what requests say, if somebody wants that. */

import * as actions from '../actions.js';
import { select, toggle } from '../components/controls.js';
import { h } from '../dom.js';
import { timeOfDay } from '../format.js';
import { t } from '../strings.js';
import { fixedBy, settingRow } from './settings.js';

const LEVELS = ['debug', 'info', 'warning', 'error'];

export function privacyRows(snapshot, local) {
  return [nameRow(snapshot, local), recordRow(snapshot, local), levelRow(snapshot, local)];
}

function nameRow({ settings, settings_source: sources }, local) {
  if (settings.hide_name === undefined) return null;
  const fixed = fixedBy('hide_name', { settings_source: sources });
  return settingRow('hide_name', toggle('s-hide_name', settings.hide_name, (on) => actions.change('hide_name', { hide_name: on }), {
    labelled: 'l-hide_name', described: 'n-hide_name', off: Boolean(fixed), reason: fixed,
  }), local, { note: fixed });
}

function recordRow({ recording }, local) {
  const set = (on) => actions.perform(on ? 'start_recording' : 'stop_recording');
  return settingRow('record', toggle('s-record', Boolean(recording), set, {
    labelled: 'l-record', described: 'n-record', off: Boolean(local.busy.start_recording || local.busy.stop_recording),
  }), local, { note: recording ? t('settings.record_until', { time: timeOfDay(recording.until) }) : null });
}

function levelRow(snapshot, local) {
  const { log_level: level } = snapshot.settings;
  if (level === undefined) return null;
  const fixed = fixedBy('log_level', snapshot);
  const control = fixed ? h('span', { class: 'setting-value' }, t(`log.level.${level}`))
    : select('s-log_level', level, LEVELS.map((name) => [name, t(`log.level.${name}`)]),
      (name) => actions.change('log_level', { log_level: name }), { labelled: 'l-log_level', described: 'n-log_level' });
  return settingRow('log_level', control, local, { note: fixed });
}
