/* How each client writes a model's id, and how a shell takes a text as it is. Pure, no words. */

/** Ways to write an id; `models.panel.spelt_in` names the clients that write it so. */
export const SPELLINGS = [
  { key: 'plain', write: (id) => id },
  { key: 'openai', write: (id) => `openai/${id}` },
  // As the app itself names its provider in opencode and llm (`integrations/tools`).
  { key: 'opencode', write: (id) => `copilot-desktop/${id}` },
  { key: 'llm', write: (id) => `copilot/${id}` },
];

/** For a POSIX shell: nothing in it is looked at, whatever it holds. */
export const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
