// Commands of kv with arguments that the input chooses: executed at one member, their effects
// applied at another with other limits of compact forms, whose state must then be the same. Errors
// leave no effects but deletions; a snapshot restores to the same state.
#include <algorithm>
#include <memory>

#include "targets/kv/kv_target.h"
#include "tests/fuzz/fuzz.h"
#include "tests/kv_test_support.h"

namespace understudy::fuzz {
namespace {

using namespace targets;
using kv::KvMember;

constexpr const char* kCommands[] = {"XADD",
                                     "XTRIM",
                                     "XDEL",
                                     "XSETID",
                                     "XREADGROUP",
                                     "XACK",
                                     "XCLAIM",
                                     "XAUTOCLAIM",
                                     "XGROUP",
                                     "XINFO",
                                     "XPENDING",
                                     "XRANGE",
                                     "XREVRANGE",
                                     "XREAD",
                                     "PFADD",
                                     "PFMERGE",
                                     "PFCOUNT",
                                     "PFDEBUG",
                                     "GEOADD",
                                     "GEOSEARCH",
                                     "GEOSEARCHSTORE",
                                     "GEORADIUS",
                                     "GEORADIUSBYMEMBER",
                                     "SET",
                                     "SETRANGE",
                                     "COPY",
                                     "RENAME",
                                     "DEL",
                                     "ZADD",
                                     "ZREM",
                                     "HSET",
                                     "HDEL",
                                     "SADD",
                                     "SREM",
                                     "RPUSH",
                                     "LPOP",
                                     "LINSERT",
                                     "LREM",
                                     "LSET",
                                     "ZUNIONSTORE",
                                     "SINTERSTORE",
                                     "BITFIELD",
                                     "BITOP",
                                     "EXPIRE",
                                     "HINCRBY",
                                     "INCRBYFLOAT",
                                     "SORT",
                                     "SPOP",
                                     "SMOVE",
                                     "LMOVE",
                                     "ZRANGESTORE",
                                     "GETEX",
                                     "APPEND"};
constexpr const char* kWords[] = {"a",
                                  "b",
                                  "c",
                                  "1",
                                  "2",
                                  "0",
                                  "-1",
                                  "*",
                                  "1-1",
                                  "2-*",
                                  "5-5",
                                  "$",
                                  ">",
                                  "-",
                                  "+",
                                  "~",
                                  "=",
                                  "MAXLEN",
                                  "MINID",
                                  "LIMIT",
                                  "GROUP",
                                  "g",
                                  "h",
                                  "COUNT",
                                  "STREAMS",
                                  "NOACK",
                                  "FORCE",
                                  "JUSTID",
                                  "IDLE",
                                  "TIME",
                                  "RETRYCOUNT",
                                  "LASTID",
                                  "CREATE",
                                  "SETID",
                                  "DESTROY",
                                  "CREATECONSUMER",
                                  "DELCONSUMER",
                                  "MKSTREAM",
                                  "ENTRIESREAD",
                                  "ENTRIESADDED",
                                  "MAXDELETEDID",
                                  "STREAM",
                                  "FULL",
                                  "GROUPS",
                                  "CONSUMERS",
                                  "FROMLONLAT",
                                  "FROMMEMBER",
                                  "BYRADIUS",
                                  "BYBOX",
                                  "km",
                                  "m",
                                  "ASC",
                                  "ANY",
                                  "STORE",
                                  "STOREDIST",
                                  "TODENSE",
                                  "GETREG",
                                  "DECODE",
                                  "WITHDIST",
                                  "NX",
                                  "XX",
                                  "REPLACE",
                                  "DB",
                                  "",
                                  "9223372036854775807",
                                  "-9223372036854775808",
                                  "18446744073709551615",
                                  "1e400",
                                  "nan",
                                  "BEFORE",
                                  "LEFT",
                                  "AND",
                                  "u8",
                                  "INCRBY",
                                  "BY",
                                  "GET",
                                  "ALPHA",
                                  "WEIGHTS",
                                  "xxxxxxxxxxxxxxxx"};

std::shared_ptr<TargetOptions> SmallForms() {
  auto options = std::make_shared<TargetOptions>();
  options->max_value_bytes = 1 << 16;
  options->containers.stream_node_max_entries = 2;
  options->containers.hash_max_listpack_entries = 2;
  options->containers.zset_max_listpack_entries = 2;
  options->containers.set_max_listpack_entries = 2;
  options->containers.hll_sparse_max_bytes = 30;
  options->containers.list_max_listpack_size = 2;
  return options;
}

std::vector<std::string> NextCommand(Choices* choices) {
  std::vector<std::string> args = {kCommands[choices->Byte() % std::size(kCommands)]};
  for (int count = choices->Byte() % 12; count > 0; --count) {
    const uint8_t choice = choices->Byte();
    if (choice >= 240) {
      args.emplace_back(choices->Bytes(choice - 240));
    } else {
      args.emplace_back(kWords[choice % std::size(kWords)]);
    }
  }
  return args;
}

void CheckRestored(KvMember& member, const protocol::CommandTable& table) {
  std::string bytes;
  member.target().Snapshot([&bytes](std::string_view piece) {
    bytes.append(piece);
    return true;
  });
  KvMember restored(table, 3);
  std::string error;
  Check(restored.target().Restore(bytes, &error), "a snapshot that can't be restored");
  Check(restored.target().Digest() == member.target().Digest(), "another state after a snapshot");
}

}  // namespace

// The input that makes these commands, a millisecond apart.
std::string Input(std::initializer_list<std::vector<std::string>> commands) {
  std::string input;
  const auto index = [](const auto& words, const std::string& word) {
    const auto found = std::find(std::begin(words), std::end(words), word);
    Check(found != std::end(words), "a seed with an unknown word");
    return static_cast<char>(found - std::begin(words));
  };
  for (const std::vector<std::string>& command : commands) {
    input.push_back(index(kCommands, command[0]));
    input.push_back(static_cast<char>(command.size() - 1));
    for (size_t i = 1; i < command.size(); ++i) input.push_back(index(kWords, command[i]));
    input.push_back(1);
  }
  return input;
}

std::vector<std::string> Seeds() {
  return {Input({{"XADD", "a", "*", "b", "c"},
                 {"XADD", "a", "*", "1", "2", "b", "c"},
                 {"XGROUP", "CREATE", "a", "g", "0"},
                 {"XREADGROUP", "GROUP", "g", "b", "COUNT", "1", "STREAMS", "a", ">"},
                 {"XREADGROUP", "GROUP", "g", "c", "STREAMS", "a", ">"},
                 {"XCLAIM", "a", "g", "c", "0", "1-1", "FORCE"},
                 {"XAUTOCLAIM", "a", "g", "b", "0", "0", "JUSTID"},
                 {"XDEL", "a", "1-1"},
                 {"XTRIM", "a", "MAXLEN", "1"},
                 {"XSETID", "a", "18446744073709551615", "ENTRIESADDED", "5-5"},
                 {"XREADGROUP", "GROUP", "g", "b", "STREAMS", "a", "0"},
                 {"COPY", "a", "b"},
                 {"XACK", "a", "g", "1-1"}}),
          Input({{"XADD", "a", "1-1", "b", "c"},
                 {"XADD", "a", "2-*", "b", "2"},
                 {"XADD", "a", "MAXLEN", "~", "1", "5-5", "c", "0"},
                 {"XGROUP", "CREATE", "b", "h", "$", "MKSTREAM", "ENTRIESREAD", "2"},
                 {"XGROUP", "CREATECONSUMER", "b", "h", "c"},
                 {"XGROUP", "DELCONSUMER", "b", "h", "c"},
                 {"XGROUP", "DESTROY", "b", "h"},
                 {"XDEL", "a", "1-1", "5-5"},
                 {"XRANGE", "a", "-", "+"}}),
          Input({{"PFADD", "a", "b", "c", "1", "2", "0"},
                 {"PFADD", "b", "g", "h", "u8"},
                 {"PFCOUNT", "a"},
                 {"PFMERGE", "c", "a", "b"},
                 {"PFDEBUG", "TODENSE", "a"},
                 {"SETRANGE", "b", "1", "c"}}),
          Input({{"GEOADD", "a", "1", "2", "b", "0", "-1", "c"},
                 {"GEOSEARCHSTORE", "b", "a", "FROMMEMBER", "b", "BYRADIUS", "1e400", "km"},
                 {"GEORADIUSBYMEMBER", "a", "c", "2", "km", "STORE", "c"},
                 {"ZADD", "a", "1", "1"},
                 {"ZUNIONSTORE", "c", "2", "a", "b", "WEIGHTS", "2", "-1"}}),
          Input({{"RPUSH", "a", "b", "c", "1", "2"},
                 {"LINSERT", "a", "BEFORE", "c", "g"},
                 {"LMOVE", "a", "b", "LEFT", "LEFT"},
                 {"LREM", "a", "1", "c"},
                 {"SORT", "a", "ALPHA", "STORE", "c"},
                 {"HSET", "g", "a", "b"},
                 {"HINCRBY", "g", "b", "2"},
                 {"SADD", "h", "a", "b", "1"},
                 {"SPOP", "h"},
                 {"BITFIELD", "u8", "INCRBY", "u8", "1", "2"}})};
}

}  // namespace understudy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  static const understudy::protocol::CommandTable table;
  Choices choices(data, size);
  auto options = SmallForms();
  options->containers = {};
  KvMember global(table, 1, options), local(table, 2, SmallForms());
  for (int i = 0; i < 200 && !choices.rest().empty(); ++i) {
    const std::vector<std::string> args = NextCommand(&choices);
    const std::vector<std::string_view> views(args.begin(), args.end());
    const std::string reply = global.Raw(views);
    Check(!reply.empty(), "no reply");
    global.now_ms += choices.Byte();
    if (global.update().empty()) continue;
    Check(reply[0] != '-' || global.Effects().starts_with("0 del "), "an error with effects");
    Check(local.Apply(global.update()), "an effect that can't be applied");
    Check(local.target().Digest() == global.target().Digest(), "members differ");
  }
  CheckRestored(global, table);
  return 0;
}
