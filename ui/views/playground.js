/* Playground: one question to a model in one format, and everything that passed on the way.

   The app sends it to its own address as an editor would. What is typed stays in the page; what
   came back is the stream's. */

import * as actions from '../actions.js';
import {
  button, card, copyButton, emptyState, pill, segmented, select, toggle,
} from '../components/controls.js';
import { icon } from '../components/icon.js';
import { usable } from '../derive.js';
import { h } from '../dom.js';
import { modifier } from '../keys.js';
import { changed, setLocal, state, subscribe } from '../store.js';
import { t } from '../strings.js';
import { watch } from '../watch.js';
import { errorText, resultWords } from './activity.js';
import { changes, facts } from './activity_panel.js';
import { nobody } from './nobody.js';
import { sidesView } from './sides.js';

const FORMATS = ['chat', 'responses', 'messages', 'ollama'];
const LONGEST = 16000; // characters that the app takes
const NOTHING = { n: 0, phase: 'idle', text: '', thinking: '', row: null, sides: null };

let run = NOTHING;
let closing = null;

const set = (part) => setLocal({ play: { ...state.local.play, ...part } });

export function playgroundView(snapshot, local) {
  const models = snapshot.models.items.filter((model) => (
    model.kind === 'chat' && ['ready', 'preview', 'auto', 'hidden'].includes(model.state)));
  return h('div', { class: 'column', key: 'playground' },
    h('div', { class: 'page-head' }, h('h1', { class: 'title', tabindex: '-1' }, t('playground.title'))),
    models.length ? [form(models, snapshot, local), answer(local), frames()]
      : h('div', { key: 'none' }, nothing(snapshot)));
}

function nothing({ auth }) {
  if (usable(auth)) return card(null, null, emptyState(t('models.empty_title'), null, button(t('action.refresh'), actions.refreshModels)));
  return nobody(auth, 'playground.signed_out');
}

// --- the question ------------------------------------------------------------------------------

function chosen(models, { model }) {
  return models.find((each) => each.id === model) || models.find((each) => each.state === 'ready') || models[0];
}

function form(models, snapshot, local) {
  const { play } = local;
  const model = chosen(models, play);
  const listed = [...models].sort((a, b) => a.name.localeCompare(b.name));
  const running = run.phase === 'running';
  const off = snapshot.proxy.phase !== 'running';
  const long = Math.max(play.text.length, play.system.length) > LONGEST;
  return h('div', { key: 'form' }, card({ id: 'question', text: t('playground.question') }, null, h('div', { class: 'play-form' },
    h('div', { class: 'play-line' },
      labelled('model', select('play-model', model.id, listed.map((each) => [each.id, each.name || each.id]),
        (id) => set({ model: id, effort: '' }), { labelled: 'play-l-model' })),
      labelled('format', segmented('format', play.dialect, FORMATS.map((name) => [name, t(`playground.formats.${name}`)]),
        (name) => set({ dialect: name }), { labelled: 'play-l-format' }))),
    area('system', 2, play.system, t('playground.system_none')),
    area('text', 4, play.text, t('playground.text_none')),
    h('div', { class: 'play-line end-line' },
      labelled('max', h('input', {
        id: 'play-max', class: 'field number', inputmode: 'numeric', maxlength: 6, value: play.max, placeholder: t('playground.max_none'), 'aria-labelledby': 'play-l-max', oninput: (event) => set({ max: event.target.value.replace(/\D/g, '') }),
      })),
      model.efforts.length ? labelled('effort', select('play-effort', play.effort,
        [['', t('playground.effort_none')], ...model.efforts.map((name) => [name, name])],
        (name) => set({ effort: name }), { labelled: 'play-l-effort' })) : null,
      labelled('stream', h('span', { class: 'switch-line' },
        toggle('play-stream', play.stream, (on) => set({ stream: on }), { labelled: 'play-l-stream' }))),
      h('span', { class: 'grow' }),
      running
        ? button(t('playground.stop'), stop, { id: 'play-stop', key: 'stop' })
        : button(t('playground.send'), () => send(model, play), {
          id: 'play-send', look: 'primary', key: 'send', busy: Boolean(local.busy.play), off: off || long || !play.text.trim(), reason: t('nav.shortcut', { name: t('playground.send'), keys: `${modifier()}+Enter` }),
        })),
    long ? h('p', { class: 'note-line', key: 'long' }, icon('info'), h('span', null, t('playground.too_long', { max: LONGEST }))) : null,
    off ? h('p', { class: 'note-line', key: 'off' }, icon('info'), h('span', null, t('playground.proxy_off')),
      button(t('playground.start_proxy'), actions.startProxy, { look: 'ghost', small: true })) : null)));
}

const labelled = (name, control) => h('div', { class: 'play-field', key: name },
  h('span', { class: 'caption', id: `play-l-${name}` }, t(`playground.${name}`)), control);

const area = (name, rows, value, placeholder) => h('div', { class: 'play-field', key: name },
  h('label', { class: 'caption', for: `play-${name}` }, t(`playground.${name}`)),
  h('textarea', {
    id: `play-${name}`, class: 'field area', rows, value, placeholder, oninput: (event) => set({ [name]: event.target.value }),
  }));

async function send(model, play) {
  const question = {
    dialect: play.dialect, model: model.id, text: play.text, system: play.system, stream: play.stream,
  };
  if (Number(play.max) > 0) question.max_tokens = Number(play.max);
  if (model.efforts.includes(play.effort)) question.effort = play.effort;
  const told = await actions.perform('play', question);
  const button_ = document.getElementById('play-stop');
  if (told.ok && button_ && document.activeElement === document.body) button_.focus();
}

const stop = () => actions.perform('stop_playing');

// --- the answer --------------------------------------------------------------------------------

const LEVEL = { running: 'neutral', done: 'ok', failed: 'bad', stopped: 'neutral' };

function answer(local) {
  if (run.phase === 'idle') return null;
  const { row } = run;
  const trouble = row && errorText(row);
  const words = row && row.outcome !== 'open' ? resultWords(row) : { level: LEVEL[run.phase], words: t(`playground.phase.${run.phase}`) };
  return h('div', { key: 'answer' }, card({ id: 'answer', text: t('playground.answer') },
    run.text ? copyButton('play-answer', run.text, t('playground.answer')) : null,
    h('div', { class: 'play-answer' },
      h('div', { role: 'status' }, pill(words.level, words.words)),
      trouble ? h('p', { class: 'selectable', key: 'trouble' }, trouble) : null,
      run.phase === 'failed' && !trouble ? h('p', { key: 'lost' }, t('playground.lost')) : null,
      run.thinking ? h('details', { key: 'thinking' }, h('summary', null, t('playground.thinking')),
        h('p', { class: 'play-text dim selectable' }, run.thinking)) : null,
      run.text ? h('p', { class: 'play-text selectable', key: 'text', 'data-copy-text': 'play-answer' }, run.text) : null,
      row && row.outcome !== 'open' ? [h('div', { key: 'facts' }, facts(row)), changes(row)] : null)));
}

function frames() {
  if (!run.sides) return null;
  return h('div', { key: 'frames' }, card({ id: 'frames', text: t('playground.frames') }, null,
    h('p', { class: 'caption' }, t('playground.frames_note')),
    sidesView(`run-${run.n}`, run.sides)));
}

/** Only new words come. Where they begin, `at`, is counted in the app's characters: what tells is 0. */
function takeIn(news) {
  const before = news.n === run.n ? run : NOTHING;
  run = {
    ...news,
    text: (news.at.text ? before.text : '') + news.text,
    thinking: (news.at.thinking ? before.thinking : '') + news.thinking,
  };
  changed();
}

subscribe((snapshot, local) => {
  const wanted = local.screen === 'playground';
  if (wanted && !closing) closing = watch(() => '/watch/playground', takeIn);
  if (!wanted && closing) { closing(); closing = null; }
});
