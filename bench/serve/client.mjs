/**
 * Loads a server with requests of distinct users, and prints what came of it as a line of JSON.
 * Usage: client.mjs URL CONNECTIONS SECONDS USERS
 */
import autocannon from 'autocannon';

const [url, connections, seconds, nUsers] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const request = (user) => ({ method: 'GET', path: `/users/${user}/recommendations?n=10` });
let started = 0;

const load = (duration) =>
  autocannon({
    url,
    connections,
    duration,
    // Each connection has users of its own, so that those of one moment are distinct.
    setupClient(client) {
      const first = (started++ % connections) + 1;
      const own = Array.from({ length: Math.ceil((nUsers - first + 1) / connections) }, (_, k) => first + k * connections);
      client.setRequests(own.map(request));
    },
  });

await load(1);
const before = process.cpuUsage();
const result = await load(seconds);
const { user, system } = process.cpuUsage(before);
const { latency, non2xx, errors, timeouts, duration } = result;
const answered = result['2xx'];
console.log(
  JSON.stringify({
    perSecond: answered / duration,
    p50: latency.p50,
    p99: latency.p99,
    most: latency.max,
    answered,
    failed: non2xx + errors + timeouts,
    cpuMicroseconds: (user + system) / answered,
  }),
);
