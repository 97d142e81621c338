// ioredis at a cluster: node ioredis_client.js <port of the global> <port of a local> [--plain]
'use strict';
const assert = require('node:assert/strict');
const Redis = require('ioredis');

const plain = process.argv.includes('--plain');
const ports = process.argv.slice(2).filter((a) => /^\d+$/.test(a)).map(Number);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function commands(here, there) {
  await here.flushall();
  assert.equal(await here.ping(), 'PONG');
  assert.equal(await here.set('k', 'v'), 'OK');
  assert.equal(await there.get('k'), 'v');
  const bytes = Buffer.from(Array.from({length: 1024}, (_, i) => i & 255));
  await here.set('binary', bytes);
  assert.deepEqual(await there.getBuffer('binary'), bytes);
  assert.equal(await here.get('none'), null);
  assert.equal(await there.set('k', 'w', 'NX'), null);
  assert.equal(await there.set('k', 'w', 'EX', 100, 'GET'), 'v');
  assert.equal(await here.incr('n'), 1);
  assert.equal(await there.incrby('n', 10), 11);
  assert.equal(await here.mset({a: 1, b: 2}), 'OK');
  assert.deepEqual(await there.mget('a', 'b', 'c'), ['1', '2', null]);
  assert.equal(await there.del('a', 'b', 'c'), 2);
  await here.set('short', 'life', 'PX', 50);
  await sleep(70);
  assert.equal(await there.get('short'), null);
  assert.match(await here.info(), /redis_version:/);
  assert.equal(typeof (await here.client('ID')), 'number');
}

async function pipelines(here, there) {
  const pipeline = here.pipeline();
  for (let i = 0; i < 1000; i++) pipeline.set(`pipe:${i}`, i).incr('pipes');
  const answers = await pipeline.exec();
  assert.deepEqual(answers, Array.from({length: 2000}, (_, i) => [null, i % 2 ? (i + 1) / 2 : 'OK']));
  const reads = there.pipeline();
  for (let i = 0; i < 1000; i++) reads.get(`pipe:${i}`);
  assert.deepEqual(await reads.exec(), Array.from({length: 1000}, (_, i) => [null, String(i)]));
  // ioredis' automatic pipelining of what is asked in one turn.
  const values = await Promise.all(Array.from({length: 300}, (_, i) => there.get(`pipe:${i}`)));
  assert.deepEqual(values, Array.from({length: 300}, (_, i) => String(i)));
  const mixed = await here.pipeline().set('text', 'abc').incr('text').get('text').exec();
  assert.equal(mixed[1][0].message, 'ERR value is not an integer or out of range');
  assert.equal(mixed[2][1], 'abc');
}

async function scans(here, there) {
  await here.flushall();
  await here.mset(new Map(Array.from({length: 500}, (_, i) => [`scan:${i}`, i])));
  for (const client of [here, there]) {
    const found = new Set();
    for await (const keys of client.scanStream({match: 'scan:*', count: 40})) keys.forEach((k) => found.add(k));
    assert.equal(found.size, 500);
  }
}

async function errors(client) {
  await assert.rejects(client.call('NOSUCH', 'a'), (e) =>
    e.name === 'ReplyError' && /^ERR unknown command 'NOSUCH'/.test(e.message));
  await assert.rejects(client.call('GET'), /wrong number of arguments for 'get' command/);
  await assert.rejects(client.setex('k', 0, 'v'), /invalid expire time in 'setex' command/);
}

async function ours(here, there) {
  for (const [i, client] of [here, there, there, here].entries()) {
    assert.equal(await client.call('NEXTID', 'ioredis'), i);
  }
  assert.equal(await there.call('CHAT.SEND', 'ioredis', 'hello'), 1);
  const history = await here.call('CHAT.HISTORY', 'ioredis');
  assert.ok(JSON.stringify(history).includes('hello'));
}

async function main() {
  const [here, there] = ports.map((port) => new Redis({port, connectionName: 'test', maxRetriesPerRequest: 1}));
  for (const [a, b] of [[here, there], [there, here]]) {
    await commands(a, b);
    await pipelines(a, b);
    await scans(a, b);
    await errors(a);
  }
  const other = new Redis({port: ports[1], db: 5});
  await other.set('only', 'there');
  assert.equal(await here.get('only'), null);
  await other.flushdb();
  if (!plain) await ours(here, there);
  for (const client of [here, there, other]) await client.quit();
  console.log(`ioredis ${require('ioredis/package.json').version}: passed`);
}
main().catch((e) => {
  console.error('WRONG:', e);
  process.exit(1);
});
