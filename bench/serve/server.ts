/**
 * A server in a process of its own, until its standard input ends. It prints its address and adapter as a line of JSON, and what it
 * took of the processor for each line that it reads.
 *
 * Usage: server.js joined|plain MODEL ADAPTER
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { loadModelFile, openGpu, serveModel } from '../../src/node.js';

const [kind, path, name] = process.argv.slice(2);

/** As `dotbias serve`. */
async function joined() {
  const { url, device } = await serveModel(path, { name, port: 0, quiet: true });
  return { url, adapter: device.info.description };
}

/** What anybody would write: one `recommend` for each request. */
async function plain() {
  const { gpu, info } = await openGpu({ name, quiet: true });
  const model = await loadModelFile(path, { gpu });
  const server = createServer(async ({ url }, response) => {
    const [, , user] = url!.split('/');
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ user, recommendations: await model.recommend(user, 10) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, adapter: info.description };
}

console.log(JSON.stringify(await (kind === 'plain' ? plain() : joined())));
const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify(user + system));
});
lines.on('close', () => process.exit());
