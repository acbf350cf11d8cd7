/* How each client writes a model's id, and how a shell takes a text as it is. Pure, no words. */

/** Clients by how they write an id; within a row they write it alike. The names are their own. */
export const SPELLINGS = [
  { key: 'plain', clients: ['Claude Code', 'Codex', 'Continue'], write: (id) => id },
  { key: 'openai', clients: ['aider', 'LiteLLM'], write: (id) => `openai/${id}` },
  // As the app itself names its provider there (`integrations/tools`).
  { key: 'opencode', clients: ['opencode'], write: (id) => `copilot-desktop/${id}` },
  { key: 'llm', clients: ['llm'], write: (id) => `copilot/${id}` },
];

/** For a POSIX shell: nothing in it is looked at, whatever it holds. */
export const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
