// Sends the same random commands to two servers and compares their replies, type by type.
//
//   differential_client --port A --port B [--seed N] [--requests N] [--resp3]
//
// Meant for redis-server and Understudy: what neither the command scripts nor their author thought
// of. Requests come from the grammar below, and one in ten is then spoilt: an argument is lost,
// doubled or replaced. Only a few keys are used, so that commands meet each other's results. What
// may differ is taken out: the order of KEYS and SCAN, which key RANDOMKEY chose, times to live
// within a tolerance. Exit status: 0 if all replies were the same; the first differences are
// printed with the requests before them that named the same key.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/resp_client.h"

namespace {

using namespace understudy;  // NOLINT: a program of one file
using Args = std::vector<std::string>;

// Words in capitals stand for themselves; <name> is something Value() makes; [a|b c]? takes one of
// the choices or none, [a|b]* up to three. The number in front is the weight.
constexpr std::string_view kGrammar[] = {
    "9 GET <key>",
    "20 SET <key> <value> [NX|XX|GET|KEEPTTL|EX <seconds>|PX <ms>|EXAT <at>|PXAT <atms>]*",
    "9 SET <key> <value>",
    "3 SETNX <key> <value>",
    "3 SETEX <key> <seconds> <value>",
    "3 PSETEX <key> <ms> <value>",
    "3 GETSET <key> <value>",
    "2 GETDEL <key>",
    "5 GETEX <key> [PERSIST|EX <seconds>|PX <ms>|EXAT <at>|PXAT <atms>]*",
    "3 MGET <key> <key> <key>",
    "3 MSET <key> <value> <key> <value>",
    "3 MSETNX <key> <value> <key> <value>",
    "6 APPEND <key> <value>",
    "4 STRLEN <key>",
    "6 GETRANGE <key> <index> <index>",
    "2 SUBSTR <key> <index> <index>",
    "6 SETRANGE <key> <offset> <value>",
    "4 INCR <key>",
    "4 DECR <key>",
    "5 INCRBY <key> <integer>",
    "5 DECRBY <key> <integer>",
    "8 INCRBYFLOAT <key> <float>",
    "6 LCS <key> <key> [LEN|IDX|WITHMATCHLEN|MINMATCHLEN <index>]*",
    "4 GETBIT <key> <bit>",
    "6 SETBIT <key> <bit> [0|1]?",
    "7 BITCOUNT <key> [<index> <index>|<index> <index> BYTE|<index> <index> BIT]?",
    "9 BITPOS <key> [0|1]? [<index>|<index> <index>|<index> <index> BYTE|<index> <index> BIT]?",
    "6 BITOP [AND|OR|XOR]? <key> <key> <key>",
    "3 BITOP NOT <key> <key>",
    "12 BITFIELD <key> [GET <type> <field>|SET <type> <field> <fieldvalue>|INCRBY <type> <field> "
    "<integer>|OVERFLOW WRAP|OVERFLOW SAT|OVERFLOW FAIL]*",
    "3 BITFIELD_RO <key> [GET <type> <field>]*",
    "3 DEL <key> <key>",
    "2 UNLINK <key>",
    "3 EXISTS <key> <key>",
    "3 TYPE <key>",
    "2 TOUCH <key> <key>",
    "1 KEYS <pattern>",
    "1 SCAN 0 COUNT 1000000 [MATCH <pattern>|TYPE string|TYPE list]*",
    "1 RANDOMKEY",
    "5 RENAME <key> <key>",
    "4 RENAMENX <key> <key>",
    "6 COPY <key> <key> [DB <db>|REPLACE]*",
    "4 MOVE <key> <db>",
    "6 EXPIRE <key> <seconds> [NX|XX|GT|LT]*",
    "4 PEXPIRE <key> <ms> [NX|XX|GT|LT]*",
    "4 EXPIREAT <key> <at> [NX|XX|GT|LT]*",
    "4 PEXPIREAT <key> <atms> [NX|XX|GT|LT]*",
    "3 EXPIRETIME <key>",
    "3 PEXPIRETIME <key>",
    "3 TTL <key>",
    "3 PTTL <key>",
    "3 PERSIST <key>",
    "2 DBSIZE",
    "1 FLUSHDB [SYNC|ASYNC]?",
    "1 SWAPDB <db> <db>",
    "2 SELECT <db>",
    "6 OBJECT ENCODING <key>",
    "1 OBJECT REFCOUNT <key>",
    "1 OBJECT IDLETIME <key>",
    "1 OBJECT FREQ <key>",
};

class Generator {
  uint64_t Below(uint64_t n) { return random_() % n; }
  template <typename List>
  auto Pick(const List& list) {
    return *(std::begin(list) + static_cast<ptrdiff_t>(Below(std::size(list))));
  }

 public:
  explicit Generator(uint64_t seed) : random_(seed) {
    for (std::string_view rule : kGrammar) {
      int weight = 0;
      const auto [end, error] = std::from_chars(rule.data(), rule.data() + rule.size(), weight);
      rule.remove_prefix(static_cast<size_t>(end - rule.data()) + 1);
      rules_.insert(rules_.end(), static_cast<size_t>(weight), rule);
    }
  }

  Args Next() {
    Args args;
    Expand(Pick(rules_), &args);
    if (Below(10) == 0) Spoil(&args);
    if (Below(8) == 0) {
      for (char& c : args[0]) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return args;
  }

 private:
  void Expand(std::string_view rule, Args* args) {
    while (!rule.empty()) {
      size_t end;
      if (rule[0] == ' ') {
        end = 1;
      } else if (rule[0] == '[') {
        end = rule.find(']') + 2;
        const std::string_view choices = rule.substr(1, end - 3);
        const uint64_t times = rule[end - 1] == '?' ? (Below(8) != 0) : Below(4);
        for (uint64_t i = 0; i < times; ++i) Expand(Choice(choices), args);
      } else {
        end = std::min(rule.find(' '), rule.size());
        const std::string_view word = rule.substr(0, end);
        args->push_back(word[0] == '<' ? Make(word) : std::string(word));
      }
      rule.remove_prefix(end);
    }
  }

  std::string_view Choice(std::string_view choices) {
    uint64_t skip =
        Below(1 + static_cast<uint64_t>(std::count(choices.begin(), choices.end(), '|')));
    for (; skip > 0; --skip) choices.remove_prefix(choices.find('|') + 1);
    return choices.substr(0, choices.find('|'));
  }

  std::string Make(std::string_view word) {
    if (word == "<key>") return "k" + std::to_string(Below(7));
    if (word == "<value>") return AnyValue();
    if (word == "<integer>") return Below(3) == 0 ? Pick(kOddIntegers) : Small(40);
    // redis-server 7 lets SET with OVERFLOW SAT turn the very smallest numbers into the greatest.
    if (word == "<fieldvalue>") return Below(3) == 0 ? Pick(kFieldValues) : Small(40);
    if (word == "<float>") return Below(2) == 0 ? Pick(kFloats) : Small(40);
    if (word == "<index>") return Below(12) == 0 ? Pick(kOddIntegers) : Small(60);
    if (word == "<offset>") return Below(20) == 0 ? Pick(kOddOffsets) : std::to_string(Below(60));
    if (word == "<bit>") return Below(20) == 0 ? Pick(kOddOffsets) : std::to_string(Below(400));
    if (word == "<type>") {
      return (Below(2) == 0 ? "i" : "u") + std::to_string(1 + Below(Below(10) == 0 ? 66 : 63));
    }
    if (word == "<field>") return (Below(3) == 0 ? "#" : "") + std::to_string(Below(40));
    if (word == "<db>") return Below(10) == 0 ? Pick(kOddIntegers) : std::to_string(Below(3));
    if (word == "<pattern>") return Pick(kPatterns);
    // Times far ahead and far apart, or over: what happens near "now" would depend on the clock.
    if (Below(10) == 0) return Pick(kOddIntegers);
    if (word == "<seconds>") return std::to_string(Pick(kFar) + Below(1000000));
    if (word == "<ms>") return std::to_string((Pick(kFar) + Below(1000000)) * 1000);
    if (word == "<at>") return std::to_string(33000000000 + Below(1000000) * 1000);
    return std::to_string(33000000000000 + Below(1000000) * 1000000 + Below(1000));
  }

  std::string Small(int64_t limit) {
    return std::to_string(static_cast<int64_t>(Below(static_cast<uint64_t>(limit))) - limit / 2);
  }

  std::string AnyValue() {
    switch (Below(6)) {
      case 0:
        return Pick(kOddIntegers);
      case 1:
        return Pick(kFloats);
      case 2:
        return Small(100000);
      case 3: {
        std::string bytes(Below(60), '\0');
        for (char& byte : bytes) byte = static_cast<char>(Below(256));
        return bytes;
      }
      default: {
        std::string text(Below(Below(4) == 0 ? 200 : 30), '\0');
        for (char& letter : text) letter = static_cast<char>('a' + Below(4));
        return text;
      }
    }
  }

  void Spoil(Args* args) {
    const size_t at = Below(args->size());
    switch (Below(3)) {
      case 0:
        if (at > 0) args->erase(args->begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1:
        args->insert(args->begin() + static_cast<ptrdiff_t>(at), (*args)[at]);
        break;
      default:
        if (at > 0) (*args)[at] = AnyValue();
    }
  }

  // clang-format off
  static constexpr uint64_t kFar[] = {1000000, 1000000000};
  // None is a bit offset that makes a huge value.
  static constexpr const char* kOddIntegers[] = {
      "0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "01", "+1",
      "-0", "1.5", "abc", "", " 1", "1 ", "4294967296", "4294967297", "9223372036854775",
      "99999999999999999999999"};
  static constexpr const char* kOddOffsets[] = {
      "-1", "9223372036854775807", "4294967296", "01", "1.5", "", "x", "536870912000"};
  static constexpr const char* kFieldValues[] = {
      "0", "-1", "9223372036854775807", "-4611686018427387904", "9223372036854775808", "255",
      "256", "-128", "-129", "4294967296", "abc", ""};
  static constexpr const char* kFloats[] = {
      "0.1", "-0.1", "1.5", "3.0e3", "-5.0e3", "1e17", "1e-17", "1e308", "-1.7e308", "inf",
      "-inf", "nan", "infinity", "0x1p3", "1e400", ".5", "5.", "1e", "1.2.3",
      "100000000000000000000", "0.30000000000000004", "3.14159265358979323846",
      "123456789.123456789", "-0.0", "+1.25"};
  static constexpr const char* kPatterns[] = {
      "*", "k*", "?1", "k[1-3]", "k[^1-3]", "", "k\\1", "k[", "k[1", "*1*", "k[3-1]", "[k][0-9]",
      "*[!1]"};
  // clang-format on

  std::mt19937_64 random_;
  std::vector<std::string_view> rules_;
};

// ---- comparing ----

bool NumbersAgree(const Value& a, const Value& b, int64_t tolerance) {
  if (a.type != ':' || b.type != ':') return a == b;
  const int64_t x = std::atoll(a.text.c_str());
  const int64_t y = std::atoll(b.text.c_str());
  // -1 and -2 say something else than a time.
  return x < 0 || y < 0 ? x == y : std::abs(x - y) <= tolerance;
}

bool Agree(const Args& args, Value* a, Value* b) {
  std::string name = args[0];
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (name == "KEYS" || name == "SCAN") {
    SortTexts(a);
    SortTexts(b);
  }
  // A cursor that was never given out means something else to either.
  if (name == "SCAN" && args.size() > 1 && args[1] != "0") return a->type == b->type;
  if (name == "RANDOMKEY") return a->type == b->type && a->null == b->null;
  if (name == "TTL" || name == "EXPIRETIME") return NumbersAgree(*a, *b, 5);
  if (name == "PTTL" || name == "PEXPIRETIME") return NumbersAgree(*a, *b, 5000);
  if (name == "OBJECT" && args.size() == 3 && (args[1] == "REFCOUNT" || args[1] == "IDLETIME")) {
    // redis-server shares small integers.
    return a->type == ':' ? b->type == ':' : *a == *b;
  }
  // redis-server ends some error texts at a zero byte of an argument.
  if (a->type == '-' && b->type == '-') return b->text.rfind(a->text, 0) == 0;
  return *a == *b;
}

void Print(std::string lead, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    std::cout << lead << line.substr(0, 300) << "\n";
    lead.assign(lead.size(), ' ');
  }
}

void PrintRequest(const Args& args) {
  for (const std::string& arg : args) std::cout << Quote(arg) << " ";
  std::cout << "\n";
}

// The newest requests that named a key of this one.
void PrintRelated(const std::deque<Args>& history, const Args& args) {
  constexpr size_t kMost = 12;
  std::deque<const Args*> related;
  for (const Args& earlier : history) {
    const bool shares =
        std::any_of(args.begin() + 1, args.end(), [&earlier](const std::string& arg) {
          return arg.size() == 2 && arg[0] == 'k' &&
                 std::find(earlier.begin(), earlier.end(), arg) != earlier.end();
        });
    if (shares) related.push_back(&earlier);
    if (related.size() > kMost) related.pop_front();
  }
  for (const Args* earlier : related) {
    std::cout << "  before: ";
    PrintRequest(*earlier);
  }
}

struct Options {
  std::vector<int> ports;
  uint64_t seed = 1;
  int requests = 100000;
  bool resp3 = false;
};

int Compare(const Options& options) {
  constexpr int kPipeline = 50;
  constexpr int kMostShown = 10;
  constexpr size_t kHistory = 400;
  RespClient a("127.0.0.1", options.ports[0], options.resp3);
  RespClient b("127.0.0.1", options.ports[1], options.resp3);
  a.Request({"FLUSHALL"});
  b.Request({"FLUSHALL"});
  Generator generator(options.seed);
  std::deque<Args> history;
  int differences = 0;
  for (int done = 0; done < options.requests && differences < kMostShown; done += kPipeline) {
    std::vector<Args> batch(kPipeline);
    for (Args& args : batch) {
      args = generator.Next();
      a.Send(args);
      b.Send(args);
    }
    for (const Args& args : batch) {
      Value from_a = a.Receive();
      Value from_b = b.Receive();
      if (!Agree(args, &from_a, &from_b) && ++differences <= kMostShown) {
        PrintRelated(history, args);
        std::cout << "request: ";
        PrintRequest(args);
        Print("  port A: ", Render(from_a));
        Print("  port B: ", Render(from_b));
      }
      history.push_back(args);
      if (history.size() > kHistory) history.pop_front();
    }
  }
  std::cout << options.requests << " requests, RESP" << (options.resp3 ? 3 : 2) << ", seed "
            << options.seed << ": " << differences << " replies differ\n";
  return differences == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--resp3") {
      options.resp3 = true;
    } else if (word == "--port" && i + 1 < argc) {
      options.ports.push_back(std::atoi(argv[++i]));
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--requests" && i + 1 < argc) {
      options.requests = std::atoi(argv[++i]);
    } else {
      options.ports.clear();
      break;
    }
  }
  if (options.ports.size() != 2) {
    std::cerr
        << "usage: differential_client --port A --port B [--seed N] [--requests N] [--resp3]\n";
    return 2;
  }
  try {
    return Compare(options);
  } catch (const Failure& failure) {
    std::cout << failure.what() << "\n";
    return 1;
  }
}
