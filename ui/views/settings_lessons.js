/* What refusals have taught about models: one row for each model, with a way to forget. */

import * as actions from '../actions.js';
import { button } from '../components/controls.js';
import { h } from '../dom.js';
import { ago } from '../format.js';
import { t } from '../strings.js';

export function lessonRows(snapshot) {
  const taught = snapshot.models.items.filter((model) => (model.learned || []).length);
  if (!taught.length) return [];
  return [
    h('div', { class: 'setting', key: 'lessons-all' },
      h('div', { class: 'setting-words' }, h('p', { class: 'caption' }, t('learned.help'))),
      h('div', { class: 'setting-control' }, button(t('learned.forget_all'),
        () => actions.perform('forget_lessons'), { look: 'ghost' }))),
    ...taught.map(modelRow),
  ];
}

function modelRow(model) {
  return h('div', { class: 'setting', key: `lessons-${model.id}` },
    h('div', { class: 'setting-words' },
      h('p', { class: 'setting-name' }, model.name),
      model.learned.map((lesson) => h('p', { class: 'caption selectable', key: `${lesson.about}-${lesson.value}` },
        `${sentence(lesson)} ${ago(lesson.at)}`))),
    h('div', { class: 'setting-control' }, button(t('learned.forget'),
      () => actions.perform('forget_lessons', { model: model.id }),
      { look: 'ghost', label2: t('learned.forget_what', { model: model.name }) })));
}

function sentence({ about, value }) {
  const key = about === 'efforts' && !value ? 'no_efforts' : about;
  return t(`learned.${key}`, { value: value.split(',').join(', ') });
}
