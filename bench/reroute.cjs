// Leads a Node program that knows only the real addresses of GitHub and Copilot to the fake one,
// and everything else nowhere. `BENCH_TLS_PORT` is the fake's; its certificate names these hosts.
// Only the opening of a connection is changed, so nothing here costs anything per request.
const tls = require('node:tls');
const net = require('node:net');

const port = Number(process.env.BENCH_TLS_PORT);
const ours = /(^|\.)(github\.com|githubcopilot\.com)$/;
const connect = tls.connect;

tls.connect = function (...given) {
  const options = given[0];
  if (options && typeof options === 'object' && !options.socket) {
    const name = options.servername || options.host;
    const here = { ...options, host: '127.0.0.1', port: ours.test(name) ? port : 1 };
    if (!net.isIP(name)) here.servername = name;
    return connect.call(this, here, ...given.slice(1));
  }
  return connect.apply(this, given);
};
