/* The panel at the side of the model list: everything about one model, and what to copy. */

import * as actions from '../actions.js';
import { button, copyButton, iconButton } from '../components/controls.js';
import { icon } from '../components/icon.js';
import { copyText } from '../copy.js';
import { addresses } from '../derive.js';
import { h } from '../dom.js';
import { number } from '../format.js';
import { quoted, SPELLINGS } from '../spellings.js';
import { setLocal, state } from '../store.js';
import { listed, t } from '../strings.js';
import { termsText } from '../terms.js';
import { canWords, costWords, endpointWords } from './models.js';

/** The model whose panel is open, or null. */
export function selectedModel(snapshot, local) {
  if (local.screen !== 'models' || !local.models.selected) return null;
  return snapshot.models.items.find((model) => model.id === local.models.selected) || null;
}

export function closePanel() {
  const id = state.local.models.selected;
  setLocal({ models: { ...state.local.models, selected: null } });
  queueMicrotask(() => {
    const row = document.querySelector(`[data-row="${CSS.escape(id || '')}"]`);
    if (row) row.focus();
  });
}

export function modelPanel(model, snapshot) {
  const { proxy } = snapshot;
  // The key is never shown here; it is fetched for the copy alone.
  const masked = proxy.key_required ? t('overview.address.key_masked', { hint: proxy.key_hint || '' }) : null;
  const example = exampleRequest(model, proxy, masked);
  return [
    h('div', { class: 'panel-head', key: `head-${model.id}` },
      h('h2', { class: 'title', tabindex: '-1', id: 'panel-title' }, model.name || model.id),
      iconButton('close', t('models.panel.close'), closePanel)),
    h('div', { class: 'panel-body', key: `body-${model.id}` },
      explanation(model),
      h('div', { class: 'names' },
        h('span', { class: 'mono selectable', 'data-copy-text': 'model-id' }, model.id),
        h('div', { class: 'row-buttons' }, copyButton('model-id', model.id, t('models.panel.id'), {
          label: t('models.panel.copy_id'),
        }))),
      names(model),
      spelt(model),
      facts(model),
      (model.notices || []).length ? h('div', { class: 'names' },
        h('h3', { class: 'heading' }, t('models.panel.notices')),
        model.notices.map((notice) => h('p', { class: 'note-line', key: notice }, icon('warning'), notice))) : null,
      example ? h('div', { class: 'names' },
        h('h3', { class: 'heading' }, t('models.panel.example')),
        h('pre', { class: 'code-block selectable', 'data-copy-text': 'model-example' }, example),
        h('div', { class: 'row-buttons' }, copyButton('model-example', () => copyExample(model, proxy), t('models.panel.example'), {
          label: t('models.panel.copy_example'), prepare: masked ? actions.fetchKey : null,
        }))) : null),
  ];
}

function explanation(model) {
  if (!model.why) return null;
  const note = h('p', { class: 'note-line' }, icon('info'), t(`models.why.${model.why}`));
  if (model.why !== 'needs_approval') return h('div', { class: 'empty', key: 'why' }, note);
  return h('div', { class: 'empty', key: 'why' }, note,
    h('h3', { class: 'heading' }, t('models.terms.title')),
    termsText(model.terms),
    h('div', { class: 'row-buttons' },
      button(t('models.open_settings'), () => actions.openLink('copilot_settings'), { small: true }),
      button(t('models.terms.accept'), () => actions.askTerms(model), {
        small: true, look: 'primary', busy: Boolean(state.local.busy.enable_model),
      })));
}

function facts(model) {
  const size = (n) => (n ? t('models.panel.tokens', { n }) : t('models.panel.nothing'));
  const cost = model.cost || {};
  const price = cost.kind === 'tokens' && cost.input
    ? t('models.cost.tokens_detail', { input: number(cost.input, 2), output: number(cost.output || 0, 2) })
    : costWords(model.cost);
  return h('dl', { class: 'facts' },
    fact('vendor', model.vendor || t('models.panel.nothing')),
    fact('cost', price),
    fact('context', size(model.context)),
    fact('max_prompt', size(model.max_prompt)),
    fact('max_output', size(model.max_output)),
    fact('can', canWords(model)),
    (model.efforts || []).length ? fact('efforts', listed(model.efforts)) : null,
    fact('works_with', endpointWords(model)));
}

const fact = (name, value) => [
  h('dt', { key: `t-${name}` }, t(`models.panel.${name}`)), h('dd', { key: `d-${name}` }, value),
];

function names(model) {
  const others = (model.aliases || []).filter((name) => name !== model.id);
  if (!others.length) return null;
  return h('div', { class: 'names', key: 'names' },
    h('h3', { class: 'heading' }, t('models.panel.aliases')),
    others.map((name) => h('span', { class: 'mono selectable', key: name }, name)));
}

/** The id as each client wants it written. */
function spelt(model) {
  if (model.kind && model.kind !== 'chat') return null;
  return h('div', { class: 'names', key: 'spelt' },
    h('h3', { class: 'heading' }, t('models.panel.spelt')),
    SPELLINGS.map(({ key, write }) => {
      const [id, who] = [write(model.id), t(`models.panel.spelt_in.${key}`)];
      return h('div', { class: 'spelling', key },
        h('div', null,
          h('p', { class: 'caption' }, who),
          h('span', { class: 'mono selectable wrap', 'data-copy-text': `spelt-${key}` }, id)),
        copyButton(`spelt-${key}`, id, t('models.panel.spelt_for', { clients: who })));
    }));
}

async function copyExample(model, proxy) {
  const key = proxy.key_required ? state.local.key || await actions.fetchKey() : null;
  if (proxy.key_required && !key) return; // why not is said already
  copyText(exampleRequest(model, proxy, key), 'model-example', t('models.panel.example'));
}

/** A request to paste into a terminal, for the format that the model speaks itself. */
function exampleRequest(model, proxy, key = null) {
  const found = addresses(proxy);
  const content = t('models.example_prompt');
  const endpoints = model.endpoints || [];
  const post = (url, body) => [
    `curl ${quoted(url)}`,
    key ? `-H ${quoted(`Authorization: Bearer ${key}`)}` : null,
    `-H ${quoted('Content-Type: application/json')}`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].filter(Boolean).join(' \\\n  ');
  const messages = [{ role: 'user', content }];
  if (model.kind === 'embeddings') return post(`${found.openai}/embeddings`, { model: model.id, input: content });
  if (model.kind && model.kind !== 'chat') return null;
  if (endpoints.includes('/chat/completions')) return post(`${found.openai}/chat/completions`, { model: model.id, messages });
  if (endpoints.includes('/responses')) return post(`${found.openai}/responses`, { model: model.id, input: content });
  return post(`${found.anthropic}/v1/messages`, { model: model.id, max_tokens: 1024, messages });
}
