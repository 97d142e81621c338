// redis (npm), in RESP3 and RESP2: node node_redis_client.js <port of the global> <port of a local> [--plain]
'use strict';
const assert = require('node:assert/strict');
const {createClient} = require('redis');

const plain = process.argv.includes('--plain');
const ports = process.argv.slice(2).filter((a) => /^\d+$/.test(a)).map(Number);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function connect(port, RESP, more = {}) {
  const client = createClient({url: `redis://127.0.0.1:${port}`, RESP, ...more});
  client.on('error', (e) => {
    throw e;
  });
  await client.connect();
  return client;
}

async function commands(here, there) {
  await here.flushAll();
  assert.equal(await here.ping(), 'PONG');
  assert.equal(await here.set('k', 'v'), 'OK');
  assert.equal(await there.get('k'), 'v');
  assert.equal(await here.get('none'), null);
  assert.equal(await there.set('k', 'w', {NX: true}), null);
  assert.equal(await there.set('k', 'w', {EX: 100, GET: true}), 'v');
  assert.ok((await here.ttl('k')) > 90);
  assert.equal(await here.incr('n'), 1);
  assert.equal(await there.incrBy('n', 10), 11);
  assert.equal(Number(await here.incrByFloat('n', 0.5)), 11.5);
  await here.mSet({a: '1', b: '2'});
  assert.deepEqual(await there.mGet(['a', 'b', 'c']), ['1', '2', null]);
  assert.equal(await there.del(['a', 'b', 'c']), 2);
  assert.equal(await here.exists(['k', 'none']), 1);
  await here.set('short', 'life', {PX: 50});
  await sleep(70);
  assert.equal(await there.get('short'), null);
  assert.match(await here.info(), /redis_version:/);
  const settings = await here.configGet('maxmemory');
  assert.equal(settings.maxmemory, '0');
}

async function pipelines(here, there) {
  const answers = await Promise.all(Array.from({length: 1000}, (_, i) => here.set(`pipe:${i}`, `${i}`)));
  assert.ok(answers.every((a) => a === 'OK'));
  const values = await Promise.all(Array.from({length: 1000}, (_, i) => there.get(`pipe:${i}`)));
  assert.deepEqual(values, Array.from({length: 1000}, (_, i) => `${i}`));
}

async function scans(here, there) {
  await here.flushAll();
  await here.mSet(Object.fromEntries(Array.from({length: 500}, (_, i) => [`scan:${i}`, `${i}`])));
  for (const client of [here, there]) {
    const found = new Set();
    for await (const keys of client.scanIterator({MATCH: 'scan:*', COUNT: 40})) keys.forEach((k) => found.add(k));
    assert.equal(found.size, 500);
  }
}

async function errors(client) {
  await client.set('text', 'abc');
  await assert.rejects(client.incr('text'), /^Error: ERR value is not an integer or out of range|value is not an integer/);
  await assert.rejects(client.sendCommand(['NOSUCH', 'a']), /unknown command 'NOSUCH'/);
  await assert.rejects(client.sendCommand(['GET']), /wrong number of arguments for 'get' command/);
}

async function ours(here, there, RESP) {
  const room = `node-redis-${RESP}`;
  for (const [i, client] of [here, there, there, here].entries()) {
    assert.equal(await client.sendCommand(['NEXTID', room]), i);
  }
  assert.equal(await there.sendCommand(['CHAT.SEND', room, 'hello']), 1);
  const history = await here.sendCommand(['CHAT.HISTORY', room]);
  assert.ok(JSON.stringify(history).includes('hello'));
  if (RESP === 3) {
    // The library doesn't know these pushes; they must not disturb its replies.
    assert.equal(await here.sendCommand(['CHAT.JOIN', room, 'ann']), 'OK');
    for (let i = 2; i <= 50; i++) {
      assert.equal(await there.sendCommand(['CHAT.SEND', room, `message ${i}`]), i);
      assert.equal(await here.get('text'), 'abc');
    }
    assert.equal(await here.sendCommand(['CHAT.LEAVE', room]), 'OK');
  }
}

async function main() {
  for (const RESP of [2, 3]) {
    const here = await connect(ports[0], RESP);
    const there = await connect(ports[1], RESP);
    for (const [a, b] of [[here, there], [there, here]]) {
      await commands(a, b);
      await pipelines(a, b);
      await scans(a, b);
      await errors(a);
    }
    const other = await connect(ports[1], RESP, {database: 5, name: 'other'});
    await other.set('only', 'there');
    assert.equal(await here.get('only'), null);
    await other.flushDb();
    if (!plain) await ours(here, there, RESP);
    for (const client of [here, there, other]) await client.close();
    console.log(`redis (npm) ${require('redis/package.json').version}, RESP${RESP}: passed`);
  }
}
main().catch((e) => {
  console.error('WRONG:', e);
  process.exit(1);
});
