// hiredis at a cluster, blocking and with libevent:
// hiredis_client <port of the global> <port of a local> [--plain]
// Debian's hiredis (0.14) speaks RESP2.
#include <event2/event.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

int checks = 0;

void Expect(bool good, const std::string& what) {
  ++checks;
  if (good) return;
  std::cerr << "WRONG: " << what << "\n";
  std::exit(1);
}

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;
struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;

Context Connect(int port) {
  Context context(redisConnectWithTimeout("127.0.0.1", port, timeval{5, 0}));
  Expect(context != nullptr && context->err == 0, "connect");
  redisSetTimeout(context.get(), timeval{10, 0});
  return context;
}

template <typename... Arguments>
Reply Ask(const Context& context, const char* format, Arguments... arguments) {
  Reply reply(static_cast<redisReply*>(redisCommand(context.get(), format, arguments...)));
  Expect(reply != nullptr, std::string("an answer to ") + format);
  return reply;
}
std::string Text(const Reply& reply) {
  return reply->str == nullptr ? "" : std::string(reply->str, reply->len);
}
bool Is(const Reply& reply, int type, const std::string& text) {
  return reply->type == type && Text(reply) == text;
}
bool Is(const Reply& reply, long long number) {
  return reply->type == REDIS_REPLY_INTEGER && reply->integer == number;
}

void Commands(const Context& here, const Context& there) {
  Expect(Is(Ask(here, "FLUSHALL"), REDIS_REPLY_STATUS, "OK"), "flushall");
  Expect(Is(Ask(here, "PING"), REDIS_REPLY_STATUS, "PONG"), "ping");
  Expect(Is(Ask(here, "SET %s %s", "k", "v"), REDIS_REPLY_STATUS, "OK"), "set");
  Expect(Is(Ask(there, "GET k"), REDIS_REPLY_STRING, "v"), "get at the other node");
  Expect(Ask(there, "GET none")->type == REDIS_REPLY_NIL, "a key that isn't there");
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  Ask(here, "SET %b %b", "bin\0ary", size_t{7}, bytes.data(), bytes.size());
  Expect(Is(Ask(there, "GET %b", "bin\0ary", size_t{7}), REDIS_REPLY_STRING, bytes), "all bytes");
  Expect(Is(Ask(here, "INCR n"), 1), "incr");
  Expect(Is(Ask(there, "INCRBY n 10"), 11), "incrby at the other node");
  const Reply list = Ask(there, "MGET k none n");
  Expect(list->type == REDIS_REPLY_ARRAY && list->elements == 3 &&
             list->element[1]->type == REDIS_REPLY_NIL &&
             std::string(list->element[2]->str) == "11",
         "mget");
  Expect(Is(Ask(here, "INCR k"), REDIS_REPLY_ERROR, "ERR value is not an integer or out of range"),
         "incr of text");
  Expect(Is(Ask(here, "GET"), REDIS_REPLY_ERROR, "ERR wrong number of arguments for 'get' command"),
         "arity");
}

void Pipeline(const Context& here, const Context& there) {
  for (int i = 0; i < 2000; ++i) {
    redisAppendCommand(here.get(), "SET pipe:%d %d", i, i);
    redisAppendCommand(there.get(), "INCR pipes");
  }
  for (int i = 0; i < 2000; ++i) {
    void* reply = nullptr;
    Expect(redisGetReply(here.get(), &reply) == REDIS_OK, "a pipeline's reply");
    Expect(Is(Reply(static_cast<redisReply*>(reply)), REDIS_REPLY_STATUS, "OK"),
           "set in a pipeline");
    Expect(redisGetReply(there.get(), &reply) == REDIS_OK, "a pipeline's reply");
    Expect(Is(Reply(static_cast<redisReply*>(reply)), i + 1), "incr in a pipeline, in order");
  }
  for (int i = 0; i < 2000; ++i) redisAppendCommand(there.get(), "GET pipe:%d", i);
  for (int i = 0; i < 2000; ++i) {
    void* reply = nullptr;
    Expect(redisGetReply(there.get(), &reply) == REDIS_OK, "a pipeline's reply");
    Expect(Is(Reply(static_cast<redisReply*>(reply)), REDIS_REPLY_STRING, std::to_string(i)),
           "get in a pipeline");
  }
}

void Scan(const Context& client) {
  Ask(client, "FLUSHALL");
  for (int i = 0; i < 300; ++i) Ask(client, "SET scan:%d x", i);
  std::set<std::string> found;
  std::string cursor = "0";
  do {
    const Reply reply = Ask(client, "SCAN %s MATCH scan:* COUNT 25", cursor.c_str());
    Expect(reply->type == REDIS_REPLY_ARRAY && reply->elements == 2, "scan");
    cursor = reply->element[0]->str;
    for (size_t i = 0; i < reply->element[1]->elements; ++i) {
      found.insert(reply->element[1]->element[i]->str);
    }
  } while (cursor != "0");
  Expect(found.size() == 300, "scan finds all");
}

// What the asynchronous part has seen.
struct Seen {
  event_base* loop;
  int answers = 0;
  int wanted = 0;
  long long last = 0;
  bool wrong = false;
};

void Asynchronous(int port) {
  event_base* loop = event_base_new();
  redisAsyncContext* client = redisAsyncConnect("127.0.0.1", port);
  Expect(client != nullptr && client->err == 0, "asynchronous connect");
  redisLibeventAttach(client, loop);
  Seen seen{.loop = loop, .wanted = 500};
  for (int i = 0; i < seen.wanted; ++i) {
    redisAsyncCommand(
        client,
        [](redisAsyncContext* context, void* reply, void* data) {
          auto* all = static_cast<Seen*>(data);
          const auto* answer = static_cast<redisReply*>(reply);
          if (answer == nullptr || answer->type != REDIS_REPLY_INTEGER ||
              answer->integer != all->last + 1) {
            all->wrong = true;
          } else {
            all->last = answer->integer;
          }
          if (++all->answers == all->wanted) redisAsyncDisconnect(context);
        },
        &seen, "INCR asynchronous");
  }
  event_base_dispatch(loop);
  event_base_free(loop);
  Expect(!seen.wrong && seen.answers == seen.wanted, "asynchronous replies, in order");
}

void Ours(const Context& here, const Context& there) {
  Expect(Is(Ask(here, "NEXTID hiredis"), 0), "nextid");
  Expect(Is(Ask(there, "NEXTID hiredis"), 1), "nextid at the other node");
  Expect(Is(Ask(there, "CHAT.JOIN hiredis ann"), REDIS_REPLY_STATUS, "OK"), "chat.join");
  Expect(Is(Ask(here, "CHAT.SEND hiredis hello"), 1), "chat.send");
  for (int i = 0; i < 3; ++i) {
    void* reply = nullptr;
    Expect(redisGetReply(there.get(), &reply) == REDIS_OK, "the message is pushed");
    const Reply push(static_cast<redisReply*>(reply));
    Expect(push->type == REDIS_REPLY_ARRAY && push->elements >= 3, "as a pub/sub message");
    Expect(std::string(push->element[0]->str) == "message" &&
               std::string(push->element[1]->str) == "chat:hiredis",
           "of the room's channel");
    for (size_t e = 2; e < push->elements; ++e) {
      if (push->element[e]->str != nullptr &&
          std::string(push->element[e]->str).find("hello") != std::string::npos) {
        return;
      }
    }
  }
  Expect(false, "the message is in one of the pushes");
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> ports;
  bool plain = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--plain") {
      plain = true;
    } else {
      ports.push_back(std::atoi(argv[i]));
    }
  }
  Expect(ports.size() == 2, "two ports");
  const Context here = Connect(ports[0]), there = Connect(ports[1]);
  Commands(here, there);
  Commands(there, here);
  Pipeline(here, there);
  Scan(here);
  Scan(there);
  Asynchronous(ports[0]);
  Ask(here, "DEL asynchronous");
  Asynchronous(ports[1]);
  if (!plain) Ours(here, Connect(ports[1]));
  std::cout << "hiredis " << HIREDIS_MAJOR << "." << HIREDIS_MINOR << ": " << checks << " checks\n";
  return 0;
}
