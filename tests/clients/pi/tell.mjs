// Asks through pi-ai's own github-copilot provider and prints its events as JSON lines.
// On stdin: {"pi": folder of the package, "url", "token", "model", "like", "context", "options"}.
// `like` is a model that pi knows, for the facts of one that is newer than it.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));
const pi = await import(pathToFileURL(join(asked.pi, "dist", "index.js")));
const known = pi.getModel("github-copilot", asked.like);
const model = { ...known, id: asked.model, baseUrl: asked.url };
// A Claude that is newer than this pi wants to be asked to think in other words.
const onPayload = (body) =>
  body.thinking?.type === "enabled"
    ? { ...body, thinking: { type: "adaptive", display: "summarized" } }
    : undefined;
const options = { onPayload, apiKey: asked.token, maxRetries: 0, ...asked.options };
for await (const event of pi.streamSimple(model, asked.context, options)) {
  process.stdout.write(JSON.stringify(event) + "\n");
}
