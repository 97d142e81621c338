"""python3-redis (redis-py) at a cluster: python_client.py <port of the global> <port of a local>.

With --plain the two ports may be a redis-server's; what only Understudy has is left out.
"""
import sys
import time

import redis

plain = "--plain" in sys.argv
ports = [int(a) for a in sys.argv[1:] if a.isdigit()]
checks = 0


def expect(what, expected, actual):
    global checks
    checks += 1
    if expected != actual:
        sys.exit(f"WRONG: {what}: expected {expected!r}, got {actual!r}")


def expect_error(what, kind, text, call):
    global checks
    checks += 1
    try:
        result = call()
    except kind as error:
        if text not in str(error):
            sys.exit(f"WRONG: {what}: the error says {str(error)!r}, not {text!r}")
        return
    sys.exit(f"WRONG: {what}: no error but {result!r}")


def commands(here, there):
    """`here` and `there` are clients of different nodes."""
    here.flushall()
    expect("ping", True, here.ping())
    expect("echo", b"text", here.echo("text"))
    expect("set", True, here.set("k", "v"))
    expect("get", b"v", here.get("k"))
    expect("get at the other node", b"v", there.get("k"))
    every_byte = bytes(range(256)) * 40
    here.set("binary", every_byte)
    expect("all bytes", every_byte, there.get("binary"))
    expect("a key that isn't there", None, here.get("none"))
    expect("set nx", None, there.set("k", "w", nx=True))
    expect("set get", b"v", there.set("k", "w", get=True))
    expect("set px", True, here.set("short", "life", px=60))
    expect("pttl", True, 0 < here.pttl("short") <= 60)
    expect("incr", 1, here.incr("n"))
    expect("incrby at the other node", 11, there.incrby("n", 10))
    expect("incrbyfloat", 11.5, here.incrbyfloat("n", 0.5))
    expect("append", 3, here.append("k", "xy"))
    expect("getrange", b"xy", there.getrange("k", 1, -1))
    expect("mset", True, here.mset({"a": 1, "b": 2, "c": 3}))
    expect("mget", [b"1", b"2", b"3", None], there.mget("a", "b", "c", "d"))
    expect("delete", 2, there.delete("a", "b", "d"))
    expect("exists", 1, here.exists("a", "b", "c"))
    expect("type", b"string", here.type("c"))
    expect("rename", True, here.rename("c", "d"))
    expect("getdel", b"3", there.getdel("d"))
    here.set("binary2", bytes(range(44)))
    expect("setbit", 0, here.setbit("bits", 7, 1))
    expect("bitcount", 1, there.bitcount("bits"))
    expect("expire", True, here.expire("k", 100))
    expect("ttl", True, 98 <= there.ttl("k") <= 100)
    expect("persist", True, there.persist("k"))
    expect("ttl afterwards", -1, here.ttl("k"))
    expect("object encoding", b"embstr", here.object("encoding", "binary2"))
    time.sleep(0.08)
    expect("expired at the other node", None, there.get("short"))
    expect("info", True, "redis_version" in here.info())
    expect("time", True, abs(here.time()[0] - time.time()) < 10)
    expect("config get", True, "maxmemory" in here.config_get("maxmemory"))
    expect("command count", True, here.command_count() > 50)
    mine = [c for c in here.client_list() if c["id"] == str(here.client_id())]
    expect("client list", 1, len(mine))


def databases(port):
    first = redis.Redis(port=port, db=0)
    ninth = redis.Redis(port=port, db=9, client_name="ninth")
    ninth.set("only", "here")
    expect("another database", None, first.get("only"))
    expect("dbsize", 1, ninth.dbsize())
    expect("client name", "ninth", ninth.client_getname())
    expect("flushdb", True, ninth.flushdb())


def pipelines(here, there):
    pipe = here.pipeline(transaction=False)
    for i in range(1000):
        pipe.set(f"pipe:{i}", i)
        pipe.incr("pipes")
    answers = pipe.execute()
    expect("pipeline", [x for i in range(1000) for x in (True, i + 1)], answers)
    pipe = there.pipeline(transaction=False)
    for i in range(1000):
        pipe.get(f"pipe:{i}")
    expect("pipeline at the other node", [str(i).encode() for i in range(1000)], pipe.execute())
    pipe = there.pipeline(transaction=False)
    pipe.set("text", "abc").incr("text").get("text")
    answers = pipe.execute(raise_on_error=False)
    expect("error within a pipeline", (True, b"abc"), (answers[0], answers[2]))
    expect("its type", redis.ResponseError, type(answers[1]))


def scans(here, there):
    here.flushall()
    here.mset({f"scan:{i}": i for i in range(700)})
    for client in (here, there):
        expect("scan_iter", {f"scan:{i}".encode() for i in range(700)}, set(client.scan_iter(count=50)))
        expect("scan_iter with a pattern", 111, len(set(client.scan_iter(match="scan:6*", count=100))))
        expect("keys", 700, len(client.keys("scan:*")))
    # A cursor holds at any node.
    cursor, found, turn = None, [], 0
    while cursor != 0:
        cursor, keys = (here, there)[turn % 2].scan(cursor or 0, count=30)
        found += keys
        turn += 1
    if not plain or ports[0] == ports[1]:
        expect("a scan through both nodes", 700, len(set(found)))


def errors(here):
    here.set("text", "abc")
    expect_error("incr of text", redis.ResponseError, "value is not an integer or out of range",
                 lambda: here.incr("text"))
    expect_error("unknown command", redis.ResponseError, "unknown command", lambda: here.execute_command("NOSUCH", 1))
    expect_error("arity", redis.ResponseError, "wrong number of arguments for 'get' command",
                 lambda: here.execute_command("GET"))
    expect_error("expire time", redis.ResponseError, "invalid expire time in 'setex' command",
                 lambda: here.setex("k", -1, "v"))
    expect_error("auth without a password", redis.ResponseError, "AUTH <password> called without any password configured",
                 lambda: here.execute_command("AUTH", "x"))


def chat(port_a, port_b):
    """RESP2: a room's messages come as pub/sub messages of its channel."""
    ann = redis.Redis(port=port_a).pubsub()
    ann.execute_command("CHAT.JOIN", "python", "ann")
    expect("join", b"OK", ann.connection.read_response())
    bob = redis.Redis(port=port_b)
    expect("send", 1, bob.execute_command("CHAT.SEND", "python", "hello"))
    deadline = time.time() + 10
    heard = None
    while time.time() < deadline:
        message = ann.connection.read_response()
        if message[0] == b"message" and b"hello" in b" ".join(
                part if isinstance(part, bytes) else str(part).encode() for part in message[2:]):
            heard = message
            break
    expect("the channel", b"chat:python", heard[1])
    expect("users", [b"ann"], bob.execute_command("CHAT.USERS", "python"))


def main():
    here = redis.Redis(port=ports[0])
    there = redis.Redis(port=ports[1])
    for a, b in ((here, there), (there, here)):
        commands(a, b)
        pipelines(a, b)
        scans(a, b)
        errors(a)
    for port in ports:
        databases(port)
    if not plain:
        expect("nextid", [0, 1, 2, 3], [c.execute_command("NEXTID", "python") for c in (here, there, there, here)])
        chat(ports[0], ports[1])
        chat_again = redis.Redis(port=ports[1])
        expect("history", 1, len(chat_again.execute_command("CHAT.HISTORY", "python")))
    print(f"redis-py {redis.__version__}: {checks} checks")


main()
